//! Who is let in, and what the host does not allow.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use desk::{
    Desk, order,
    program::{ID, Program, executor, next, ran},
};
use hcndc_core::{
    engine::{EndCause, Report},
    port::{Fence, Stream, Transport as _},
};
use hcndc_exec::{
    ExecutorTls, SchedulerTls, TlsFiles,
    executor::{Access, BindError, ExecutorServer, HostRules},
    transport::{Grpc, GrpcTransport, Tokens},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// An authority, in files.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(directory: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let file = directory.join(format!("{name}.pem"));
        std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            file,
        }
    }

    /// A certificate for this host, in files beside the authority's.
    fn certify(&self, name: &str, host: &str) -> TlsFiles {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |end: &str| self.file.with_file_name(format!("{name}.{end}"));
        std::fs::write(file("crt"), certificate.pem()).unwrap();
        std::fs::write(file("key"), key.serialize_pem()).unwrap();
        TlsFiles {
            certificate: Some(file("crt")),
            key: Some(file("key")),
            authority: None,
        }
    }
}

fn arguments(files: &TlsFiles) -> Vec<String> {
    let named = [
        ("--tls-cert", &files.certificate),
        ("--tls-key", &files.key),
        ("--tls-ca", &files.authority),
    ];
    named
        .into_iter()
        .filter_map(|(name, file)| Some([name.to_owned(), file.as_ref()?.display().to_string()]))
        .flatten()
        .collect()
}

fn scheduler(files: &TlsFiles, token: &str) -> GrpcTransport {
    let tokens = Tokens {
        default: Some(token.parse().unwrap()),
        ..Tokens::default()
    };
    GrpcTransport::new(Grpc::new(tokens).with_tls(SchedulerTls::read(files).unwrap()))
}

/// Why a scheduler is not let in; `None` if it is.
async fn refused(transport: &GrpcTransport, address: &str) -> Option<String> {
    transport.connect(executor(address), Fence(1));
    match next(transport).await {
        Report::Hello { .. } => None,
        Report::Disconnected { reason } => Some(reason),
        other => panic!("a hello was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn a_wire_is_secret_and_both_ends_prove_who_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let ours = Authority::new(directory.path(), "ours");
    let others = Authority::new(directory.path(), "others");
    let mut executor_files = ours.certify("executor", "127.0.0.1");
    executor_files.authority = Some(ours.file.clone());
    let mut known = ours.certify("scheduler", "scheduler");
    known.authority = Some(ours.file.clone());
    let mut unknown = others.certify("stranger", "scheduler");
    unknown.authority = Some(ours.file.clone());
    let mut deceived = known.clone();
    deceived.authority = Some(others.file.clone());
    let nameless = TlsFiles {
        authority: Some(ours.file.clone()),
        ..TlsFiles::default()
    };
    let program = Program::start_with(directory, &arguments(&executor_files));
    let address = program.address().await;

    let transport = scheduler(&known, "open-sesame");
    assert_eq!(refused(&transport, &address).await, None);
    assert_eq!(
        ran(&transport, order(1, "exit 3")).await,
        EndCause::Exited(3)
    );
    transport.disconnect(ID);

    let told = |files: TlsFiles, token: &'static str| {
        let address = address.clone();
        async move { refused(&scheduler(&files, token), &address).await.unwrap() }
    };
    let reason = told(unknown, "open-sesame").await;
    assert!(
        reason.contains("broke") || reason.contains("by TLS"),
        "{reason}"
    );
    let reason = told(nameless, "open-sesame").await;
    assert!(
        reason.contains("broke") || reason.contains("by TLS"),
        "{reason}"
    );
    let reason = told(deceived, "open-sesame").await;
    assert!(reason.contains("certificate"), "{reason}");
    let reason = told(known, "wrong").await;
    assert!(reason.contains("token"), "{reason}");
    let plain = desk::program::transport(Some("open-sesame"));
    assert!(refused(&plain, &address).await.is_some());
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let ours = Authority::new(directory.path(), "ours");
    let files = ours.certify("executor", "other.example");
    let believed = TlsFiles {
        authority: Some(ours.file.clone()),
        ..TlsFiles::default()
    };
    let program = Program::start_with(directory, &arguments(&files));
    let transport = scheduler(&believed, "open-sesame");
    let reason = refused(&transport, &program.address().await).await.unwrap();
    assert!(reason.contains("certificate"), "{reason}");
}

#[tokio::test]
async fn an_executor_that_speaks_no_tls_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let ours = Authority::new(directory.path(), "ours");
    let believed = TlsFiles {
        authority: Some(ours.file),
        ..TlsFiles::default()
    };
    let program = Program::start();
    let transport = scheduler(&believed, "open-sesame");
    let reason = refused(&transport, &program.address().await).await.unwrap();
    assert!(reason.contains("does not speak TLS"), "{reason}");
}

