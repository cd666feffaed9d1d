//! The whole way: a file arrives by SFTP, its flow runs for the date in its name with a value from PostgreSQL, its job fails once and
//! succeeds, and people are told once by e-mail and once in a group of DingTalk.

use std::fs;

use serde_json::{Value, json};

use crate::{
    databases::PostgresServer,
    files::{put, ran, watched},
    mail::{MailServer, somebody},
    receiver::Receiver,
    sftp::SftpServer,
    support::{Server, wait_for},
};

#[test]
fn a_file_by_sftp_runs_its_flow_with_a_value_from_postgresql_and_people_are_told_once() {
    let test = "a_file_by_sftp_runs_its_flow_with_a_value_from_postgresql_and_people_are_told_once";
    let (Some(bank), Some(dw), Some(mail)) = (
        SftpServer::find(test),
        PostgresServer::find(test),
        MailServer::find(test),
    ) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let group = runtime.block_on(Receiver::start(200, r#"{"errcode":0,"errmsg":"ok"}"#));
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (tried, out) = (work.path().join("tried"), work.path().join("out"));
    let to = somebody();
    // The command fails when it runs for the first time; at its end stands the day of the year, which the database reckoned.
    let command = format!(
        "test -e {tried} || {{ touch {tried}; exit 3; }}; echo ${{date}} >> {out}; test 325 =",
        tried = tried.display(),
        out = out.display(),
    );
    let mesh = json!({
        "hcndc": 1,
        "file_servers": [{"name": "bank", "kind": "sftp", "host": "127.0.0.1", "port": bank.port,
            "user": bank.user, "password": bank.key("user"), "options": {"host_key": bank.host_key()}}],
        "file_events": [{"name": "ledger", "server": "bank", "interval": "1s", "date_pattern": "%Y%m%d",
            "path": format!("{}/in/ledger-*.csv", bank.root.display())}],
        "data_sources": [{"name": "dw", "kind": "postgresql", "host": dw.host, "port": dw.port, "user": dw.user,
            "password": dw.password, "database": "postgres", "options": {"tls": "verify_full", "ca_file": dw.ca}}],
        "shared_params": [{"name": "days", "sql": {"data_source": "dw",
            "query": "select date '${date}' - date '${date:%Y}-01-01' + 1"}}],
        "alert_channels": [
            {"name": "mail", "kind": "email", "secret": mail.password, "settings": {
                "host": "127.0.0.1", "port": mail.port, "user": "hcndc", "ca_file": mail.ca,
                "from": "hcndc@etl.example", "to": to, "group_seconds": "1"}},
            {"name": "group", "kind": "ding_talk", "secret": "SECkey", "settings": {
                "url": group.url("/robot/send?access_token=t"), "group_seconds": "1"}},
        ],
        "alert_rules": [{"name": "ends", "default": true,
            "events": ["execution_succeeded", "execution_failed", "job_failed"], "channels": ["mail", "group"]}],
        "schedules": [{"name": "on arrival", "flow": "load", "trigger": {"file": "ledger"}}],
        "flows": [{"name": "load", "jobs": [{"name": "count", "command": command,
            "params": {"days": {"shared": true}}, "retry": {"max": 1, "delay": "1s"}}]}],
    });
    let server = Server::start(data.path(), &["--alert-lang", "zh"]);
    server.put_mesh(&mesh.to_string());
    put(&bank.root, "in/.ledger-20261121.csv", "1,2,3\n");
    let (hidden, whole) = (
        bank.root.join("in/.ledger-20261121.csv"),
        bank.root.join("in/ledger-20261121.csv"),
    );
    fs::rename(hidden, whole).unwrap();
    wait_for("the mail", || !mail.mails(&to).is_empty());
    wait_for("the word in the group", || !group.got().is_empty());

    assert_eq!(ran(&out), ["2026-11-21"]);
    let executions = server.get("executions");
    let executions = executions["items"].as_array().unwrap();
    assert_eq!(executions.len(), 1, "{executions:#?}");
    assert_eq!(executions[0]["state"], "succeeded");
    let job_run = &server.job_runs(executions[0]["id"].as_u64().unwrap())[0];
    let attempts = server.get(&format!("job-runs/{}/attempts", job_run["id"]));
    let attempts = attempts["items"].as_array().unwrap().iter();
    let ended: Vec<_> = attempts
        .map(|it| (&it["state"], &it["exit_code"]))
        .collect();
    assert_eq!(
        ended,
        [
            (&json!("failed"), &json!(3)),
            (&json!("succeeded"), &json!(0))
        ]
    );

    // Whoever leads next sees the same file, and uses it and tells of it no more.
    assert!(server.stop().success());
    let server = Server::start(data.path(), &["--alert-lang", "zh"]);
    wait_for("a look after it", || watched(&server)["used"] == 1);
    assert_eq!(watched(&server)["trouble"], Value::Null);
    assert_eq!(ran(&out), ["2026-11-21"]);
    let told = "[HCNDC] 执行成功：load（2026-11-21）";
    let mails = mail.mails(&to);
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert_eq!(mails[0]["subject"], told);
    let word = group.only();
    assert!(word.query("sign").len() > 20);
    let word = word.json();
    let text = word["text"]["content"].as_str().unwrap();
    assert!(text.starts_with(told), "{text}");
}
