//! Servers that answer as they are told, or not at all.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::desk::within;

/// Reads one request: its head and its body.
pub(crate) async fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = within(stream.read(&mut piece)).await.unwrap();
        text.extend_from_slice(&piece[..length]);
        let said = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = said.split_once("\r\n\r\n") else {
            assert!(length > 0, "{said}");
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let length = name.eq_ignore_ascii_case("content-length");
            length.then(|| value.trim().parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return said;
        }
    }
}

/// A server that answers each request with this; its address, and what it was asked.
pub(crate) async fn server(
    answer: &'static str,
) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                tell.send(request(&mut stream).await).unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    (format!("http://{address}"), told)
}

/// A server that says this once it was spoken to, and hangs up; its address.
pub(crate) async fn dying(words: &'static [u8]) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _spoken = stream.read(&mut [0; 65_536]).await?;
                stream.write_all(words).await?;
                stream.shutdown().await?;
                // What is not read would take back what was said.
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
            });
        }
    });
    address
}

/// A server that says this to whoever comes, and hangs up; its address.
pub(crate) async fn greeting(words: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(words.as_bytes()).await.unwrap();
        }
    });
    address
}

/// A server that never answers: its URL, and what tells that a request has come.
pub(crate) async fn silent() -> (String, tokio::sync::oneshot::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (tell, told) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        let _ = tell.send(stream);
    });
    (url, told)
}
