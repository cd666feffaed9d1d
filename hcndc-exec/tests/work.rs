//! Jobs that send requests, run statements and start Kettle, under a supervisor and against the real thing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use desk::{Desk, order, within};
use hcndc_core::{
    engine::{EndCause, RunOrder, SourceAccess},
    model::{
        DataSourceKind, GOOD_STATUSES, HttpCall, JobKind, KettleLevel, KettleRun, KettleTool,
        Secret, SqlScript,
    },
    port::Stream,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hcndc-exec");

async fn desk() -> Desk {
    Desk::with(|config| config.worker = Some(PROGRAM.into())).await
}

// ---- requests

fn call(id: u64, method: &str, url: String) -> RunOrder {
    RunOrder {
        kind: JobKind::Http(Box::new(HttpCall {
            method: method.into(),
            url,
            headers: BTreeMap::new(),
            body: String::new(),
            expect: GOOD_STATUSES.into(),
        })),
        ..order(id, "")
    }
}

fn of_call(order: &mut RunOrder) -> &mut HttpCall {
    match &mut order.kind {
        JobKind::Http(call) => call,
        other => panic!("{other:?} is no request"),
    }
}

/// Reads one request: its head and its body.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = within(stream.read(&mut piece)).await.unwrap();
        text.extend_from_slice(&piece[..length]);
        let said = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = said.split_once("\r\n\r\n") else {
            assert!(length > 0, "{said}");
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let length = name.eq_ignore_ascii_case("content-length");
            length.then(|| value.trim().parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return said;
        }
    }
}

/// A server that answers each request with this; its address, and what it was asked.
async fn server(answer: &'static str) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                tell.send(request(&mut stream).await).unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    (format!("http://{address}"), told)
}

const OK: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"rows\": 3}";

#[tokio::test]
async fn a_request_is_sent_with_all_values_in_their_places_and_its_answer_is_the_output() {
    let (url, mut told) = server(OK).await;
    let mut desk = desk().await;
    let mut order = call(1, "POST", format!("{url}/load?day=${{date-1d:%Y%m%d}}"));
    order.values.insert("api.token".into(), "t0p-secret".into());
    let it = of_call(&mut order);
    it.headers
        .insert("Authorization".into(), "Bearer ${param.api.token}".into());
    it.headers.insert("X-Flow".into(), "${flow_name}".into());
    it.body = "{\"day\": \"${date}\"}".into();
    assert_eq!(desk.run(order).await.cause, EndCause::Exited(0));
    let asked = told.recv().await.unwrap().to_lowercase();
    for part in [
        "post /load?day=20261120 http/1.1\r\n",
        "authorization: bearer t0p-secret\r\n",
        "x-flow: retail\r\n",
        "content-type: application/json\r\n",
        "\r\n\r\n{\"day\": \"2026-11-21\"}",
    ] {
        assert!(asked.contains(part), "{part:?} is not in {asked}");
    }
    assert_eq!(desk.output(1, Stream::Stdout).await, "{\"rows\": 3}\n");
    let said = desk.output(1, Stream::Stderr).await;
    assert!(said.contains("200 OK after"), "{said}");
    assert!(!said.contains("t0p-secret"), "{said}");
}

#[tokio::test]
async fn a_status_that_is_not_expected_fails_and_says_so() {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";
    let (url, _told) = server(answer).await;
    let mut desk = desk().await;
    let refused = desk.run(call(1, "GET", url.clone())).await;
    assert_eq!(refused.cause, EndCause::Exited(1));
    let said = desk.output(1, Stream::Stderr).await;
    assert!(
        said.contains(
            "failed: status 503 Service Unavailable is not expected; expected is 200-299"
        ),
        "{said}"
    );
    assert_eq!(desk.output(1, Stream::Stdout).await, "busy\n");
    let mut expected = call(2, "GET", url);
    of_call(&mut expected).expect = "404,500-599".into();
    assert_eq!(desk.run(expected).await.cause, EndCause::Exited(0));
}

#[tokio::test]
async fn a_secret_that_an_answer_repeats_is_masked() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nt0p-secret";
    let (url, _told) = server(answer).await;
    let mut desk = desk().await;
    let mut order = call(1, "GET", url);
    let headers = &mut of_call(&mut order).headers;
    headers.insert("Cookie".into(), "t0p-secret".into());
    desk.run(order).await;
    assert_eq!(desk.output(1, Stream::Stdout).await, "***\n");
}

