//! Certificates: who an executor is, and which schedulers it lets in; the other way round for a scheduler.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

/// Where certificates are; all PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Our certificate, with those between it and the authority.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// Certificates of the authority that vouches for the other side.
    pub authority: Option<PathBuf>,
}

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// One without the other proves nothing.
    #[error("a certificate needs its key, and a key its certificate")]
    Half,
    /// An executor that speaks TLS must say who it is.
    #[error("an executor that asks for certificates needs one of its own, with its key")]
    NoCertificate,
    /// A scheduler that speaks TLS must know whom to believe.
    #[error(
        "a scheduler that speaks TLS needs the certificate of the authority that vouches for executors"
    )]
    NoAuthority,
}

impl TlsFiles {
    /// Whether no file is named: then nobody speaks TLS.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.certificate.is_none() && self.key.is_none() && self.authority.is_none()
    }

    fn identity(&self) -> Result<Option<Identity>, TlsError> {
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                Ok(Some(Identity::from_pem(read(certificate)?, read(key)?)))
            }
            (None, None) => Ok(None),
            _ => Err(TlsError::Half),
        }
    }

    fn authority(&self) -> Result<Option<Certificate>, TlsError> {
        let authority = self.authority.as_deref().map(read).transpose()?;
        Ok(authority.map(Certificate::from_pem))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

/// TLS as an executor speaks it.
#[derive(Clone)]
pub struct ExecutorTls {
    identity: Identity,
    authority: Option<Certificate>,
}

impl ExecutorTls {
    /// Reads the files. With an authority, schedulers must show a certificate that it vouches for.
    ///
    /// # Errors
    /// When a file cannot be read, or the executor's own certificate or key is missing. What is in the files is looked at
    /// when they are used.
    pub fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            identity: files.identity()?.ok_or(TlsError::NoCertificate)?,
            authority: files.authority()?,
        })
    }

    /// Whether it lets in only schedulers with a certificate.
    #[must_use]
    pub const fn asks_for_certificates(&self) -> bool {
        self.authority.is_some()
    }

    pub(crate) fn config(&self) -> ServerTlsConfig {
        let config = ServerTlsConfig::new().identity(self.identity.clone());
        match &self.authority {
            Some(authority) => config.client_ca_root(authority.clone()),
            None => config,
        }
    }
}

/// TLS as a scheduler speaks it.
#[derive(Clone)]
pub struct SchedulerTls {
    identity: Option<Identity>,
    authority: Certificate,
}

impl SchedulerTls {
    /// Reads the files. The scheduler's own certificate is for executors that ask for one.
    ///
    /// # Errors
    /// When a file cannot be read, or the authority is missing.
    pub fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            identity: files.identity()?,
            authority: files.authority()?.ok_or(TlsError::NoAuthority)?,
        })
    }

    pub(crate) fn config(&self) -> ClientTlsConfig {
        let config = ClientTlsConfig::new().ca_certificate(self.authority.clone());
        match &self.identity {
            Some(identity) => config.identity(identity.clone()),
            None => config,
        }
    }
}

// Keys are not for logs.
impl fmt::Debug for ExecutorTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorTls").finish_non_exhaustive()
    }
}

impl fmt::Debug for SchedulerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchedulerTls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_without_its_key_is_refused() {
        let files = TlsFiles {
            certificate: Some("/dev/null".into()),
            ..TlsFiles::default()
        };
        assert!(matches!(ExecutorTls::read(&files), Err(TlsError::Half)));
        assert!(matches!(SchedulerTls::read(&files), Err(TlsError::Half)));
    }

    #[test]
    fn what_is_missing_is_named() {
        let files = TlsFiles::default();
        assert!(files.is_empty());
        assert!(matches!(
            ExecutorTls::read(&files),
            Err(TlsError::NoCertificate)
        ));
        assert!(matches!(
            SchedulerTls::read(&files),
            Err(TlsError::NoAuthority)
        ));
        let nowhere = TlsFiles {
            authority: Some("/no/such/file".into()),
            ..files
        };
        assert!(matches!(
            SchedulerTls::read(&nowhere),
            Err(TlsError::Read { path, .. }) if path == Path::new("/no/such/file")
        ));
    }
}
