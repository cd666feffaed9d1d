//! A server of the tests that speaks a protocol of its own: its door, and TLS at its side over any way for bytes.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    thread,
};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Serves all who come to a port, which is told, each on a thread of its own.
pub(crate) fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            // A client that goes is nothing to tell.
            thread::spawn(move || drop(serve(stream.unwrap())));
        }
    });
    port
}

/// A certificate for 127.0.0.1 that nobody trusts, written to this file as well, and what a server does with it.
pub(crate) fn certificate(
    file: &Path,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<rustls::ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(file, made.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    Arc::new(config)
}

/// Bytes both ways.
pub(crate) trait Way: Read + Write + Send {}

impl<T: Read + Write + Send> Way for T {}

/// The same by TLS, once the client has agreed.
pub(crate) fn by_tls(
    config: Arc<rustls::ServerConfig>,
    mut way: impl Way + 'static,
) -> io::Result<Box<dyn Way>> {
    let mut connection = rustls::ServerConnection::new(config).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut way)?;
    }
    Ok(Box::new(rustls::StreamOwned::new(connection, way)))
}
