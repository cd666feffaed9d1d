//! A store that speaks S3 and checks signatures, on a folder: s3s-fs. Without TLS and with it.

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use s3s::{
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use s3s_fs::FileSystem;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::tls_proxy::certificate;

pub(crate) const KEY: &str = "AKIDHCNDC";
pub(crate) const SECRET: &str = "right-secret";
pub(crate) const BUCKET: &str = "files";

/// The store. What lies in `dir/files` is in its bucket.
pub(crate) struct S3Server {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
}

impl S3Server {
    /// Needs a runtime, on which it runs.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(dir.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let tls = certificate(&dir.path().join("ca.pem"));
        Self {
            port: listen(service.clone(), None).await,
            tls_port: listen(service, Some(tls)).await,
            dir,
        }
    }

    /// The authority that its certificate is of.
    pub(crate) fn ca(&self) -> String {
        self.dir.path().join("ca.pem").display().to_string()
    }
}

async fn listen(service: S3Service, tls: Option<TlsAcceptor>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (service, tls) = (service.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => serve(service, stream).await,
                    // Who does not trust it, goes.
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(service, stream).await;
                        }
                    }
                }
            });
        }
    });
    port
}

async fn serve(service: S3Service, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let builder = auto::Builder::new(TokioExecutor::new());
    // It ends when the other side goes.
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
