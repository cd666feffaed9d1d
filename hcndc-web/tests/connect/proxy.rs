//! The way to a real server, that can be counted, held up and cut.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::AbortHandle,
};

/// Takes connections at its port and leads them on; it ends with this.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    listens: AbortHandle,
}

struct Shared {
    /// Whether nothing passes.
    held: watch::Sender<bool>,
    /// How many parts wait to pass.
    waiting: watch::Sender<usize>,
    connections: AtomicUsize,
    pumps: Mutex<Vec<AbortHandle>>,
}

impl Proxy {
    /// Leads to this port of this host.
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            held: watch::Sender::new(false),
            waiting: watch::Sender::new(0),
            connections: AtomicUsize::new(0),
            pumps: Mutex::new(Vec::new()),
        });
        let shares = Arc::clone(&shared);
        let listening = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                shares.connections.fetch_add(1, Ordering::Relaxed);
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                let ((from_near, to_near), (from_far, to_far)) =
                    (near.into_split(), far.into_split());
                shares.spawn(pump(Arc::clone(&shares), from_near, to_far));
                shares.spawn(pump(Arc::clone(&shares), from_far, to_near));
            }
        });
        Self {
            port,
            shared,
            listens: listening.abort_handle(),
        }
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Lets nothing pass any more.
    pub(crate) fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Lets all pass again.
    pub(crate) fn let_pass(&self) {
        self.shared.held.send_replace(false);
    }

    /// Waits until something wants to pass that is held.
    pub(crate) async fn something_waits(&self) {
        let mut waiting = self.shared.waiting.subscribe();
        waiting.wait_for(|count| *count > 0).await.unwrap();
    }

    /// Ends all connections that there are.
    pub(crate) fn cut(&self) {
        let mut pumps = self.shared.pumps.lock().unwrap();
        pumps.drain(..).for_each(|pump| pump.abort());
        self.shared.waiting.send_replace(0);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listens.abort();
        self.cut();
    }
}

impl Shared {
    fn spawn(&self, pumping: impl Future<Output = ()> + Send + 'static) {
        let pump = tokio::spawn(pumping).abort_handle();
        self.pumps.lock().unwrap().push(pump);
    }
}

async fn pump(shared: Arc<Shared>, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut held = shared.held.subscribe();
    let mut part = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut part).await {
        shared.waiting.send_modify(|count| *count += 1);
        held.wait_for(|held| !*held).await.unwrap();
        shared.waiting.send_modify(|count| *count -= 1);
        if to.write_all(&part[..read]).await.is_err() {
            break;
        }
    }
}

/// A port at which nobody listens.
pub(crate) fn nobody() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A server that says this to whoever comes, and then nothing. Needs a runtime, on which it runs.
pub(crate) async fn saying(words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut all = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(words).await.unwrap();
            all.push(stream);
        }
    });
    port
}

/// A server that waits for who comes to speak, says this, and hangs up.
pub(crate) async fn dying(words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
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
    port
}
