//! Jobs that send requests.

use std::{collections::BTreeMap, path::Path, time::Duration};

use hcndc_core::{
    engine::{EndCause, RunOrder},
    model::{GOOD_STATUSES, HttpCall, JobKind},
    port::Stream,
};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::{
    desk,
    desk::{order, within},
    servers::{dying, server, silent},
};

pub(crate) fn call(id: u64, method: &str, url: String) -> RunOrder {
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
