//! SFTP, to a real server: Debian's OpenSSH.

use std::{fs, future::Future, os::unix::fs::symlink, path::PathBuf, sync::Arc};

use hcndc_core::{
    contract::probe::ProbeFixture,
    model::{FileServer, FileServerKind, Secret},
};
use hcndc_web::connect::file::probe::Probing;
use russh::MethodKind;
use tokio::runtime::Runtime;

use crate::{
    files::{at, finder, look, option, put, run_case, runtime},
    proxy::{Proxy, nobody, saying},
    server,
    ssh_server::{PASSWORD, SshServer},
};

/// The SFTP server, as its address tells it.
pub(crate) struct SftpServer {
    pub(crate) user: String,
    pub(crate) port: u16,
    dir: PathBuf,
    /// A folder on it that belongs to one test.
    pub(crate) root: PathBuf,
}

impl SftpServer {
    pub(crate) fn find(test: &str) -> Option<Self> {
        let url = server("HCNDC_TEST_SFTP_URL", test)?;
        let (user, rest) = url
            .strip_prefix("sftp://")
            .unwrap()
            .split_once('@')
            .unwrap();
        let (address, dir) = rest.split_once("/?dir=").unwrap();
        let dir = PathBuf::from(dir);
        let root = dir.join("files").join(uuid::Uuid::new_v4().to_string());
        fs::create_dir_all(&root).unwrap();
        Some(Self {
            user: user.to_owned(),
            port: address.rsplit_once(':').unwrap().1.parse().unwrap(),
            dir,
            root,
        })
    }

    /// A private key that it has been given.
    pub(crate) fn key(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap()
    }

    /// The server's public key.
    pub(crate) fn host_key(&self) -> String {
        self.key("host.pub").trim().to_owned()
    }

    /// The path of something in the test's folder.
    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.root.display())
    }

    /// How it is to be connected to, at this port.
    fn at(&self, port: u16) -> FileServer {
        let mut server = at(FileServerKind::Sftp, port, &self.user, &self.key("user"));
        option(&mut server, "host_key", &self.host_key());
        server
    }
}

struct Fixture {
    runtime: Runtime,
    server: SftpServer,
}

impl Fixture {
    fn find() -> Option<Self> {
        let server = SftpServer::find("the suite of file probes on SFTP")?;
        let runtime = runtime();
        Some(Self { runtime, server })
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
        self.server.at(self.server.port)
    }

    fn gone(&self) -> FileServer {
        let mut gone = self.server.at(nobody());
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
        self.server.key("user")
    }
}

mod contract {
    hcndc_core::probe_contract!(optional super::Fixture::find());
}

#[tokio::test]
async fn a_user_signs_in_with_keys_of_all_kinds() {
    let Some(server) = SftpServer::find("a_user_signs_in_with_keys_of_all_kinds") else {
        return;
    };
    put(&server.root, "a.csv", "1");
    let locked = format!("{}hcndc test", server.key("user-locked"));
    // As a field for a line makes it.
    let in_a_line = server.key("user").replace('\n', "");
    let locked_in_a_line = locked.replace('\n', "");
    for key in [
        server.key("user"),
        server.key("user-ecdsa"),
        server.key("user-rsa"),
        locked,
        in_a_line,
        locked_in_a_line,
    ] {
        let mut to = server.at(server.port);
        to.password = Secret::new(&key);
        let found = look(&finder(), &to, &server.path("/*")).await;
        assert_eq!(found.unwrap().len(), 1, "{key}");
    }
}

#[tokio::test]
async fn a_secret_that_does_not_fit_is_told_and_not_shown() {
    let Some(server) = SftpServer::find("a_secret_that_does_not_fit_is_told_and_not_shown") else {
        return;
    };
    let locked = server.key("user-locked");
    let cut = &server.key("user")[..200];
    for (secret, expected) in [
        ("wrong-secret", "the server refuses user"),
        (&server.key("stranger"), "the server refuses user"),
        (&locked, "has a passphrase"),
        (
            &format!("{locked}wrong-secret"),
            "cannot be read with the passphrase",
        ),
        (cut, "its last line is missing"),
    ] {
        let mut to = server.at(server.port);
        to.password = Secret::new(secret);
        let why = look(&finder(), &to, "/*").await.unwrap_err();
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains("wrong-secret"), "{why}");
    }
}

#[tokio::test]
async fn nobody_signs_in_at_a_server_whose_key_is_not_the_one_that_is_set() {
    let test = "nobody_signs_in_at_a_server_whose_key_is_not_the_one_that_is_set";
    let Some(server) = SftpServer::find(test) else {
        return;
    };
    let mut to = server.at(server.port);
    let shown = finder().try_out(&to).await.unwrap();
    let (fingerprint, kind) = shown.split_once(' ').unwrap();
    assert_eq!(kind, "(ssh-ed25519)");

    to.options.remove("host_key");
    let unknown = look(&finder(), &to, "/*").await.unwrap_err();
    assert!(unknown.contains(fingerprint), "{unknown}");
    assert!(
        unknown.contains("set it as the option host_key"),
        "{unknown}"
    );
    assert_eq!(finder().try_out(&to).await, Err(unknown));

    option(&mut to, "host_key", &server.key("stranger.pub"));
    let other = look(&finder(), &to, "/*").await.unwrap_err();
    assert!(other.contains(fingerprint), "{other}");
    assert!(other.contains("another server answers"), "{other}");

    let both = format!("{}, {fingerprint}", server.key("stranger.pub").trim());
    option(&mut to, "host_key", &both);
    look(&finder(), &to, "/*").await.unwrap();

    option(&mut to, "host_key", "aa:bb:cc");
    let bad = look(&finder(), &to, "/*").await.unwrap_err();
    assert!(bad.contains("setting host_key"), "{bad}");
}

