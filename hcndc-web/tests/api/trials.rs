//! Tests of data sources, shared params and alert channels over the API.

use std::path::Path;

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::bed::{Bed, within};

/// Makes a database with the table `batch (id)`, which holds 41 and 42.
async fn database(path: &Path) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let made = "CREATE TABLE batch AS SELECT 41 AS id UNION SELECT 42";
    connection.execute(made).await.unwrap();
    connection.close().await.unwrap();
}

async fn made(bed: &Bed, kind: &str, body: &Value) -> String {
    let id = bed.post(kind, body).await.expect(201)["id"].clone();
    format!("{kind}/{id}")
}

async fn test(bed: &Bed, path: &str, body: &Value) -> (bool, String) {
    let trial = bed.post(&format!("{path}/test"), body).await.expect(200);
    assert!(trial["took_ms"].is_u64(), "{trial}");
    let said = trial["said"].as_str().unwrap().to_owned();
    (trial["ok"].as_bool().unwrap(), said)
}

#[tokio::test]
async fn a_data_source_tells_its_version_or_why_it_cannot() {
    let dir = tempfile::tempdir().unwrap();
    let bed = Bed::new().await;
    let path = dir.path().join("dw.db");
    let source = json!({"name": "dw", "kind": "sqlite", "database": path});
    let source = made(&bed, "data-sources", &source).await;
    let last_check = async || {
        let of_list = &bed.get("data-sources").await.expect(200)["items"][0]["last_check"];
        let check = bed.get(&source).await.expect(200)["last_check"].clone();
        assert_eq!(*of_list, check);
        check
    };
    assert!(last_check().await.is_null(), "nobody has asked it");
    let (ok, said) = test(&bed, &source, &json!({})).await;
    assert!(!ok && said.contains("No such file"), "{said}");
    let check = last_check().await;
    assert_eq!(
        (&check["ok"], &check["trouble"]),
        (&json!(false), &json!(said))
    );
    database(&path).await;
    let (ok, said) = test(&bed, &source, &json!({})).await;
    assert!(ok && said.starts_with("3."), "{said}");
    let check = last_check().await;
    assert_eq!(
        (&check["ok"], &check["trouble"]),
        (&json!(true), &json!(null))
    );
    assert!(check["at"].is_string(), "{check}");

    // What was found says nothing of what it is now.
    let patch = json!({"database": dir.path().join("other.db")});
    bed.write("PATCH", &source, &patch).await.expect(200);
    assert!(last_check().await.is_null(), "it has changed");
    let patch = json!({"database": path});
    bed.write("PATCH", &source, &patch).await.expect(200);
    let query = json!({"data_source": "dw", "query": "SELECT 1"});
    let param = json!({"name": "one", "sql": query});
    let param = made(&bed, "params", &param).await;
    let (ok, _) = test(&bed, &param, &json!({})).await;
    assert_eq!((ok, &last_check().await["ok"]), (true, &json!(true)));
    bed.post("data-sources/999/test", &json!({}))
        .await
        .problem(404, "unknown_data_source");
}

