//! TLS in front of any server, by a certificate that is its own authority.

use std::{path::Path, sync::Arc};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::proxy::nobody;

/// The way to a server by TLS, with a certificate that is its own authority, written to this file.
pub(crate) async fn by_tls(to: u16, file: &Path) -> u16 {
    let tls = certificate(file);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                // Who does not trust it, goes.
                let mut near = tls.accept(stream).await?;
                let mut far = TcpStream::connect(("127.0.0.1", to)).await?;
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    port
}

/// A server whose certificate nobody trusts.
pub(crate) async fn untrusted() -> u16 {
    let file = tempfile::NamedTempFile::new().unwrap();
    by_tls(nobody(), file.path()).await
}

/// A certificate for this host that is its own authority, written to a file.
pub(crate) fn certificate(file: &Path) -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(file, made.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
