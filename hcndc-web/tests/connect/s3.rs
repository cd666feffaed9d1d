//! S3, to a store that checks signatures, without TLS and with it.

use std::{future::Future, path::PathBuf, sync::Arc};

use hcndc_core::{
    contract::probe::ProbeFixture,
    model::{FileServer, FileServerKind, Secret},
};
use hcndc_web::connect::file::probe::Probing;
use tokio::runtime::Runtime;

use crate::{
    files::{at, finder, look, option, put, run_case, runtime},
    proxy::{Proxy, dying, nobody, saying},
    receiver::Receiver,
    s3_server::{BUCKET, KEY, S3Server, SECRET},
};

impl S3Server {
    fn put(&self, path: &str, content: &str) {
        put(&self.dir.path().join(BUCKET), path, content);
    }

    fn server(&self) -> FileServer {
        let mut server = at(FileServerKind::S3, self.port, KEY, SECRET);
        option(&mut server, "bucket", BUCKET);
        option(&mut server, "scheme", "http");
        server
    }

    fn with_tls(&self) -> FileServer {
        let mut server = self.server();
        server.port = Some(self.tls_port);
        server.options.remove("scheme");
        option(&mut server, "ca_file", &self.ca());
        server
    }
}

struct Fixture {
    runtime: Runtime,
    store: S3Server,
}

impl Fixture {
    fn new() -> Self {
        let runtime = runtime();
        let store = runtime.block_on(S3Server::start());
        Self { runtime, store }
    }
}

impl ProbeFixture for Fixture {
    type Probe = Probing;

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        run_case(&self.runtime, case)
    }

    async fn fresh(&self) -> Probing {
        Probing::start(Arc::new(finder()))
    }

    fn server(&self) -> FileServer {
        self.store.server()
    }

    fn gone(&self) -> FileServer {
        let mut gone = self.server();
        gone.port = Some(nobody());
        gone.id.0 += 1;
        gone
    }

    fn root(&self) -> String {
        "/root".to_owned()
    }

    fn put(&self, path: &str, content: &str) {
        let path = PathBuf::from("root").join(path.trim_start_matches('/'));
        self.store.put(path.to_str().unwrap(), content);
    }

    fn secret(&self) -> String {
        SECRET.to_owned()
    }
}

mod contract {
    hcndc_core::probe_contract!(super::Fixture::new());
}

#[tokio::test]
async fn keys_are_paths_with_tls_and_without() {
    let store = S3Server::start().await;
    for path in [
        "in/a b.csv",
        "in/日报.csv",
        "in/deep/x.csv",
        "in2/y.csv",
        "z.csv",
    ] {
        store.put(path, "12345");
    }
    for server in [store.server(), store.with_tls()] {
        let found = look(&finder(), &server, "/in*/*.csv").await.unwrap();
        let paths: Vec<_> = found.iter().map(|it| (&*it.path, it.size)).collect();
        let expected = ["/in/a b.csv", "/in/日报.csv", "/in2/y.csv"];
        assert_eq!(paths, expected.map(|path| (path, 5)));
        let age = chrono::Utc::now().timestamp_micros() - found[0].modified.as_micros();
        assert!(age.abs() < 120_000_000, "{age}");
        finder().try_out(&server).await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_of_more_than_a_page_is_listed_whole() {
    let store = S3Server::start().await;
    for at in 0..1_005 {
        store.put(&format!("many/{at:04}.csv"), "");
    }
    let found = look(&finder(), &store.server(), "/many/*").await;
    assert_eq!(found.unwrap().len(), 1_005);
}

#[tokio::test]
async fn a_store_says_whom_it_refuses_and_why() {
    let store = S3Server::start().await;
    let tried = async |change: &dyn Fn(&mut FileServer), expected: &str| {
        let mut to = store.server();
        change(&mut to);
        let why = look(&finder(), &to, "/*").await.unwrap_err();
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains("secret"), "{why}");
    };
    let change = |to: &mut FileServer| to.password = Secret::new("wrong-secret");
    tried(&change, "SignatureDoesNotMatch").await;
    // What others call `InvalidAccessKeyId`.
    tried(&|to| to.user = "nobody".to_owned(), "NotSignedUp").await;
    let change = |to: &mut FileServer| {
        to.user.clear();
        to.password = Secret::new("");
    };
    tried(&change, "AccessDenied").await;
    tried(&|to| option(to, "bucket", "none"), "NoSuchBucket").await;
    tried(&|to| option(to, "bucket", "a/b"), "has no slash").await;
    tried(&|to| drop(to.options.remove("bucket")), "bucket").await;
    tried(&|to| option(to, "addressing", "host"), "no address").await;

    let mut untrusted = store.with_tls();
    untrusted.options.remove("ca_file");
    let why = look(&finder(), &untrusted, "/*").await.unwrap_err();
    assert!(why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn what_is_no_store_is_told_in_time() {
    let page = Receiver::start(200, "<html></html>").await;
    let slow = Receiver::start(503, "").await;
    let no_store = "it does not answer as an S3 store does";
    let cut_length = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<ListBucketResult>";
    let cut_text = b"HTTP/1.1 200 OK\r\n\r\n<ListBucketResult><Contents><Key>a</Key>";
    for (port, expected) in [
        (nobody(), "refused"),
        (saying(b"").await, "no connection within 1 s"),
        (saying(b"220 ready\r\n").await, ""),
        (page.address.port(), no_store),
        (slow.address.port(), "it answers with 503"),
        (dying(b"").await, ""),
        (dying(cut_length).await, ""),
        // Until the end of the connection, whose end nobody can tell from a cut.
        (dying(cut_text).await, no_store),
    ] {
        let mut to = at(FileServerKind::S3, port, "somebody", "file-secret");
        option(&mut to, "bucket", "files");
        option(&mut to, "scheme", "http");
        option(&mut to, "connect_seconds", "1");
        let why = look(&finder(), &to, "/*").await.unwrap_err();
        assert!(why.contains(expected), "{why}");
        let is_told = why.contains("file-secret") || why.contains("X-Amz");
        assert!(!is_told, "{why}");
    }
}

#[tokio::test]
async fn a_look_whose_connection_breaks_or_hangs_is_told_and_the_next_one_is_good() {
    let store = S3Server::start().await;
    store.put("a.csv", "1");
    let way = Proxy::start(store.port).await;
    let (finder, mut to) = (finder(), store.server());
    to.port = Some(way.port);
    option(&mut to, "answer_seconds", "1");
    option(&mut to, "connect_seconds", "1");
    let looking = || look(&finder, &to, "/*");
    assert_eq!(looking().await.unwrap().len(), 1);

    // Between two looks, and in the middle of one.
    way.cut();
    assert_eq!(looking().await.unwrap().len(), 1);
    way.hold();
    let cutting = async {
        way.something_waits().await;
        way.cut();
        way.let_pass();
    };
    let (found, ()) = tokio::join!(looking(), cutting);
    assert_eq!(found.unwrap().len(), 1);

    way.hold();
    let why = looking().await.unwrap_err();
    assert!(
        why.contains("within 1 s") || why.contains("in time"),
        "{why}"
    );
    way.let_pass();
    assert_eq!(looking().await.unwrap().len(), 1);
}