#[tokio::test]
async fn what_is_no_sftp_server_is_told_in_time() {
    for (port, expected) in [
        (nobody(), Some("refused")),
        (saying(b"").await, Some("no connection within 1 s")),
        (
            saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
            Some("no connection within 1 s"),
        ),
        (
            saying(b"SSH-2.0-other\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").await,
            None,
        ),
    ] {
        let mut to = at(FileServerKind::Sftp, port, "somebody", "file-secret");
        option(&mut to, "connect_seconds", "1");
        let why = look(&finder(), &to, "/*").await.unwrap_err();
        // Of garbage it is told that it is none, however it is told.
        assert!(expected.is_none_or(|it| why.contains(it)), "{why}");
        assert!(!why.contains("file-secret"), "{why}");
    }
}

#[tokio::test]
async fn a_password_is_given_at_once_or_as_an_answer() {
    for method in [MethodKind::Password, MethodKind::KeyboardInteractive] {
        let server = SshServer::start(method).await;
        let mut to = at(FileServerKind::Sftp, server.port, "etl", PASSWORD);
        option(&mut to, "host_key", &server.host_key);
        let found = look(&finder(), &to, "/in/*.csv").await.unwrap();
        assert_eq!((found[0].path.as_str(), found[0].size), ("/in/a.csv", 3));

        to.password = Secret::new("wrong-secret");
        let why = look(&finder(), &to, "/in/*.csv").await.unwrap_err();
        assert!(why.contains("the server refuses user etl"), "{why}");
        assert!(!why.contains("wrong-secret"), "{why}");
    }
}

#[tokio::test]
async fn links_are_what_they_lead_to() {
    let Some(server) = SftpServer::find("links_are_what_they_lead_to") else {
        return;
    };
    put(&server.root, "real/a.csv", "12345");
    symlink("real", server.root.join("in")).unwrap();
    symlink("a.csv", server.root.join("real/b.csv")).unwrap();
    symlink("nowhere", server.root.join("real/c.csv")).unwrap();
    let (finder, to) = (finder(), server.at(server.port));
    let found = look(&finder, &to, &server.path("/i*/*.csv")).await.unwrap();
    let told: Vec<_> = found.iter().map(|file| (&*file.path, file.size)).collect();
    let (a, b) = (server.path("/in/a.csv"), server.path("/in/b.csv"));
    assert_eq!(told, [(&*a, 5), (&*b, 5)]);
}

#[tokio::test]
async fn looks_share_a_connection_that_is_made_anew_when_it_breaks() {
    let test = "looks_share_a_connection_that_is_made_anew_when_it_breaks";
    let Some(server) = SftpServer::find(test) else {
        return;
    };
    put(&server.root, "a.csv", "1");
    let proxy = Proxy::start(server.port).await;
    let (finder, to) = (finder(), server.at(proxy.port));
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
}

#[tokio::test]
async fn a_server_that_hangs_holds_looks_up_until_it_answers() {
    let test = "a_server_that_hangs_holds_looks_up_until_it_answers";
    let Some(server) = SftpServer::find(test) else {
        return;
    };
    put(&server.root, "a.csv", "1");
    let proxy = Proxy::start(server.port).await;
    let (finder, mut to) = (finder(), server.at(proxy.port));
    option(&mut to, "answer_seconds", "1");
    option(&mut to, "connect_seconds", "1");
    let path = server.path("/*");
    let looking = || look(&finder, &to, &path);
    looking().await.unwrap();
    proxy.hold();
    let why = looking().await.unwrap_err();
    assert_eq!(why, "no connection within 1 s");
    proxy.let_pass();
    assert_eq!(looking().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_folder_that_is_refused_keeps_the_connection() {
    let test = "a_folder_that_is_refused_keeps_the_connection";
    let Some(server) = SftpServer::find(test) else {
        return;
    };
    put(&server.root, "a.csv", "1");
    let proxy = Proxy::start(server.port).await;
    let (finder, to) = (finder(), server.at(proxy.port));
    // Root may read everything; a name that is too long is refused to all.
    let beyond = server.path(&format!("/{}/*", "a".repeat(300)));
    let why = look(&finder, &to, &beyond).await.unwrap_err();
    assert!(why.contains("aaa: "), "{why}");
    assert_eq!(
        look(&finder, &to, &server.path("/*")).await.unwrap().len(),
        1
    );
    assert_eq!(proxy.connections(), 1);
}
