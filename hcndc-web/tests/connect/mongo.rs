//! Queries to MongoDB, as far as a server of the tests speaks its protocol.

use std::{sync::Arc, time::Duration};

use hcndc_core::{
    engine::ResolveErrorKind,
    model::{DataSource, DataSourceKind, Secret, ValueType},
};
use mongodb::bson::Bson;

use crate::{
    databases::{ask, ask_column, pools, source},
    mongo_server::{MongoServer, Mood},
    proxy::nobody,
};

const QUERY: &str = r#"{"find": "batch", "filter": {"day": "2026-11-21"}, "sort": {"_id": -1}}"#;

fn on(port: u16, options: &[(&str, &str)]) -> DataSource {
    // The client looks for a server that cannot be used until its time is over.
    let options = [("connect_seconds", "2")].iter().chain(options);
    let options = options.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    DataSource {
        port: Some(port),
        database: "dw".to_owned(),
        options: options.collect(),
        ..source(DataSourceKind::Mongodb)
    }
}

#[tokio::test]
async fn the_first_document_is_the_row() {
    let server = MongoServer::start(Mood::Good, None);
    let source = on(server.port, &[]);
    for (column, of, expected) in [
        (None, ValueType::Date, "2026-11-21"),
        (Some("n.rows"), ValueType::Integer, "42"),
        (Some("_id"), ValueType::Text, "1"),
    ] {
        let found = ask_column(&source, QUERY, column, of).await;
        assert_eq!(found.as_deref(), Ok(expected), "{column:?}");
    }
    let sent = server.said.lock().unwrap()[0].clone();
    assert_eq!(sent.get_str("find").unwrap(), "batch");
    assert_eq!(sent.get_str("$db").unwrap(), "dw");
    assert_eq!(sent.get("limit"), Some(&Bson::Int32(1)));
    assert!(sent.contains_key("maxTimeMS"), "{sent}");
    let version = pools().version(&Arc::new(source)).await;
    assert_eq!(version.as_deref(), Ok("MongoDB 7.0.1"));
}

#[tokio::test]
async fn only_what_reads_is_sent() {
    let server = MongoServer::start(Mood::Good, None);
    for query in [
        r#"{"drop": "batch"}"#,
        r#"{"aggregate": "batch", "pipeline": [{"$out": "other"}]}"#,
        "SELECT 1",
    ] {
        let error = ask(&on(server.port, &[]), query).await.unwrap_err();
        assert_eq!(error.kind, ResolveErrorKind::Refused, "{error}");
    }
    assert!(server.said.lock().unwrap().is_empty());
}

#[tokio::test]
async fn failures_are_told_apart() {
    for (mood, kind, words) in [
        (Mood::Empty, ResolveErrorKind::NoRow, ""),
        (Mood::Refuses, ResolveErrorKind::Refused, "unknown operator"),
        (Mood::Ends, ResolveErrorKind::Unreachable, "goes down"),
        (Mood::Late, ResolveErrorKind::TimedOut, "time limit"),
        (Mood::Garbled, ResolveErrorKind::Unreachable, ""),
        (Mood::GarbledAtOnce, ResolveErrorKind::Unreachable, ""),
        (Mood::Dies, ResolveErrorKind::Unreachable, ""),
    ] {
        let server = MongoServer::start(mood, None);
        let error = ask(&on(server.port, &[]), QUERY).await.unwrap_err();
        assert_eq!(error.kind, kind, "{mood:?}: {error}");
        assert!(error.reason.contains(words), "{mood:?}: {error}");
    }
    let error = ask(&on(nobody(), &[]), QUERY).await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
    assert!(error.reason.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_means_that_nobody_can_be_asked_and_is_told_to_nobody() {
    let server = MongoServer::start(Mood::Good, None);
    let mut source = on(server.port, &[]);
    source.user = "etl".to_owned();
    source.password = Secret::new("wrong-password");
    let error = ask(&source, QUERY).await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
    assert!(error.reason.contains("uthentication failed"), "{error}");
    assert!(!error.reason.contains("wrong-password"), "{error}");
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_given_up() {
    let server = MongoServer::start(Mood::Silent, None);
    let source = Arc::new(on(server.port, &[]));
    let limit = Duration::from_millis(500);
    let error = pools().ask(&source, QUERY, limit).await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::TimedOut, "{error}");
}

#[tokio::test]
async fn certificates_are_checked_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let path = file.display().to_string();
    let safe = MongoServer::start(Mood::Good, Some(&file));
    for options in [
        &[("tls", "require")][..],
        &[("tls", "verify_full"), ("ca_file", &path)],
    ] {
        let asked = ask(&on(safe.port, options), QUERY).await;
        assert_eq!(asked.as_deref(), Ok("2026-11-21"), "{options:?}");
    }
    let error = ask(&on(safe.port, &[("tls", "verify_full")]), QUERY).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unreachable);
    assert!(error.reason.contains("certificate"), "{error}");
    let plain = MongoServer::start(Mood::Good, None);
    let error = ask(&on(plain.port, &[("tls", "require")]), QUERY).await;
    assert_eq!(error.unwrap_err().kind, ResolveErrorKind::Unreachable);
}