#[tokio::test]
async fn a_redirection_to_another_host_is_not_followed() {
    let (url, _told) = server(
        "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/there?key=1\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let mut desk = desk().await;
    let end = desk.run(call(1, "GET", url)).await;
    assert_eq!(end.cause, EndCause::Exited(1));
    let said = desk.output(1, Stream::Stderr).await;
    assert!(said.contains("http://192.0.2.1/there\n"), "{said}");
}

#[tokio::test]
async fn who_does_not_answer_is_told_apart_from_who_says_no() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = nobody.local_addr().unwrap();
    drop(nobody);
    let mut desk = desk().await;
    let end = desk.run(call(1, "GET", format!("http://{refused}/"))).await;
    assert_eq!(end.cause, EndCause::Exited(2));
    let said = desk.output(1, Stream::Stderr).await;
    assert!(said.contains("failed: no connection"), "{said}");

    // It speaks no TLS.
    let (url, _told) = server(OK).await;
    let url = url.replace("http:", "https:");
    assert_eq!(
        desk.run(call(2, "GET", url)).await.cause,
        EndCause::Exited(2)
    );

    let mut unknown = call(3, "GET", "${param.nobody}".into());
    unknown.values.clear();
    let EndCause::NotStarted(reason) = desk.run(unknown).await.cause else {
        panic!("it must not start");
    };
    assert_eq!(reason, "URL: no param is named \"nobody\"");
}

/// A server that says this once it was spoken to, and hangs up; its address.
async fn dying(words: &'static [u8]) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _spoken = stream.read(&mut [0; 65_536]).await?;
                stream.write_all(words).await?;
                stream.shutdown().await?;
                // What is not read would take back what was said.
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
            });
        }
    });
    address
}

/// A server that says this to whoever comes, and hangs up; its address.
async fn greeting(words: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(words.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn an_answer_that_is_none_a_refusal_or_cut_off_is_no_success() {
    let mut desk = desk().await;
    let none = "failed: no answer";
    let cut_off = "failed: the answer was cut off";
    for (id, (words, code, expected)) in (1..).zip([
        (&b""[..], 2, none),
        (b"\xff\xfe220 ready\r\n\r\n", 2, none),
        (b"HTTP/1.1 200 OK\r\nContent-Len", 2, none),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nrows: 3",
            2,
            cut_off,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nrows: 3\r\n",
            2,
            cut_off,
        ),
        (
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            1,
            "status 401",
        ),
    ]) {
        let url = format!("http://{}/", dying(words).await);
        let end = desk.run(call(id, "GET", url)).await;
        let said = desk.output(id, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(code), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn a_certificate_that_the_host_does_not_trust_fails_the_job() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![made.cert.der().clone()],
            rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into()),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn({
        let listener = listener.into_std().unwrap();
        listener.set_nonblocking(false).unwrap();
        move || {
            let config = std::sync::Arc::new(config);
            while let Ok((mut stream, _)) = listener.accept() {
                let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
                while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
            }
        }
    });
    let mut desk = desk().await;
    let end = desk
        .run(call(1, "GET", format!("https://localhost:{port}/")))
        .await;
    assert_eq!(end.cause, EndCause::Exited(2));
    let said = desk.output(1, Stream::Stderr).await;
    assert!(said.contains("certificate"), "{said}");
}

/// A server that never answers: its URL, and what tells that a request has come.
async fn silent() -> (String, tokio::sync::oneshot::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (tell, told) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        let _ = tell.send(stream);
    });
    (url, told)
}

