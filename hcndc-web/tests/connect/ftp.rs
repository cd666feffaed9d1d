//! FTP, to a real server: Debian's ProFTPD, by MLSD and by LIST, without TLS and with it.

use std::{fs, future::Future, os::unix::fs::symlink, path::PathBuf, sync::Arc};

use hcndc_core::{
    contract::probe::ProbeFixture,
    model::{FileServer, FileServerKind, Secret},
};
use hcndc_web::connect::file::probe::Probing;
use tokio::runtime::Runtime;

use crate::{
    files::{at, finder, look, option, put, run_case, runtime},
    proxy::{Proxy, nobody, saying},
    server,
};

/// The FTP server, as its address tells it.
struct FtpServer {
    password: String,
    port: u16,
    tls_port: u16,
    list_port: u16,
    sftp_port: u16,
    ca: String,
    /// A folder on it that belongs to one test.
    root: PathBuf,
}

/// How it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    /// Without MLSD.
    List,
    Explicit,
    Implicit,
}

impl FtpServer {
    fn find(test: &str) -> Option<Self> {
        let url = server("HCNDC_TEST_FTP_URL", test)?;
        let (head, query) = url.split_once("/?").unwrap();
        let (user, address) = head.split_once('@').unwrap();
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let find = |name: &str| query.iter().find(|(it, _)| it == name).unwrap().1.clone();
        let port = |name: &str| find(name).parse().unwrap();
        let root = PathBuf::from(find("root")).join(uuid::Uuid::new_v4().to_string());
        fs::create_dir_all(&root).unwrap();
        Some(Self {
            password: user.rsplit_once(':').unwrap().1.to_owned(),
            port: address.rsplit_once(':').unwrap().1.parse().unwrap(),
            tls_port: port("tls_port"),
            list_port: port("list_port"),
            sftp_port: port("sftp_port"),
            ca: find("ca"),
            root,
        })
    }

    /// The path of something in the test's folder.
    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.root.display())
    }

    fn by(&self, way: Way) -> FileServer {
        let (kind, port) = match way {
            Way::Plain => (FileServerKind::Ftp, self.port),
            Way::List => (FileServerKind::Ftp, self.list_port),
            Way::Explicit => (FileServerKind::Ftps, self.port),
            Way::Implicit => (FileServerKind::Ftps, self.tls_port),
        };
        let mut server = at(kind, port, "hcndc", &self.password);
        if kind == FileServerKind::Ftps {
            option(&mut server, "ca_file", &self.ca);
        }
        if way == Way::Implicit {
            option(&mut server, "tls", "implicit");
        }
        server
    }
}

struct Fixture {
    runtime: Runtime,
    server: FtpServer,
    way: Way,
}

impl Fixture {
    fn find(way: Way) -> Option<Self> {
        let server = FtpServer::find(&format!("the suite of file probes on FTP, {way:?}"))?;
        let runtime = runtime();
        Some(Self {
            runtime,
            server,
            way,
        })
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
        self.server.by(self.way)
    }

    fn gone(&self) -> FileServer {
        let mut gone = self.server();
        gone.port = Some(nobody());
        gone.id.0 += 1;
        gone
    }

    fn root(&self) -> String {
        self.server.path("")
    }

    fn put(&self, path: &str, content: &str) {
        put(&self.server.root, path, content);
    }

    fn secret(&self) -> String {
        self.server.password.clone()
    }
}

mod contract {
    use super::{Fixture, Way};

    mod by_mlsd {
        hcndc_core::probe_contract!(optional super::Fixture::find(super::Way::Plain));
    }
    mod by_list {
        hcndc_core::probe_contract!(optional super::Fixture::find(super::Way::List));
    }
    mod with_tls {
        hcndc_core::probe_contract!(optional super::Fixture::find(super::Way::Explicit));
    }
}

#[tokio::test]
async fn files_are_told_alike_however_they_are_listed() {
    let Some(server) = FtpServer::find("files_are_told_alike_however_they_are_listed") else {
        return;
    };
    put(&server.root, "in/a.csv", "12345");
    put(&server.root, "real/b.csv", "123");
    symlink("../real/b.csv", server.root.join("in/b.csv")).unwrap();
    symlink("nowhere", server.root.join("in/c.csv")).unwrap();
    symlink("in", server.root.join("of-link")).unwrap();
    let mut told = Vec::new();
    for way in [Way::Plain, Way::List, Way::Explicit, Way::Implicit] {
        let found = look(&finder(), &server.by(way), &server.path("/*in*/*.csv")).await;
        let found = found.unwrap_or_else(|why| panic!("{way:?}: {why}"));
        let paths: Vec<_> = found.iter().map(|file| (&*file.path, file.size)).collect();
        let (a, b) = (server.path("/in/a.csv"), server.path("/in/b.csv"));
        let (c, d) = (server.path("/of-link/a.csv"), server.path("/of-link/b.csv"));
        assert_eq!(paths, [(&*a, 5), (&*b, 3), (&*c, 5), (&*d, 3)], "{way:?}");
        told.push(found);
    }
    assert!(told.iter().all(|found| *found == told[0]), "{told:#?}");
    // Whatever the zone of this host is.
    let written = fs::metadata(server.root.join("in/a.csv")).unwrap();
    let written = written
        .modified()
        .unwrap()
        .duration_since(std::time::UNIX_EPOCH);
    let seconds = i64::try_from(written.unwrap().as_secs()).unwrap();
    assert_eq!(told[0][0].modified.as_micros() / 1_000_000, seconds);
}