#[tokio::test]
async fn a_file_server_tells_what_it_is_or_why_it_cannot() {
    let bed = Bed::new().await;
    let here = made(
        &bed,
        "file-servers",
        &json!({"name": "here", "kind": "local"}),
    )
    .await;
    assert_eq!(test(&bed, &here, &json!({})).await, (true, String::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let bank = json!({"name": "bank", "kind": "sftp", "host": "127.0.0.1", "port": port});
    let bank = made(&bed, "file-servers", &bank).await;
    let (ok, said) = test(&bed, &bank, &json!({})).await;
    assert!(!ok && said.contains("refused"), "{said}");
    bed.post("file-servers/999/test", &json!({}))
        .await
        .problem(404, "unknown_file_server");
}

#[tokio::test]
async fn a_wrong_option_of_a_file_server_is_refused_with_its_name() {
    let bed = Bed::new().await;
    let options = json!({"hostkey": "SHA256:", "host_key": "aa:bb:cc", "connect_seconds": "0"});
    let body = json!({"name": "bank", "kind": "sftp", "host": "sftp.bank", "options": options});
    let refused = bed.post("file-servers", &body).await;
    let refused = refused.problem(400, "bad_body");
    let faults = refused["faults"].as_array().unwrap();
    let told: Vec<_> = faults
        .iter()
        .map(|it| (it["field"].as_str().unwrap(), it["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("options.hostkey", "unknown_setting"),
            ("options.host_key", "bad_setting"),
            ("options.connect_seconds", "bad_setting"),
        ]
    );
}

#[tokio::test]
async fn a_param_tells_its_value_for_a_date() {
    let dir = tempfile::tempdir().unwrap();
    let bed = Bed::new().await;
    let path = dir.path().join("dw.db");
    database(&path).await;
    let source = json!({"name": "dw", "kind": "sqlite", "database": path});
    made(&bed, "data-sources", &source).await;
    let query = |query: &str| json!({"data_source": "dw", "query": query});
    for (name, body, expected) in [
        (
            "fixed",
            json!({"value": "day ${date:%j}"}),
            (true, "day 325"),
        ),
        (
            "before",
            json!({"context": {"of": "data_date", "format": "%Y%m%d", "offset_days": -1}}),
            (true, "20261120"),
        ),
        (
            "asked",
            json!({"sql": query("select max(id) || '${date-1d}' from batch")}),
            (true, "422026-11-20"),
        ),
        (
            "empty",
            json!({"sql": query("select id from batch where id = 0")}),
            (
                false,
                "there is no row, or the first column of the first row has no value",
            ),
        ),
    ] {
        let mut body = body;
        body["name"] = name.into();
        let param = made(&bed, "params", &body).await;
        let (ok, said) = test(&bed, &param, &json!({"data_date": "2026-11-21"})).await;
        assert_eq!((ok, said.as_str()), expected, "{name}");
    }
    let sql = query("select max(id) || ' ${date-1d} ${date:%d}' from batch");
    let param = made(&bed, "params", &json!({"name": "written", "sql": sql})).await;
    let body = json!({"data_date": "2026-11-21", "date_format": "%Y%m%d"});
    let came = test(&bed, &param, &body).await;
    assert_eq!(came, (true, "42 20261120 21".to_owned()));
    let problem = bed
        .post("params/999/test", &json!({"data_date": "today"}))
        .await;
    assert_eq!(
        problem.problem(400, "bad_body")["faults"][0]["code"],
        "bad_date"
    );
}

#[tokio::test]
async fn an_alert_channel_sends_an_example_or_says_why_not() {
    let bed = Bed::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let channel = json!({"name": "hook", "kind": "webhook", "settings": {"url": url}});
    let channel = made(&bed, "alert-channels", &channel).await;
    let receives = tokio::spawn(async move {
        let mut got = String::new();
        for answer in ["200 OK", "403 Forbidden"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut part = [0; 65_536];
            got.clear();
            while !got.ends_with("}") {
                let read = stream.read(&mut part).await.unwrap();
                got.push_str(std::str::from_utf8(&part[..read]).unwrap());
            }
            let answer =
                format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        got
    });
    assert_eq!(
        test(&bed, &channel, &json!({})).await,
        (true, String::new())
    );
    let (ok, said) = test(&bed, &channel, &json!({})).await;
    assert_eq!(
        (ok, said.as_str()),
        (false, "the server answers 403 Forbidden")
    );
    let got = within(receives).await.unwrap();
    assert!(
        got.contains("This is a test") && got.contains("\"alert\":0"),
        "{got}"
    );
}

#[tokio::test]
async fn a_wrong_setting_of_a_channel_is_refused_with_its_name() {
    let bed = Bed::new().await;
    let settings = json!({"hots": "mail", "from": "etl@example.com", "to": "nobody", "port": "0"});
    let body = json!({"name": "mail", "kind": "email", "settings": settings});
    let refused = bed.post("alert-channels", &body).await;
    let refused = refused.problem(400, "bad_body");
    let faults = refused["faults"].as_array().unwrap();
    let told: Vec<_> = faults
        .iter()
        .map(|it| (it["field"].as_str().unwrap(), it["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("settings.host", "missing_setting"),
            ("settings.hots", "unknown_setting"),
            ("settings.to", "bad_setting"),
            ("settings.port", "bad_setting"),
        ]
    );
    // The secret that is kept may be the address, which nobody here knows.
    let secret =
        json!({"name": "chat", "kind": "slack", "secret": "https://hooks.slack.com/services/x"});
    let channel = made(&bed, "alert-channels", &secret).await;
    let patch = json!({"description": "for people"});
    bed.write("PATCH", &channel, &patch).await.expect(200);
    let none = json!({"name": "other", "kind": "slack"});
    let refused = bed.post("alert-channels", &none).await;
    assert_eq!(
        refused.problem(400, "bad_body")["faults"][0]["field"],
        "settings.url"
    );
}
