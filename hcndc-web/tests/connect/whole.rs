//! A whole server: what happens there reaches people.

use serde_json::json;

use crate::{
    databases::PostgresServer,
    mail::{MailServer, somebody},
    receiver::Receiver,
    support::{Server, wait_for},
};

#[test]
fn a_job_that_fails_reaches_people_by_mail_and_webhook_with_its_cause() {
    let test = "a_job_that_fails_reaches_people_by_mail_and_webhook_with_its_cause";
    let Some(mail) = MailServer::find(test) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let receiver = runtime.block_on(Receiver::start(200, ""));
    let dir = tempfile::tempdir().unwrap();
    let args = ["--base-url", "http://hcndc.test", "--alert-lang", "zh"];
    let server = Server::start(dir.path(), &args);
    let to = somebody();
    let mesh = json!({
        "hcndc": 1,
        "alert_channels": [
            {"name": "mail", "kind": "email", "secret": mail.password, "settings": {
                "host": "127.0.0.1", "port": mail.port, "user": "hcndc", "ca_file": mail.ca,
                "from": "hcndc@etl.example", "to": to, "group_seconds": "1"}},
            {"name": "hook", "kind": "webhook", "secret": "key", "settings": {
                "url": receiver.url("/alerts"), "lang": "en", "group_seconds": "1"}},
        ],
        "alert_rules": [{"name": "failures", "default": true,
            "events": ["job_failed", "execution_failed"], "channels": ["mail", "hook"]}],
        "flows": [{"name": "settle", "jobs": [
            {"name": "load", "command": "echo 'table trades is locked' >&2; exit 7"}]}],
    });
    server.put_mesh(&mesh.to_string());
    let execution = server.start_flows(&["settle"]);
    wait_for("the mail", || !mail.mails(&to).is_empty());
    wait_for("the webhook", || !receiver.got().is_empty());
    assert_eq!(server.execution_state(execution), "failed");

    let mails = mail.mails(&to);
    assert_eq!(mails.len(), 1, "both alerts are one mail: {mails:#?}");
    let text = mails[0]["text"].as_str().unwrap();
    let page = format!("http://hcndc.test/execute/{execution}");
    for part in [
        "任务失败：settle/load（2026-11-21）",
        "执行失败：settle（2026-11-21）",
        "原因：退出码 7",
        "table trades is locked",
        &page,
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let body = receiver.only().json();
    let alerts = body["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 2, "{body:#}");
    let job = alerts
        .iter()
        .find(|it| it["event"] == "job_failed")
        .unwrap();
    assert_eq!(job["job"]["exit_code"], 7);
    assert_eq!(job["job"]["log"], json!(["table trades is locked"]));
    assert_eq!(job["execution"]["id"], execution);
    assert!(
        body["text"]
            .as_str()
            .unwrap()
            .contains("Cause: it exited with 7")
    );
}

#[test]
fn a_job_whose_database_refuses_fails_and_runs_with_its_answer_later() {
    let Some(dw) = PostgresServer::find("a value from PostgreSQL") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mesh = |password: &str| {
        json!({
            "hcndc": 1,
            "data_sources": [{"name": "dw", "kind": "postgresql", "host": dw.host, "port": dw.port,
                "user": dw.user, "password": password, "database": "postgres",
                "options": {"tls": "verify_full", "ca_file": dw.ca}}],
            "shared_params": [{"name": "days", "sql": {"data_source": "dw",
                "query": "select date '${date}' - date '${date:%Y}-01-01' + 1"}}],
            "flows": [{"name": "load", "jobs": [
                {"name": "count", "command": "test 325 =", "params": {"days": {"shared": true}}}]}],
        })
    };
    server.put_mesh(&mesh("wrong").to_string());
    let failed = server.start_flows(&["load"]);
    wait_for("the refusal", || server.execution_state(failed) == "failed");
    server.put_mesh(&mesh(&dw.password).to_string());
    let good = server.start_flows(&["load"]);
    wait_for("the end", || server.execution_state(good) != "running");
    assert_eq!(server.execution_state(good), "succeeded");
}