#[tokio::test]
async fn a_server_says_who_it_is_and_whom_it_refuses() {
    let Some(server) = FtpServer::find("a_server_says_who_it_is_and_whom_it_refuses") else {
        return;
    };
    let mut to = server.by(Way::Explicit);
    let said = finder().try_out(&to).await.unwrap();
    assert!(said.contains("ProFTPD"), "{said}");
    for way in [Way::Plain, Way::Explicit, Way::Implicit] {
        to = server.by(way);
        to.password = Secret::new("wrong-secret");
        let why = look(&finder(), &to, "/*").await.unwrap_err();
        assert!(why.contains("incorrect"), "{way:?}: {why}");
        assert!(!why.contains("wrong-secret"), "{way:?}: {why}");
    }
}

#[tokio::test]
async fn no_password_goes_where_tls_is_not_as_it_should_be() {
    let test = "no_password_goes_where_tls_is_not_as_it_should_be";
    let Some(server) = FtpServer::find(test) else {
        return;
    };
    for way in [Way::Explicit, Way::Implicit] {
        let mut untrusted = server.by(way);
        untrusted.options.remove("ca_file");
        let why = look(&finder(), &untrusted, "/*").await.unwrap_err();
        assert!(why.contains("certificate"), "{way:?}: {why}");
    }
    let mut without = server.by(Way::Explicit);
    without.port = Some(server.list_port);
    let why = look(&finder(), &without, "/*").await.unwrap_err();
    assert!(why.contains("AUTH"), "{why}");
}

#[tokio::test]
async fn what_is_no_ftp_server_is_told_in_time() {
    for (port, expected) in [
        (nobody(), Some("refused")),
        (saying(b"").await, Some("no connection within 1 s")),
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, None),
        (saying(b"\xff\xfe\xff\xfe\r\n").await, None),
        (
            saying(b"421 Too many users\r\n").await,
            Some("Too many users"),
        ),
    ] {
        for (kind, tls) in [
            (FileServerKind::Ftp, None),
            (FileServerKind::Ftps, Some("explicit")),
            (FileServerKind::Ftps, Some("implicit")),
        ] {
            let mut to = at(kind, port, "somebody", "file-secret");
            option(&mut to, "connect_seconds", "1");
            if let Some(tls) = tls {
                option(&mut to, "tls", tls);
            }
            let why = look(&finder(), &to, "/*").await.unwrap_err();
            // Of garbage it is told that it is none, however it is told; all of it is where TLS is to be.
            let is_told = expected.is_none_or(|it| why.contains(it));
            assert!(is_told || tls == Some("implicit"), "{tls:?}: {why}");
            assert!(!why.contains("file-secret"), "{tls:?}: {why}");
        }
    }
}

#[tokio::test]
async fn looks_share_a_connection_that_is_made_anew_when_it_breaks_or_hangs() {
    let test = "looks_share_a_connection_that_is_made_anew_when_it_breaks_or_hangs";
    let Some(server) = FtpServer::find(test) else {
        return;
    };
    put(&server.root, "a.csv", "1");
    for way in [Way::Plain, Way::Explicit] {
        breaks_or_hangs(&server, way).await;
    }
}

async fn breaks_or_hangs(server: &FtpServer, way: Way) {
    let proxy = Proxy::start(server.port).await;
    let (finder, mut to) = (finder(), server.by(way));
    to.port = Some(proxy.port);
    option(&mut to, "answer_seconds", "1");
    option(&mut to, "connect_seconds", "2");
    let path = server.path("/*");
    let looking = || look(&finder, &to, &path);
    for _ in 0..3 {
        assert_eq!(looking().await.unwrap().len(), 1);
    }
    assert_eq!(proxy.connections(), 1);

    // As when the server was started again.
    proxy.cut();
    assert_eq!(looking().await.unwrap().len(), 1);
    assert_eq!(proxy.connections(), 2);

    // In the middle of a look.
    proxy.hold();
    let cutting = async {
        proxy.something_waits().await;
        proxy.cut();
        proxy.let_pass();
    };
    let (found, ()) = tokio::join!(looking(), cutting);
    assert_eq!(found.unwrap().len(), 1);
    assert_eq!(proxy.connections(), 3);

    proxy.hold();
    let why = looking().await.unwrap_err();
    assert_eq!(why, "no connection within 2 s");
    proxy.let_pass();
    assert_eq!(looking().await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_makers_server_speaks_sftp_by_password() {
    let Some(server) = FtpServer::find("another_makers_server_speaks_sftp_by_password") else {
        return;
    };
    put(&server.root, "a.csv", "123");
    let kind = FileServerKind::Sftp;
    let mut to = at(kind, server.sftp_port, "hcndc", &server.password);
    let unknown = look(&finder(), &to, "/*").await.unwrap_err();
    let shown = unknown
        .split_whitespace()
        .find(|it| it.starts_with("SHA256:"));
    option(&mut to, "host_key", shown.unwrap());
    let found = look(&finder(), &to, &server.path("/*")).await.unwrap();
    assert_eq!((found.len(), found[0].size), (1, 3));
    let said = finder().try_out(&to).await.unwrap();
    assert!(said.contains("rsa"), "{said}");
    to.password = Secret::new("wrong-secret");
    let why = look(&finder(), &to, "/*").await.unwrap_err();
    assert!(why.contains("the server refuses user hcndc"), "{why}");
}
