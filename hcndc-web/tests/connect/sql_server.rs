//! Queries to SQL Server, as far as a server of the tests speaks its protocol.

use std::{sync::Arc, time::Duration};

use hcndc_core::{
    engine::ResolveErrorKind,
    model::{DataSource, DataSourceKind, Secret, ValueType},
};

use crate::{
    databases::{ask, ask_column, pools, source},
    proxy::nobody,
    tds_server::{Mood, PASSWORD, TdsServer, USER},
};

fn on(port: u16) -> DataSource {
    DataSource {
        port: Some(port),
        user: USER.to_owned(),
        password: Secret::new(PASSWORD),
        database: "dw".to_owned(),
        ..source(DataSourceKind::SqlServer)
    }
}

fn with(mut source: DataSource, options: &[(&str, &str)]) -> DataSource {
    for (name, text) in options {
        source
            .options
            .insert((*name).to_owned(), (*text).to_owned());
    }
    source
}

#[tokio::test]
async fn values_come_as_the_server_writes_them_and_nothing_stays() {
    let server = TdsServer::start(Mood::Good, None);
    let source = on(server.port);
    let query = "SELECT * FROM batch";
    for (column, of, expected) in [
        (None, ValueType::Text, "42"),
        (Some("name"), ValueType::Text, "三x"),
        (Some("rate"), ValueType::Number, "-123.4500"),
        (Some("day"), ValueType::Date, "2026-11-21"),
        (Some("at"), ValueType::Text, "2026-11-21 01:02:03.500"),
        (Some("at"), ValueType::Timestamp, "2026-11-21T01:02:03.5"),
        (Some("paid"), ValueType::Text, "1.2345"),
        (Some("good"), ValueType::Boolean, "true"),
        (Some("big"), ValueType::Integer, "9223372036854775807"),
    ] {
        let found = ask_column(&source, query, column, of).await;
        assert_eq!(found.as_deref(), Ok(expected), "{column:?}");
    }
    let none = ask_column(&source, query, Some("nothing"), ValueType::Text).await;
    assert_eq!(none.unwrap_err().kind, ResolveErrorKind::NoRow);
    let said = server.said.lock().unwrap().clone();
    assert!(said[0].contains("IMPLICIT_TRANSACTIONS ON"), "{said:?}");
    assert!(said[1].contains("BEGIN TRANSACTION"), "{said:?}");
    assert_eq!(said[2], query);
    assert!(said[3].contains("ROLLBACK"), "{said:?}");
}

#[tokio::test]
async fn only_what_asks_is_sent() {
    let server = TdsServer::start(Mood::Good, None);
    for query in ["DELETE FROM t", "SELECT 1; DELETE FROM t", "EXEC sp_x"] {
        let error = ask(&on(server.port), query).await.unwrap_err();
        assert_eq!(error.kind, ResolveErrorKind::Refused, "{error}");
    }
    let said = server.said.lock().unwrap();
    assert!(said.iter().all(|it| it.starts_with("SET ")), "{said:?}");
}

#[tokio::test]
async fn failures_are_told_apart() {
    for (mood, kind, words) in [
        (
            Mood::Refuses,
            ResolveErrorKind::Refused,
            "Invalid object name",
        ),
        (Mood::Ends, ResolveErrorKind::Unreachable, "SHUTDOWN"),
        (Mood::Garbled, ResolveErrorKind::Unreachable, ""),
        (Mood::GarbledAtOnce, ResolveErrorKind::Unreachable, ""),
        (Mood::Dies, ResolveErrorKind::Unreachable, ""),
    ] {
        let server = TdsServer::start(mood, None);
        let error = ask(&on(server.port), "SELECT 1").await.unwrap_err();
        assert_eq!(error.kind, kind, "{mood:?}: {error}");
        assert!(error.reason.contains(words), "{mood:?}: {error}");
    }
    let error = ask(&on(nobody()), "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn a_wrong_password_means_that_nobody_can_be_asked_and_is_told_to_nobody() {
    let server = TdsServer::start(Mood::Good, None);
    let mut source = on(server.port);
    source.password = Secret::new("wrong-password");
    let error = ask(&source, "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
    assert_eq!(error.reason, "Login failed for user 'etl'. (18456)");
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_given_up() {
    let server = TdsServer::start(Mood::Silent, None);
    let source = Arc::new(on(server.port));
    let limit = Duration::from_millis(500);
    let error = pools().ask(&source, "SELECT 1", limit).await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::TimedOut, "{error}");
}

#[tokio::test]
async fn certificates_are_checked_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let path = file.display().to_string();
    let safe = TdsServer::start(Mood::Good, Some(&file));
    for options in [
        &[][..],
        &[("tls", "require")],
        &[("tls", "verify_full"), ("ca_file", &path)],
    ] {
        let asked = ask(&with(on(safe.port), options), "SELECT 1").await;
        assert_eq!(asked.as_deref(), Ok("42"), "{options:?}");
    }
    let source = with(on(safe.port), &[("tls", "verify_full")]);
    let error = ask(&source, "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unreachable);
    assert!(error.reason.contains("certificate"), "{error}");
    assert!(!error.reason.contains("Config::"), "{error}");
    let plain = TdsServer::start(Mood::Good, None);
    let asked = ask(&with(on(plain.port), &[("tls", "none")]), "SELECT 1").await;
    assert_eq!(asked.as_deref(), Ok("42"));
    for tls in ["require", "verify_full"] {
        let error = ask(&with(on(plain.port), &[("tls", tls)]), "SELECT 1").await;
        assert_eq!(error.unwrap_err().kind, ResolveErrorKind::Unreachable);
    }
    assert_eq!(ask(&on(plain.port), "SELECT 1").await.as_deref(), Ok("42"));
}
