//! The whole way of an alert that nobody acknowledges: told on one channel, and then by e-mail to somebody else, once, also by a
//! server that was not there when its time came.

use std::path::Path;

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};

use crate::{
    mail::{MailServer, somebody},
    receiver::Receiver,
    support::{Server, wait_for},
};

/// As if half an hour had passed: what is to be escalated is due that much earlier.
async fn pass_half_an_hour(data: &Path) {
    let url = format!("sqlite://{}", data.join("hcndc.db").display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let earlier = "UPDATE alert SET escalate_at = escalate_at - 1800000000";
    database.execute(earlier).await.unwrap();
    database.close().await.unwrap();
}

fn alerts(server: &Server) -> Vec<Value> {
    let page = server.get("alerts?sort=id");
    page["items"].as_array().unwrap().clone()
}

#[test]
fn what_nobody_acknowledges_is_told_to_others_by_mail_once_and_what_somebody_does_is_not() {
    let test =
        "what_nobody_acknowledges_is_told_to_others_by_mail_once_and_what_somebody_does_is_not";
    let Some(mail) = MailServer::find(test) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let night = runtime.block_on(Receiver::start(200, ""));
    let data = tempfile::tempdir().unwrap();
    let boss = somebody();
    let mesh = json!({
        "hcndc": 1,
        "alert_channels": [
            {"name": "night", "kind": "webhook", "settings": {"url": night.url("/"), "group_seconds": "0"}},
            {"name": "boss", "kind": "email", "secret": mail.password, "settings": {
                "host": "127.0.0.1", "port": mail.port, "user": "hcndc", "ca_file": mail.ca,
                "from": "hcndc@etl.example", "to": boss, "group_seconds": "0"}},
        ],
        "alert_rules": [{"name": "failures", "default": true, "events": ["execution_failed"], "channels": ["night"],
            "escalation": {"after": "30m", "channels": ["boss"]}}],
        "flows": [{"name": "load", "jobs": [{"name": "orders", "command": "exit 3"}]},
            {"name": "report", "jobs": [{"name": "orders", "command": "exit 3"}]}],
    });
    let server = Server::start(data.path(), &[]);
    server.put_mesh(&mesh.to_string());
    for flow in ["load", "report"] {
        server.start_flows(&[flow]);
        let told = || {
            alerts(&server)
                .iter()
                .any(|it| it["subject"] == flow && it["closed_at"].is_string())
        };
        wait_for("the night shift is told", told);
    }
    // Somebody takes care of one of the two.
    let all = alerts(&server);
    let of = |flow: &str| all.iter().find(|it| it["subject"] == flow).unwrap().clone();
    let taken = server.post("alerts/acknowledge", &json!({"ids": [of("report")["id"]]}));
    assert_eq!(taken["items"][0]["escalate_at"], Value::Null);
    server.crash();
    runtime.block_on(pass_half_an_hour(data.path()));

    let server = Server::start(data.path(), &[]);
    wait_for("the boss has mail", || !mail.mails(&boss).is_empty());
    let told = || alerts(&server).iter().all(|it| it["closed_at"].is_string());
    wait_for("it is written down", told);
    let all = alerts(&server);
    assert_eq!(all.len(), 3, "{all:#?}");
    let (first, other) = (of("load")["id"].clone(), &all[2]);
    assert_eq!(
        (&other["escalates"], &other["subject"]),
        (&first, &json!("load"))
    );
    assert_eq!(
        all.iter().find(|it| it["id"] == first).unwrap()["escalated"],
        other["id"]
    );

    // Whoever leads next has nobody told again.
    assert!(server.stop().success());
    let server = Server::start(data.path(), &[]);
    let done = server.post("alerts/acknowledge", &json!({"ids": [first]}));
    let by: Vec<_> = done["items"].as_array().unwrap().iter().collect();
    assert!(by.iter().all(|it| it["acknowledged_by"].is_string()));
    assert!(
        alerts(&server)
            .iter()
            .all(|it| it["acknowledged_at"].is_string()),
        "the other one is, too"
    );
    let mails = mail.mails(&boss);
    assert_eq!(mails.len(), 1, "{mails:#?}");
    let subject = mails[0]["subject"].as_str().unwrap();
    assert!(
        subject.starts_with("[HCNDC] Not acknowledged: Execution failed: load ("),
        "{subject}"
    );
    let body = mails[0]["text"].as_str().unwrap();
    assert!(
        body.contains(&format!("/alert/?id={}", other["id"])),
        "{body}"
    );
    assert_eq!(
        night.got().len(),
        2,
        "those who were told first are told once"
    );
}
