//! TLS towards the servers of others: rustls with ring, and the certificates that this host trusts.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Why no connection by TLS can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file of an authority cannot be read.
    #[error("cannot read the certificates in {path}: {reason}")]
    Authority {
        /// Which.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The library refuses its settings.
    #[error("TLS cannot be set up: {reason}")]
    Setup {
        /// Why not.
        reason: String,
    },
}

/// Trusts what this host trusts, and the authorities in this PEM file.
///
/// # Errors
/// [`TlsError`].
pub fn client_config(authorities: Option<&str>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    // What cannot be read is as if the host did not trust it; a server that needs it is refused, and says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = authorities {
        roots.add_parsable_certificates(read_authorities(path)?);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup {
            reason: error.to_string(),
        })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The certificates in a PEM file; at least one.
///
/// # Errors
/// [`TlsError::Authority`].
pub fn read_authorities(path: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |reason: String| TlsError::Authority {
        path: path.to_owned(),
        reason,
    };
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        // The file's content is nobody's business: only that it is none of certificates.
        .map_err(|error| match error {
            rustls::pki_types::pem::Error::Io(error) => failed(error.to_string()),
            _ => failed("it is no PEM file".to_owned()),
        })?;
    match found.is_empty() {
        true => Err(failed("it holds no certificate".to_owned())),
        false => Ok(found),
    }
}
