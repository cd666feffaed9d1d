//! A server that speaks TLS itself: with people, with commands, and with other servers.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
};

use hcndc_web::https::towards_others;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::{
    hcndc,
    support::{Server, wait_for},
};

/// An authority and a certificate of this host, in files.
struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        fs::write(
            folder.path().join("ca.pem"),
            params.self_signed(&key).unwrap().pem(),
        )
        .unwrap();
        let authority = Issuer::new(params, key);
        for name in ["server", "other"] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            fs::write(folder.path().join(format!("{name}.crt")), certificate.pem()).unwrap();
            fs::write(
                folder.path().join(format!("{name}.key")),
                key.serialize_pem(),
            )
            .unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn serve(&self, data_dir: &Path, more: &[&str]) -> Server {
        let (cert, key) = (self.text("server.crt"), self.text("server.key"));
        let usual = ["--no-executor", "--tls-cert", &cert, "--tls-key", &key];
        Server::start(data_dir, &[&usual[..], more].concat())
    }

    /// A client that believes the authority.
    fn client(&self) -> reqwest::Client {
        let config = towards_others(Some(&self.path("ca.pem"))).unwrap();
        let client = reqwest::Client::builder().tls_backend_preconfigured((*config).clone());
        client.no_proxy().build().unwrap()
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

#[test]
fn people_and_commands_reach_a_server_over_tls() {
    let made = Certificates::new();
    let folder = tempfile::tempdir().unwrap();
    let server = made.serve(folder.path(), &["--access", "users"]);
    assert!(
        server.base().starts_with("https://127.0.0.1:"),
        "{}",
        server.base()
    );
    let data_dir = folder.path().to_str().unwrap();
    let created = [
        "user",
        "create",
        "boss",
        "--data-dir",
        data_dir,
        "--role",
        "admin",
        "--password-stdin",
    ];
    assert!(hcndc(&created, "a local password").status.success());
    let (cookie, csrf) = block_on(async {
        let answer = made
            .client()
            .post(format!("{}api/v1/session", server.base()))
            .header("content-type", "application/json")
            .body(json!({"account": "boss", "password": "a local password"}).to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201);
        assert_eq!(
            answer.headers()["strict-transport-security"],
            "max-age=31536000"
        );
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.ends_with("; Secure"), "{cookie}");
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        (cookie, body["csrf"].as_str().unwrap().to_owned())
    });
    let token = block_on(async {
        let answer = made
            .client()
            .post(format!("{}api/v1/tokens", server.base()))
            .header("content-type", "application/json")
            .header("cookie", cookie.split(';').next().unwrap())
            .header("x-csrf-token", csrf)
            .body(json!({"name": "t", "permissions": ["read"]}).to_string());
        let body = answer.send().await.unwrap().bytes().await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        body["token"].as_str().unwrap().to_owned()
    });
    fs::write(made.path("token"), token).unwrap();
    let (ca, token) = (made.text("ca.pem"), made.text("token"));
    let base = server.base().trim_end_matches('/');
    let whoami = ["whoami", "--server", base, "--token-file", &token];
    let known = hcndc(&[&whoami[..], &["--tls-ca", &ca]].concat(), "");
    let told = String::from_utf8_lossy(&known.stdout).into_owned();
    assert!(known.status.success() && told.contains("boss"), "{known:?}");
    let unknown = hcndc(&whoami, "");
    let told = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        !unknown.status.success() && told.contains("UnknownIssuer"),
        "{told}"
    );

    // Whoever speaks in clear, or says nothing, holds nobody up.
    let address = base.strip_prefix("https://").unwrap();
    let _silent = TcpStream::connect(address).unwrap();
    ureq::get(format!("http://{address}/healthz"))
        .call()
        .unwrap_err();
    assert!(
        hcndc(&[&whoami[..], &["--tls-ca", &ca]].concat(), "")
            .status
            .success()
    );
    assert!(server.stop().success());
}

#[test]
fn a_follower_passes_on_to_a_leader_over_tls() {
    let made = Certificates::new();
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/shared.db?mode=rwc", folder.path().display());
    let ca = made.text("ca.pem");
    let arguments = ["--database", database.as_str(), "--tls-ca", ca.as_str()];
    let start = |name: &str, arguments: &[&str]| {
        let data_dir = folder.path().join(name);
        fs::create_dir(&data_dir).unwrap();
        made.serve(&data_dir, arguments)
    };
    let _leader = start("first", &arguments);
    let follower = start("second", &arguments);
    let stranger = start("third", &arguments[..2]);
    let put = |server: &Server, name: &str| {
        block_on(async {
            let request = made.client().post(format!("{}api/v1/pools", server.base()));
            let request = request.header("content-type", "application/json");
            let answer = request
                .body(json!({"name": name, "slots": 3}).to_string())
                .send()
                .await
                .unwrap();
            let status = answer.status().as_u16();
            (status, answer.text().await.unwrap())
        })
    };
    let mut told = (0, String::new());
    wait_for("the follower to know its leader", || {
        told = put(&follower, "passed-on");
        told.0 != 503
    });
    assert_eq!(told.0, 201, "{}", told.1);
    // A server that does not believe the leader's certificate tells it nothing.
    assert_eq!(put(&stranger, "not-passed-on").0, 503);
}

#[test]
fn a_wrong_pair_is_refused_before_anything_else() {
    let made = Certificates::new();
    let folder = tempfile::tempdir().unwrap();
    let serve = |more: &[&str]| {
        let data_dir = folder.path().to_str().unwrap();
        let usual = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--no-executor",
            "--data-dir",
            data_dir,
        ];
        let output = hcndc(&[&usual[..], more].concat(), "");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let (cert, key, other) = (
        made.text("server.crt"),
        made.text("server.key"),
        made.text("other.key"),
    );
    let told = serve(&["--tls-cert", &cert, "--tls-key", &other]);
    assert!(
        told.contains("does not go with the first certificate"),
        "{told}"
    );
    let told = serve(&["--tls-cert", &key, "--tls-key", &key]);
    assert!(told.contains("holds no certificate in PEM form"), "{told}");
    let told = serve(&["--tls-cert", &cert]);
    assert!(told.contains("--tls-key"), "{told}");
    let told = serve(&[
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
        "--tls-ca",
        "/nowhere",
    ]);
    assert!(told.contains("--tls-ca"), "{told}");
}
