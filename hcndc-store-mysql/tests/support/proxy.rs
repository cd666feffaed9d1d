//! A way to a server that fails as networks do: it ends, or it goes silent.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// It arrives.
    Fair,
    /// It is swallowed.
    Silent,
    /// New connections end at once.
    Closed,
}

#[derive(Clone, Copy, Debug)]
struct State {
    weather: Weather,
    /// Connections of earlier ones end.
    generation: u64,
    /// Packets that are passed on, either way, before all connections end.
    left: Option<usize>,
    /// Packets that came from callers.
    asked: usize,
}

/// A way to one server, which ends with this.
pub(crate) struct Proxy {
    port: u16,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A way to the server at this port of this host.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("its address").port();
        let (state, _) = watch::channel(State {
            weather: Weather::Fair,
            generation: 0,
            left: None,
            asked: 0,
        });
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let seen = shared.subscribe();
                if seen.borrow().weather == Weather::Closed {
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", port)).await;
                let Ok(server) = server else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, shared.clone(), true));
                tokio::spawn(pass(from_server, to_client, shared.clone(), false));
            }
        });
        Self {
            port: own,
            state,
            task,
        }
    }

    /// The port to call instead of the server's.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Changes the weather for all connections.
    pub(crate) fn turn(&self, weather: Weather) {
        self.state.send_modify(|state| state.weather = weather);
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }

    /// Ends all connections once so many more packets have been passed on, either way.
    pub(crate) fn cut_after(&self, packets: usize) {
        self.state.send_modify(|state| state.left = Some(packets));
    }

    /// Whether a cut that was to come has come. Else it never does.
    pub(crate) fn was_cut(&self) -> bool {
        let mut came = false;
        self.state
            .send_modify(|state| came = state.left.take().is_none());
        came
    }

    /// Packets that came from callers so far.
    pub(crate) fn asked(&self) -> usize {
        self.state.borrow().asked
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

/// Passes on what comes, as long as the weather lets it.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: watch::Sender<State>,
    is_of_caller: bool,
) {
    let mut seen = state.subscribe();
    let born = seen.borrow().generation;
    let mut packet = vec![0; 64 << 10];
    loop {
        let count = tokio::select! {
            biased;
            _ = seen.changed() => {
                if seen.borrow().generation != born {
                    return;
                }
                continue;
            }
            read = from.read(&mut packet) => match read {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            }
        };
        let mut passes = true;
        state.send_if_modified(|state| {
            passes = state.weather != Weather::Silent;
            state.asked += usize::from(is_of_caller);
            match &mut state.left {
                Some(0) => {
                    (state.left, passes) = (None, false);
                    state.generation += 1;
                    true
                }
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            }
        });
        if passes && to.write_all(&packet[..count]).await.is_err() {
            return;
        }
    }
}