#[tokio::test]
async fn a_secret_wire_alone_opens_no_address_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let ours = Authority::new(directory.path(), "ours");
    let mut files = ours.certify("executor", "127.0.0.1");
    let bind = |files: TlsFiles| async move {
        let access = Access {
            token: None,
            tls: Some(ExecutorTls::read(&files).unwrap()),
        };
        ExecutorServer::bind("0.0.0.0:0".parse().unwrap(), access).await
    };
    let error = bind(files.clone()).await.unwrap_err();
    assert!(matches!(error, BindError::Open { .. }), "{error}");
    files.authority = Some(ours.file.clone());
    bind(files.clone()).await.unwrap();
    files.key = Some(ours.file);
    let error = bind(files).await.unwrap_err();
    assert!(matches!(error, BindError::Tls { .. }), "{error}");
}

#[tokio::test]
async fn jobs_start_only_where_the_host_allows() {
    let mut desk = Desk::with(|config| {
        let allowed = config.base_dir.join("etl");
        std::fs::create_dir_all(allowed.join("in")).unwrap();
        std::os::unix::fs::symlink("/", allowed.join("way-out")).unwrap();
        config.rules = HostRules {
            directories: vec![allowed],
            user: None,
        };
    })
    .await;
    let mut id = 0;
    for (place, allowed) in [
        ("etl", true),
        ("etl/in", true),
        ("", false),
        ("/", false),
        ("etl/way-out", false),
        ("etl/../", false),
    ] {
        id += 1;
        let mut order = order(id, "true");
        order.workdir = place.into();
        match desk.run(order).await.cause {
            EndCause::Exited(0) => assert!(allowed, "{place}"),
            EndCause::NotStarted(reason) => {
                assert!(
                    !allowed && reason.contains("does not allow"),
                    "{place}: {reason}"
                );
            }
            other => panic!("{place}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn jobs_run_as_the_user_that_the_host_names() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut desk = Desk::with(|config| config.rules.user = Some("nobody".into())).await;
    // A directory that only root may enter is no place for it.
    let mut order = order(1, "id -un; id -gn; id -Gn; echo $USER");
    order.workdir = "/".into();
    assert_eq!(desk.run(order).await.cause, EndCause::Exited(0));
    let said = desk.output(1, Stream::Stdout).await;
    let mut lines = said.lines();
    let (user, group) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(user, "nobody");
    assert_eq!(lines.next(), Some(group), "no other groups: {said}");
    assert_eq!(lines.next(), Some("nobody"));
}

fn checked(directory: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hcndc-exec"))
        .args(arguments)
        .arg("--data-dir")
        .arg(directory.join("data"))
        .arg("check")
        .env_remove("HCNDC_EXEC_TOKEN")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
fn check_says_what_is_wrong_before_the_first_job_does() {
    let directory = tempfile::tempdir().unwrap();
    let (good, text) = checked(directory.path(), &["--listen", "127.0.0.1:0"]);
    assert!(good && text.contains("/bin/sh runs"), "{text}");
    for (arguments, words) in [
        (["--listen", "0.0.0.0:0"], "loopback"),
        (["--base-dir", "/no/such/place"], "/no/such/place"),
        (["--run-as", "no-such-user"], "no-such-user"),
        (["--tls-cert", "/no/such/file"], "key"),
        (["--token-file", "/no/such/file"], "/no/such/file"),
    ] {
        let (good, text) = checked(directory.path(), &arguments);
        assert!(!good && text.contains(words), "{arguments:?}: {text}");
    }
}
