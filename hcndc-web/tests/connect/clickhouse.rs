//! Queries to ClickHouse, and to what is none.

use std::{sync::Arc, time::Duration};

use hcndc_core::{
    engine::ResolveErrorKind,
    model::{DataSource, DataSourceKind, Secret},
};

use crate::{
    databases::{ask, ask_by, clickhouse, pools, source},
    proxy::{Proxy, dying, nobody, saying},
    receiver::Receiver,
    tls_proxy::untrusted,
};

#[tokio::test]
async fn clickhouse_is_asked_by_http_to_read_only() {
    let receiver = Receiver::start(200, "x\ty\na\\tb\t1\nc\t2\n").await;
    receiver.says_type("text/tab-separated-values; charset=UTF-8");
    let mut source = source(DataSourceKind::Clickhouse);
    source.port = Some(receiver.address.port());
    source.user = "etl".to_owned();
    source.password = Secret::new("click-secret");
    source.database = "mart".to_owned();
    assert_eq!(
        ask(&source, "SELECT x, y FROM t").await.as_deref(),
        Ok("a\tb")
    );
    let got = receiver.only();
    assert_eq!(got.body.as_ref(), b"SELECT x, y FROM t");
    assert_eq!(got.query("readonly"), "2");
    assert_eq!(got.query("default_format"), "TabSeparatedWithNames");
    assert_eq!(got.header("x-clickhouse-user"), "etl");
    assert_eq!(got.header("x-clickhouse-key"), "click-secret");
    assert_eq!(got.query("database"), "mart");
    receiver.then(&[
        (404, "Code: 60. DB::Exception: Table mart.t does not exist."),
        (
            403,
            "Code: 516. DB::Exception: etl: Authentication failed (click-secret)",
        ),
        (200, "x\n\\N\n"),
    ]);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let error = ask(&source, "SELECT 1").await.unwrap_err();
        assert!(!error.reason.contains("click-secret"), "{error}");
        kinds.push(error.kind);
    }
    assert_eq!(
        kinds,
        [
            ResolveErrorKind::Refused,
            ResolveErrorKind::Unreachable,
            ResolveErrorKind::NoRow
        ]
    );
}

/// How a ClickHouse at this port is asked.
fn clickhouse_at(port: u16) -> DataSource {
    DataSource {
        port: Some(port),
        user: "etl".to_owned(),
        password: Secret::new("click-secret"),
        ..source(DataSourceKind::Clickhouse)
    }
}

#[tokio::test]
async fn what_is_no_clickhouse_or_says_only_a_part_gives_no_value() {
    let page = Receiver::start(200, "<html>\n<body>Welcome</body>\n").await;
    let gateway = Receiver::start(502, "<html>Bad Gateway</html>").await;
    let other = Receiver::start(200, "x\n1\n").await;
    other.says_type("application/json");
    let cut_lines =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/tab-separated-values\r\n\r\nday\n202611";
    let cut_chunks = b"HTTP/1.1 200 OK\r\nContent-Type: text/tab-separated-values\r\n\
                       Transfer-Encoding: chunked\r\n\r\n9\r\nx\n123\n456\r\n";
    let cut_length = b"HTTP/1.1 200 OK\r\nContent-Type: text/tab-separated-values\r\n\
                       Content-Length: 100\r\n\r\nx\n123\n456\n";
    let no_clickhouse = "it does not answer as ClickHouse does";
    for (port, expected) in [
        (nobody(), "refused"),
        (page.address.port(), no_clickhouse),
        (gateway.address.port(), no_clickhouse),
        (other.address.port(), no_clickhouse),
        (dying(b"").await, ""),
        (dying(b"\xff\xfe220 ready\r\n\r\n").await, ""),
        (dying(cut_lines).await, "its answer was cut off"),
        (dying(cut_chunks).await, ""),
        (dying(cut_length).await, ""),
    ] {
        let asked = ask(&clickhouse_at(port), "SELECT 1").await;
        let error = asked.unwrap_err();
        assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
        assert!(error.reason.contains(expected), "{error}");
        assert!(!error.reason.contains("click-secret"), "{error}");
    }
    let silent = Arc::new(clickhouse_at(saying(b"").await));
    let limit = Duration::from_millis(300);
    let error = ask_by(&pools(), &silent, "SELECT 1", limit).await;
    assert_eq!(error.unwrap_err().kind, ResolveErrorKind::TimedOut);

    // The connection is given up before the query is.
    let mut late = clickhouse_at(saying(b"").await);
    late.options = [("tls", "verify_full"), ("connect_seconds", "1")]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into();
    let limit = Duration::from_secs(4);
    let error = ask_by(&pools(), &Arc::new(late), "SELECT 1", limit).await;
    assert_eq!(error.unwrap_err().kind, ResolveErrorKind::Unreachable);

    let mut safe = clickhouse_at(untrusted().await);
    safe.options
        .insert("tls".to_owned(), "verify_full".to_owned());
    let error = ask(&safe, "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
    assert!(error.reason.contains("certificate"), "{error}");
}

#[tokio::test]
async fn clickhouse_is_asked_over_tls_and_again_after_it_was_cut_off() {
    let Some(database) = clickhouse().await else {
        return;
    };
    let url = std::env::var("HCNDC_TEST_CLICKHOUSE_URL").unwrap();
    let (tls_port, ca) = url
        .split_once("?tls_port=")
        .unwrap()
        .1
        .split_once("&ca=")
        .unwrap();
    let query = "SELECT v FROM hcndc_text WHERE id = 0";
    let unreachable = Err(ResolveErrorKind::Unreachable);
    for (port, ca, expected) in [
        (tls_port.parse().ok(), Some(ca), Ok("one")),
        (tls_port.parse().ok(), None, unreachable),
        // There is no TLS at that port.
        (database.source.port, Some(ca), unreachable),
    ] {
        let mut source = database.source.clone();
        source.port = port;
        let options = [("tls", Some("verify_full")), ("ca_file", ca)];
        let options = options.map(|(name, text)| Some((name.to_owned(), text?.to_owned())));
        source.options = options.into_iter().flatten().collect();
        let asked = ask(&source, query).await;
        let found = asked.as_deref().map_err(|error| error.kind);
        assert_eq!(found, expected, "{ca:?}: {asked:?}");
    }
    let format = ask(&database.source, "SELECT 1 FORMAT JSON").await;
    let error = format.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Refused);
    assert!(error.reason.contains("leave its FORMAT out"), "{error}");

    let way = Proxy::start(database.source.port.unwrap()).await;
    let mut source = database.source.clone();
    source.port = Some(way.port);
    let (pools, source) = (pools(), Arc::new(source));
    let limit = Duration::from_secs(60);
    let asking = || ask_by(&pools, &source, query, limit);
    assert_eq!(asking().await.as_deref(), Ok("one"));
    way.hold();
    let cutting = async {
        // Again and again, for what was asked on a connection that breaks may be asked anew.
        loop {
            way.something_waits().await;
            way.cut();
        }
    };
    let cut = tokio::select! {
        asked = asking() => asked,
        () = cutting => unreachable!(),
    };
    assert_eq!(cut.unwrap_err().kind, ResolveErrorKind::Unreachable);
    way.let_pass();
    assert_eq!(asking().await.as_deref(), Ok("one"));
}