#[tokio::test]
async fn who_is_slow_is_cut_off_by_the_timeout_and_by_a_stop() {
    let mut desk = desk().await;
    let (url, asked) = silent().await;
    let mut slow = call(1, "GET", url);
    slow.timeout = Some(Duration::from_millis(1_500));
    assert_eq!(desk.run(slow).await.cause, EndCause::TimedOut);
    drop(asked);

    let (url, asked) = silent().await;
    desk.start(call(2, "GET", url)).await;
    let mut stream = within(asked).await.unwrap();
    desk.kill(2, Duration::from_secs(20)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
    // The other end sees it at once.
    assert_eq!(within(stream.read(&mut [0; 16])).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn what_a_job_is_told_is_on_no_command_line_and_in_no_environment() {
    let mut desk = desk().await;
    let (url, asked) = silent().await;
    let mut order = call(1, "GET", url);
    order.values.insert("password".into(), "t0p-secret".into());
    let headers = &mut of_call(&mut order).headers;
    headers.insert("X-Password".into(), "${param.password}".into());
    let pid = desk.start(order).await;
    within(asked).await.unwrap();
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.is_empty() && !text.contains("t0p"), "{file}: {text}");
    }
    let input = std::fs::read_link(format!("/proc/{pid}/fd/0")).unwrap();
    assert_eq!(input, Path::new("/dev/null"));
    let data = desk.path("data");
    for file in std::fs::read_dir(&data).unwrap().flatten() {
        let text = std::fs::read(file.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.contains("t0p"), "{:?}", file.path());
    }
    desk.kill(1, Duration::from_secs(20)).await;
    desk.end().await;
}

#[tokio::test]
async fn a_program_that_does_only_commands_says_so() {
    let mut desk = Desk::new().await;
    let end = desk.run(call(1, "GET", "http://localhost/".into())).await;
    let EndCause::NotStarted(reason) = end.cause else {
        panic!("it must not start: {end:?}");
    };
    assert!(reason.contains("runs commands only"), "{reason}");
    let nothing = desk.run(order(2, " ")).await.cause;
    assert!(matches!(nothing, EndCause::NotStarted(_)), "{nothing:?}");
}

// ---- statements

fn statements(id: u64, source: &SourceAccess, statement: &str, transaction: bool) -> RunOrder {
    RunOrder {
        kind: JobKind::Sql(SqlScript {
            data_source: source.clone(),
            statement: statement.into(),
            transaction,
        }),
        ..order(id, "")
    }
}

fn source(kind: DataSourceKind) -> SourceAccess {
    SourceAccess {
        name: "dw".into(),
        kind,
        host: String::new(),
        port: None,
        database: String::new(),
        user: String::new(),
        password: Secret::default(),
        options: BTreeMap::new(),
    }
}

/// A data source of this URL; `None`, said by name, if there is none.
fn server_source(kind: DataSourceKind, variable: &str, test: &str) -> Option<SourceAccess> {
    let Ok(url) = std::env::var(variable) else {
        assert!(
            std::env::var_os("HCNDC_CI").is_none(),
            "{test}: {variable} is not set"
        );
        eprintln!("skipped: {test}: {variable} is not set");
        return None;
    };
    let url = reqwest::Url::parse(&url).unwrap();
    let database = url.path().trim_matches('/').to_owned();
    Some(SourceAccess {
        host: url.host_str().unwrap().into(),
        port: url.port(),
        user: url.username().into(),
        password: Secret::new(url.password().unwrap_or_default()),
        database,
        ..source(kind)
    })
}

fn mariadb(test: &str) -> Option<SourceAccess> {
    let mut found = server_source(DataSourceKind::Mysql, "HCNDC_TEST_MYSQL_URL", test)?;
    if found.database.is_empty() {
        found.database = "mysql".into();
    }
    Some(found)
}

fn postgres(test: &str) -> Option<SourceAccess> {
    server_source(DataSourceKind::Postgresql, "HCNDC_TEST_POSTGRES_URL", test)
}

/// A file of SQLite with an empty table `t (n, v)`.
async fn sqlite(desk: &Desk) -> SourceAccess {
    let path = desk.path("dw.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut made = options.create_if_missing(true).connect().await.unwrap();
    made.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, v TEXT)")
        .await
        .unwrap();
    made.close().await.unwrap();
    SourceAccess {
        database: path.to_str().unwrap().into(),
        ..source(DataSourceKind::Sqlite)
    }
}

#[tokio::test]
async fn statements_are_run_one_after_another_and_each_tells_what_came_of_it() {
    let mut desk = desk().await;
    let sqlite = sqlite(&desk).await;
    let text = "INSERT INTO t VALUES (1, '${date}'), (2, '${param.x}'); -- it's done\n\
                UPDATE t SET v = v || '!' WHERE n = 1;\nSELECT n, v, NULL AS empty FROM t ORDER BY n;";
    let mut order = statements(1, &sqlite, &text.replace("-- it's done\n", ""), false);
    order
        .values
        .insert("x".into(), "it's; DROP TABLE t --".into());
    let end = desk.run(order).await;
    let said = desk.output(1, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(0), "{said}");
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(
        output,
        "n\tv\tempty\n1\t2026-11-21!\tNULL\n2\tit's; DROP TABLE t --\tNULL\n"
    );
    for part in [
        "statement 1: 2 rows affected",
        "statement 2: 1 rows affected",
        "statement 3: 2 rows,",
        "3 statements done",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

async fn fails_in_the_second(desk: &mut Desk, id: u64, source: &SourceAccess, table: &str) {
    let rows = format!("SELECT COUNT(*) FROM {table}");
    let text = format!("INSERT INTO {table} VALUES (1, 'a'); INSERT INTO {table} VALUES (1, 'b')");
    for (at, transaction, left) in [(0, true, "0"), (2, false, "1")] {
        let order = statements(id + at, source, &text, transaction);
        let end = desk.run(order).await;
        let said = desk.output(id + at, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(1), "{said}");
        assert!(said.contains("failed: statement 2: "), "{said}");
        let look = statements(id + at + 1, source, &rows, false);
        assert_eq!(desk.run(look).await.cause, EndCause::Exited(0));
        let output = desk.output(id + at + 1, Stream::Stdout).await;
        assert_eq!(output.lines().nth(1), Some(left), "{output}");
    }
}

#[tokio::test]
async fn a_transaction_counts_as_a_whole_and_else_each_statement_by_itself_on_sqlite() {
    let mut desk = desk().await;
    let sqlite = sqlite(&desk).await;
    fails_in_the_second(&mut desk, 1, &sqlite, "t").await;
}

#[tokio::test]
async fn a_transaction_counts_as_a_whole_and_else_each_statement_by_itself_on_mariadb() {
    let Some(mariadb) = mariadb("statements on MariaDB") else {
        return;
    };
    let mut desk = desk().await;
    let make = "DROP DATABASE IF EXISTS hcndc_work_t; CREATE DATABASE hcndc_work_t; \
                CREATE TABLE hcndc_work_t.t (n INT PRIMARY KEY, v TEXT) ENGINE=InnoDB";
    let made = desk.run(statements(90, &mariadb, make, false)).await;
    let said = desk.output(90, Stream::Stderr).await;
    assert_eq!(made.cause, EndCause::Exited(0), "{said}");
    fails_in_the_second(&mut desk, 1, &mariadb, "hcndc_work_t.t").await;
    let gone = statements(91, &mariadb, "DROP DATABASE hcndc_work_t", false);
    assert_eq!(desk.run(gone).await.cause, EndCause::Exited(0));
}

#[tokio::test]
async fn a_transaction_counts_as_a_whole_and_else_each_statement_by_itself_on_postgresql() {
    let Some(postgres) = postgres("statements on PostgreSQL") else {
        return;
    };
    let mut desk = desk().await;
    // VACUUM stands in no transaction: so each is sent by itself.
    let make = "DROP TABLE IF EXISTS hcndc_work_t; CREATE TABLE hcndc_work_t (n INT PRIMARY KEY, v TEXT); \
                VACUUM hcndc_work_t; DO $$ BEGIN PERFORM 1; END $$";
    let made = desk.run(statements(90, &postgres, make, false)).await;
    let said = desk.output(90, Stream::Stderr).await;
    assert_eq!(made.cause, EndCause::Exited(0), "{said}");
    assert!(said.contains("4 statements done"), "{said}");
    fails_in_the_second(&mut desk, 1, &postgres, "hcndc_work_t").await;
    let gone = statements(91, &postgres, "DROP TABLE hcndc_work_t", false);
    assert_eq!(desk.run(gone).await.cause, EndCause::Exited(0));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made() {
    let mut desk = desk().await;
    let path = desk.path("none.sqlite");
    let none = SourceAccess {
        database: path.to_str().unwrap().into(),
        ..source(DataSourceKind::Sqlite)
    };
    let end = desk.run(statements(1, &none, "SELECT 1", false)).await;
    assert_eq!(end.cause, EndCause::Exited(2));
    let said = desk.output(1, Stream::Stderr).await;
    assert!(said.contains("failed: no connection: "), "{said}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let found = [
        mariadb("a wrong password of MariaDB"),
        postgres("a wrong password of PostgreSQL"),
    ];
    let mut desk = desk().await;
    for (id, mut source) in (1..).zip(found.into_iter().flatten()) {
        source.password = Secret::new("wr0ng-secret");
        let end = desk.run(statements(id, &source, "SELECT 1", false)).await;
        let said = desk.output(id, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(2), "{said}");
        assert!(said.contains("failed: no connection: "), "{said}");
        assert!(!said.contains("wr0ng"), "{said}");
    }
}

#[tokio::test]
async fn what_is_no_such_server_is_given_up_in_time() {
    let mut desk = desk().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = nobody.local_addr().unwrap();
    drop(nobody);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent
        .local_addr()
        .map(|address| (address, silent))
        .unwrap();
    let mut id = 0;
    for kind in [
        DataSourceKind::Mysql,
        DataSourceKind::Postgresql,
        DataSourceKind::Clickhouse,
    ] {
        for (address, expected) in [
            (gone, "refused"),
            (silent.0, "none within 1s"),
            (dying(b"").await, ""),
            (dying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, ""),
            (dying(&[0xff; 200]).await, ""),
            // As far as a greeting of MySQL, which is wrong inside.
            (greeting("\x05\0\0\0\x0a5.5\0").await, ""),
        ] {
            id += 1;
            let source = SourceAccess {
                host: address.ip().to_string(),
                port: Some(address.port()),
                user: "etl".into(),
                password: Secret::new("s0urce-secret"),
                options: [("connect_seconds".to_owned(), "1".to_owned())].into(),
                ..source(kind)
            };
            let end = desk.run(statements(id, &source, "SELECT 1", false)).await;
            let said = desk.output(id, Stream::Stderr).await;
            assert_eq!(end.cause, EndCause::Exited(2), "{kind:?}: {said}");
            assert!(said.contains("failed: no connection: "), "{said}");
            assert!(
                said.contains(expected) && !said.contains("s0urce"),
                "{said}"
            );
        }
    }
}

#[tokio::test]
async fn certificates_are_checked_before_statements_where_that_is_asked_for() {
    let mut desk = desk().await;
    let mut id = 0;
    for (kind, variable) in [
        (DataSourceKind::Mysql, "HCNDC_TEST_MYSQL_TLS_URL"),
        (DataSourceKind::Postgresql, "HCNDC_TEST_POSTGRES_URL"),
        (DataSourceKind::Clickhouse, "HCNDC_TEST_CLICKHOUSE_URL"),
    ] {
        let Some(mut source) = server_source(kind, variable, "certificates") else {
            continue;
        };
        let url = std::env::var(variable).unwrap();
        let ca = url.split_once("ca=").unwrap().1.to_owned();
        source.host = "localhost".into();
        // There the port says whether it is TLS.
        let of_tls = url
            .split_once("tls_port=")
            .and_then(|(_, port)| port.split('&').next());
        if let Some(port) = of_tls {
            source.port = port.parse().ok();
        }
        for (ca, expected) in [(Some(ca), 0), (None, 2)] {
            id += 1;
            source.options = [("tls".to_owned(), "verify_full".to_owned())].into();
            source
                .options
                .extend(ca.map(|ca| ("ca_file".to_owned(), ca)));
            let end = desk.run(statements(id, &source, "SELECT 1", false)).await;
            let said = desk.output(id, Stream::Stderr).await;
            assert_eq!(end.cause, EndCause::Exited(expected), "{kind:?}: {said}");
            assert!(expected == 0 || said.contains("certificate"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_cut_in_the_middle_fails_the_statement_that_ran() {
    let mut desk = desk().await;
    let cut = "the cut of a session";
    if let Some(source) = mariadb(cut) {
        // The session ends itself, as if an administrator had done it.
        let text = "SELECT 1; KILL CONNECTION_ID(); SELECT 2";
        let end = desk.run(statements(1, &source, text, false)).await;
        let said = desk.output(1, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(1), "{said}");
        assert!(said.contains("failed: statement 2: "), "{said}");
    }
    if let Some(source) = postgres(cut) {
        let text = "SELECT 1; SELECT pg_terminate_backend(pg_backend_pid()); SELECT 2";
        let end = desk.run(statements(2, &source, text, false)).await;
        let said = desk.output(2, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(1), "{said}");
        assert!(said.contains("failed: statement 2: "), "{said}");
    }
}

/// Stops a job in the middle of a statement; `count` tells how many of its kind the server is at.
async fn is_stopped<F: Future<Output = i64>>(
    desk: &mut Desk,
    order: RunOrder,
    mut count: impl FnMut() -> F,
) {
    desk.start(order).await;
    within(async {
        while count().await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    })
    .await;
    desk.kill(1, Duration::from_secs(20)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
    within(async {
        while count().await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    })
    .await;
    let said = desk.output(1, Stream::Stderr).await;
    assert!(
        said.contains("and its session at the data source with it"),
        "{said}"
    );
}

#[tokio::test]
async fn a_stop_ends_the_statement_on_mariadb_too() {
    let Some(source) = mariadb("a stop of a statement on MariaDB") else {
        return;
    };
    let mut desk = desk().await;
    let order = statements(1, &source, "SELECT SLEEP(300) AS hcndc_stop", false);
    let url = std::env::var("HCNDC_TEST_MYSQL_URL").unwrap();
    let options: sqlx::mysql::MySqlConnectOptions = url.parse().unwrap();
    is_stopped(&mut desk, order, || async {
        let mut look = options.connect().await.unwrap();
        let query = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%AS hcndc_st%' AND id <> CONNECTION_ID()";
        let row = look.fetch_one(AssertSqlSafe(query)).await.unwrap();
        row.get(0)
    })
    .await;
}

#[tokio::test]
async fn a_stop_ends_the_statement_on_postgresql_too() {
    let Some(source) = postgres("a stop of a statement on PostgreSQL") else {
        return;
    };
    let mut desk = desk().await;
    let order = statements(1, &source, "SELECT pg_sleep(300) AS hcndc_stop", false);
    let options = sqlx::postgres::PgConnectOptions::new_without_pgpass()
        .host(&source.host)
        .port(source.port.unwrap())
        .username(&source.user)
        .password(source.password.reveal())
        .database(&source.database);
    is_stopped(&mut desk, order, || async {
        let mut look = options.connect().await.unwrap();
        let query = "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%AS hcndc_st%' AND pid <> pg_backend_pid()";
        let row = look.fetch_one(AssertSqlSafe(query)).await.unwrap();
        row.get(0)
    })
    .await;
}

// ---- statements on ClickHouse

fn clickhouse(test: &str) -> Option<SourceAccess> {
    server_source(
        DataSourceKind::Clickhouse,
        "HCNDC_TEST_CLICKHOUSE_URL",
        test,
    )
}

#[tokio::test]
async fn statements_are_run_one_after_another_on_clickhouse() {
    let Some(clickhouse) = clickhouse("statements on ClickHouse") else {
        return;
    };
    let mut desk = desk().await;
    // A temporary table and a setting last from one statement to the next.
    let text = "CREATE TEMPORARY TABLE t (n Int32, v Nullable(String)); -- one; two\n\
                INSERT INTO t VALUES (1, '${date}'), (2, 'a;\\tb\\'s'), (3, NULL);\n\
                SET max_block_size = 1234; /* ; */\n\
                SELECT n, v FROM t ORDER BY n; SELECT n FROM t WHERE n > 3;\n\
                SELECT number, arrayStringConcat(arrayMap(i -> 'x', range(200)), '') AS x FROM system.numbers LIMIT 1000;\n\
                SELECT value FROM system.settings WHERE name = 'max_block_size' FORMAT JSONCompact";
    let end = desk.run(statements(1, &clickhouse, text, false)).await;
    let said = desk.output(1, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(0), "{said}");
    for part in [
        "data source dw (clickhouse)",
        "statement 1: done, ",
        "statement 4: 3 rows, ",
        "statement 5: 0 rows, ",
        "statement 6: 1000 rows, of which the first 50 are shown, ",
        "7 statements done",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    let output = desk.output(1, Stream::Stdout).await;
    let first = "n\tv\n1\t2026-11-21\n2\ta;\\tb's\n3\tNULL\nnumber\tx\n";
    assert!(output.starts_with(first), "{output}");
    assert!(output.lines().all(|line| line.chars().count() < 200));
    assert!(output.contains("[\"1234\"]"), "{output}");
}

#[tokio::test]
async fn the_first_statement_that_fails_on_clickhouse_ends_the_job() {
    let Some(mut clickhouse) = clickhouse("a failing statement on ClickHouse") else {
        return;
    };
    let mut desk = desk().await;
    for (id, text, code, expected) in [
        (
            1,
            "SELECT 1; SELECT * FROM nobody; SELECT 2",
            1,
            "failed: statement 2: Code: 60",
        ),
        // It fails when rows are there already, which must not pass for a success.
        (
            2,
            "SELECT throwIf(number = 300000) FROM (SELECT number FROM system.numbers LIMIT 400000)",
            1,
            "failed: statement 1: Code: 395",
        ),
    ] {
        let end = desk.run(statements(id, &clickhouse, text, false)).await;
        let said = desk.output(id, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(code), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("statement 3"), "{said}");
    }
    let whole = desk.run(statements(3, &clickhouse, "SELECT 1", true)).await;
    assert_eq!(whole.cause, EndCause::Exited(1));
    let said = desk.output(3, Stream::Stderr).await;
    assert!(said.contains("ClickHouse has no transactions"), "{said}");

    // What can be told before a statement is no connection.
    let password = std::mem::replace(&mut clickhouse.password, Secret::new("wr0ng-secret"));
    let end = desk
        .run(statements(4, &clickhouse, "SELECT 1", false))
        .await;
    let said = desk.output(4, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(2), "{said}");
    assert!(said.contains("failed: no connection: Code: 193"), "{said}");
    assert!(!said.contains("wr0ng"), "{said}");
    clickhouse.password = password;
    clickhouse.database = "nobody".into();
    let end = desk
        .run(statements(5, &clickhouse, "SELECT 1", false))
        .await;
    let said = desk.output(5, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(2), "{said}");
    assert!(said.contains("failed: no connection: Code: 81"), "{said}");
}

/// How many statements with this text are at work on a ClickHouse.
async fn at_work(source: &SourceAccess, text: &str) -> i64 {
    let query = format!(
        "SELECT count() FROM system.processes WHERE query LIKE '%{text}%' AND query NOT LIKE '%system.processes%'"
    );
    // One for the process; a second call finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = format!("http://{}:{}/", source.host, source.port.unwrap());
    let asked = reqwest::Client::new().post(address).body(query);
    let asked = asked
        .header("x-clickhouse-user", &source.user)
        .header("x-clickhouse-key", source.password.reveal());
    let answer = asked.send().await.unwrap().text().await.unwrap();
    answer.trim().parse().unwrap()
}

/// A statement that takes hours.
const HOURS: &str = "SELECT 1; SELECT count() FROM system.numbers WHERE NOT ignore(sleep(0.1) AS hcndc_stop); SELECT 2";

#[tokio::test]
async fn a_stop_ends_the_statement_on_clickhouse_too() {
    let Some(source) = clickhouse("a stop of a statement on ClickHouse") else {
        return;
    };
    let mut desk = desk().await;
    let order = statements(1, &source, HOURS, false);
    is_stopped(&mut desk, order, || at_work(&source, "AS hcndc_st")).await;
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(output, "1\n1\n");
}

#[tokio::test]
async fn a_timeout_ends_the_statement_on_clickhouse_too() {
    let Some(source) = clickhouse("a timeout of a statement on ClickHouse") else {
        return;
    };
    let mut desk = desk().await;
    let text = HOURS.replace("hcndc_stop", "hcndc_late");
    let mut order = statements(1, &source, &text, false);
    order.timeout = Some(Duration::from_millis(1_500));
    assert_eq!(desk.run(order).await.cause, EndCause::TimedOut);
    within(async {
        while at_work(&source, "AS hcndc_la").await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_clickhouse_that_is_cut_off_is_no_success() {
    let greeting = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n1\n";
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: text/tab-separated-values\r\nConnection: close\r\n\r\nn\n1\n2";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = request(&mut stream).await;
            let answer = match asked.contains("SELECT 1 FORMAT") {
                true => greeting,
                false => cut,
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let source = SourceAccess {
        host: "127.0.0.1".into(),
        port: Some(port),
        ..source(DataSourceKind::Clickhouse)
    };
    let mut desk = desk().await;
    let end = desk.run(statements(1, &source, "SELECT n", false)).await;
    let said = desk.output(1, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(1), "{said}");
    let expected = "statement 1: its answer was cut off; it may go on at the data source";
    assert!(said.contains(expected), "{said}");
}

#[tokio::test]
async fn long_values_and_many_rows_are_shown_in_part() {
    let mut desk = desk().await;
    let sqlite = sqlite(&desk).await;
    let text = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) \
                SELECT n, printf('%.200c', 'x') || char(9) FROM c";
    desk.run(statements(1, &sqlite, text, false)).await;
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(output.lines().count(), 51);
    assert!(output.lines().all(|line| line.chars().count() < 200));
    let said = desk.output(1, Stream::Stderr).await;
    assert!(
        said.contains("1000 rows, of which the first 50 are shown"),
        "{said}"
    );
}

// ---- Kettle

/// A stand-in for Kettle's scripts, which writes its arguments down and exits with `$CODE`.
fn stand_in(home: &Path, tool: &str) {
    std::fs::create_dir_all(home).unwrap();
    let path = home.join(format!("{tool}.sh"));
    std::fs::write(&path, "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit \"$CODE\"\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn kettle(id: u64, code: i32, run: KettleRun) -> RunOrder {
    let mut order = order(id, "");
    order.kind = JobKind::Kettle(Box::new(run));
    order.env.insert("CODE".into(), code.to_string());
    order
}

#[tokio::test]
async fn kettle_is_started_by_its_own_command_line() {
    let mut desk = desk().await;
    let home = desk.path("data-integration");
    stand_in(&home, "kitchen");
    stand_in(&home, "pan");
    let home = home.to_str().unwrap().to_owned();
    let job = KettleRun {
        home: home.clone(),
        repository: "etl".into(),
        user: "admin".into(),
        password: "${param.kettle}".into(),
        directory: "/daily".into(),
        name: "load orders".into(),
        level: Some(KettleLevel::Detailed),
        params: BTreeMap::from([("DAY".into(), "${date}".into())]),
        ..KettleRun::default()
    };
    let mut order = kettle(1, 0, job);
    order.values.insert("kettle".into(), "k3ttle".into());
    assert_eq!(desk.run(order).await.cause, EndCause::Exited(0));
    assert_eq!(
        desk.output(1, Stream::Stdout).await,
        "-rep=etl\n-user=admin\n-pass=***\n-dir=/daily\n-job=load orders\n-level=Detailed\n-param:DAY=2026-11-21\n"
    );
    let transformation = KettleRun {
        tool: KettleTool::Pan,
        home: home.clone(),
        file: "/etl/it's ${date:%m}.ktr".into(),
        ..KettleRun::default()
    };
    desk.run(kettle(2, 0, transformation)).await;
    let output = desk.output(2, Stream::Stdout).await;
    assert_eq!(output, "-file=/etl/it's 11.ktr\n");
}

#[tokio::test]
async fn what_kettles_exit_codes_mean_is_in_the_log() {
    let mut desk = desk().await;
    let home = desk.path("data-integration");
    stand_in(&home, "kitchen");
    stand_in(&home, "pan");
    let run = |tool| KettleRun {
        tool,
        home: home.to_str().unwrap().to_owned(),
        file: "/etl/a".into(),
        ..KettleRun::default()
    };
    let mut id = 0;
    for (tool, code, meaning) in [
        (
            KettleTool::Kitchen,
            0,
            "kitchen ended with 0: it ran without a problem",
        ),
        (
            KettleTool::Kitchen,
            1,
            "kitchen ended with 1: errors occurred",
        ),
        (
            KettleTool::Kitchen,
            2,
            "kitchen ended with 2: an unexpected error",
        ),
        (
            KettleTool::Kitchen,
            3,
            "kitchen ended with 3: which its manual does not name",
        ),
        (
            KettleTool::Kitchen,
            7,
            "kitchen ended with 7: the job could not be loaded",
        ),
        (
            KettleTool::Kitchen,
            8,
            "kitchen ended with 8: a step or a plugin",
        ),
        (
            KettleTool::Kitchen,
            9,
            "kitchen ended with 9: its command line",
        ),
        (
            KettleTool::Pan,
            3,
            "pan ended with 3: the transformation could not be prepared",
        ),
        (
            KettleTool::Pan,
            7,
            "pan ended with 7: the transformation could not be loaded",
        ),
    ] {
        id += 1;
        let end = desk.run(kettle(id, code, run(tool))).await;
        assert_eq!(end.cause, EndCause::Exited(code));
        let said = desk.output(id, Stream::Executor).await;
        assert!(said.contains(meaning), "{meaning:?} is not in {said:?}");
    }
}

#[tokio::test]
async fn kettle_that_is_not_there_is_named() {
    let mut desk = desk().await;
    let run = KettleRun {
        home: "/nowhere".into(),
        file: "/etl/a.kjb".into(),
        ..KettleRun::default()
    };
    let EndCause::NotStarted(reason) = desk.run(kettle(1, 0, run)).await.cause else {
        panic!("it must not start");
    };
    assert!(
        reason.starts_with("/nowhere/kitchen.sh does not exist on this host"),
        "{reason}"
    );
}
