//! TLS of this server: its certificate, read anew when its files change; and whom it believes when it asks other servers.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use hcndc_exec::trust;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_util::task::AbortOnDropHandle;

/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(10);

/// Where this server's certificates are; all PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpsFiles {
    /// The certificate and its key; `None` serves without TLS.
    pub own: Option<OwnFiles>,
    /// Certificates of an authority that other servers of the database are believed by, besides those that this host trusts.
    pub authority: Option<PathBuf>,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFiles {
    /// The certificate, followed by those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why a server cannot speak TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpsError {
    /// A file cannot be read.
    #[error("{flag}: cannot read {}", path.display())]
    Read {
        /// The setting that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file holds nothing of the kind.
    #[error("{flag}: {} holds no {what} in PEM form", path.display())]
    NoPem {
        /// The setting that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// The key is another certificate's, or of a kind that is not known.
    #[error(
        "--tls-key: the key in {} does not go with the first certificate in {}: {source}; the server's own certificate comes first, \
         then those between it and the authority",
        files.key.display(), files.certificate.display()
    )]
    Pair {
        /// Both files.
        files: OwnFiles,
        /// What rustls says.
        source: rustls::Error,
    },
    /// The library refuses its settings.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
    /// The authority's file cannot be used.
    #[error("--tls-ca: {0}")]
    Authority(#[from] trust::TlsError),
}

/// What makes TLS of connections that come in.
#[derive(Clone)]
pub struct Https {
    config: Arc<ServerConfig>,
    _looking: Arc<AbortOnDropHandle<()>>,
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Https").finish_non_exhaustive()
    }
}

impl Https {
    /// Reads certificate and key, and from now on again when the files change: whoever renews them need not restart anything.
    /// What cannot be used then is told in the log, and the old ones stay.
    ///
    /// # Errors
    /// [`HttpsError`].
    pub fn start(files: &OwnFiles) -> Result<Self, HttpsError> {
        Self::start_looking(files, LOOK)
    }

    fn start_looking(files: &OwnFiles, every: Duration) -> Result<Self, HttpsError> {
        let mut last = Texts::read(files)?;
        let shown = Arc::new(Shown(RwLock::new(last.pair(files)?)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let files = files.clone();
        let looking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let now = match Texts::read(&files) {
                    Ok(now) if now == last => continue,
                    Ok(now) => now,
                    Err(error) => {
                        tracing::warn!(error = %crate::causes::with_causes(&error), "the certificate cannot be looked at; the old one stays");
                        continue;
                    }
                };
                match now.pair(&files) {
                    Ok(pair) => {
                        shown.replace(pair);
                        tracing::info!(certificate = %files.certificate.display(), "the certificate was renewed");
                    }
                    // Of two files one is written first.
                    Err(error) => {
                        tracing::warn!(%error, "the certificate has changed and cannot be used; the old one stays");
                    }
                }
                last = now;
            }
        });
        Ok(Self {
            config: Arc::new(config),
            _looking: Arc::new(AbortOnDropHandle::new(looking)),
        })
    }

    /// What connections are taken with.
    pub(crate) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        Arc::clone(&self.config).into()
    }
}

/// What stands in the files.
#[derive(PartialEq, Eq)]
struct Texts {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Texts {
    fn read(files: &OwnFiles) -> Result<Self, HttpsError> {
        let read = |flag, path: &Path| {
            fs::read(path).map_err(|source| HttpsError::Read {
                flag,
                path: path.to_owned(),
                source,
            })
        };
        Ok(Self {
            certificate: read("--tls-cert", &files.certificate)?,
            key: read("--tls-key", &files.key)?,
        })
    }

    fn pair(&self, files: &OwnFiles) -> Result<Arc<CertifiedKey>, HttpsError> {
        let no_pem = |flag, path: &Path, what| HttpsError::NoPem {
            flag,
            path: path.to_owned(),
            what,
        };
        let chain = CertificateDer::pem_slice_iter(&self.certificate);
        let chain: Result<Vec<_>, _> = chain.collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| no_pem("--tls-cert", &files.certificate, "certificate"))?;
        // The file's content is nobody's business: only that it is no key.
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| no_pem("--tls-key", &files.key, "private key"))?;
        let pair = CertifiedKey::from_der(chain, key, &ring::default_provider());
        pair.map(Arc::new).map_err(|source| HttpsError::Pair {
            files: files.clone(),
            source,
        })
    }
}

/// The certificate that is shown to whoever connects.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn replace(&self, pair: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}

/// What other servers of the database are asked with: they show a certificate that this host or the authority vouches for.
///
/// # Errors
/// [`HttpsError::Authority`].
pub fn towards_others(authority: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, HttpsError> {
    let path = authority.map(Path::to_string_lossy);
    let mut config = trust::client_config(path.as_deref())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    struct Made {
        folder: tempfile::TempDir,
        authority: rcgen::Issuer<'static, rcgen::KeyPair>,
        pem: String,
    }

    impl Made {
        fn new() -> Self {
            let mut params = rcgen::CertificateParams::default();
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let key = rcgen::KeyPair::generate().unwrap();
            let pem = params.self_signed(&key).unwrap().pem();
            Self {
                folder: tempfile::tempdir().unwrap(),
                authority: rcgen::Issuer::new(params, key),
                pem,
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn files(&self) -> OwnFiles {
            OwnFiles {
                certificate: self.path("cert.pem"),
                key: self.path("key.pem"),
            }
        }

        /// Writes a pair for this name, and tells the key.
        fn write(&self, name: &str) -> String {
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &self.authority).unwrap();
            let files = self.files();
            fs::write(self.path("ca.pem"), &self.pem).unwrap();
            fs::write(files.key, key.serialize_pem()).unwrap();
            fs::write(files.certificate, certificate.pem()).unwrap();
            key.serialize_pem()
        }
    }

    fn refusal(files: &OwnFiles) -> String {
        Texts::read(files)
            .and_then(|texts| texts.pair(files).map(drop))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_and_so_is_what_is_none() {
        let made = Made::new();
        let files = made.files();
        assert!(refusal(&files).starts_with("--tls-cert: cannot read"));
        let old = made.write("a.example.com");
        Texts::read(&files).unwrap().pair(&files).unwrap();
        made.write("b.example.com");
        fs::write(&files.key, &old).unwrap();
        let text = refusal(&files);
        assert!(text.starts_with("--tls-key: the key in"), "{text}");
        assert!(text.contains("KeyMismatch"), "{text}");
        fs::write(&files.key, "hunter2").unwrap();
        let text = refusal(&files);
        assert!(text.ends_with("holds no private key in PEM form"), "{text}");
        assert!(!text.contains("hunter2"));
        fs::write(&files.certificate, "").unwrap();
        assert!(refusal(&files).contains("holds no certificate"));
    }

    /// Whether somebody who looks for this name is content.
    async fn shows(https: &Https, authority: &Path, name: &'static str) -> bool {
        let (ours, theirs) = tokio::io::duplex(16 << 10);
        let acceptor = https.acceptor();
        tokio::spawn(async move {
            if let Ok(mut stream) = acceptor.accept(ours).await {
                let _ = stream.write_all(b"x").await;
                let _ = stream.shutdown().await;
            }
        });
        let config = towards_others(Some(authority)).unwrap();
        let name = ServerName::try_from(name).unwrap();
        let connecting = tokio_rustls::TlsConnector::from(config).connect(name, theirs);
        match connecting.await {
            Ok(mut stream) => stream.read_u8().await.unwrap() == b'x',
            Err(_) => false,
        }
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_shown_without_a_restart_and_a_wrong_one_never() {
        let made = Made::new();
        made.write("a.example.com");
        let files = made.files();
        let https = Https::start_looking(&files, Duration::from_millis(5)).unwrap();
        let authority = made.path("ca.pem");
        assert!(shows(&https, &authority, "a.example.com").await);
        assert!(!shows(&https, &authority, "b.example.com").await);
        fs::write(&files.key, "no key").unwrap();
        assert!(shows(&https, &authority, "a.example.com").await);
        made.write("b.example.com");
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while !shows(&https, &authority, "b.example.com").await {
            assert!(std::time::Instant::now() < until, "it is not renewed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!shows(&https, &authority, "a.example.com").await);
    }
}
