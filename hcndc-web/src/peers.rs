//! The servers on this database: this one tells the others that it is alive, and knows where they are.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hcndc_store_mysql::{KnownServer, KnownServers, ServerEntry, Signed, SqlError, SqlStore};
use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;

use crate::lead::{Lead, Leading};

/// Between two signs of life, and two looks at the others.
const EVERY: Duration = Duration::from_secs(1);
/// A server that has been silent for so long does not live.
pub(crate) const SILENCE: Duration = Duration::from_secs(10);
/// Rows of servers that have been silent for so long go away.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);
/// How long a server that stops waits for its row to go.
const FAREWELL: Duration = Duration::from_secs(1);

/// What this server knows of the others.
#[derive(Debug)]
pub struct Peers {
    entry: ServerEntry,
    store: SqlStore,
    leading: Arc<Leading>,
    known: watch::Sender<KnownServers>,
    look: Notify,
    displaced: watch::Sender<bool>,
    tls: Option<Arc<rustls::ClientConfig>>,
}

/// Keeps telling and looking until it is dropped.
#[derive(Debug)]
pub(crate) struct Keeping(#[expect(dead_code, reason = "it ends its task")] AbortOnDropHandle<()>);

/// Why a server cannot be one of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// This one has an executor inside, and others are there.
    Ours(KnownServer),
    /// Another has an executor inside.
    Theirs(KnownServer),
}

impl Peers {
    /// Signs this server on. Others that speak TLS are asked with this configuration.
    ///
    /// # Errors
    /// [`SqlError`] when the database does not take it.
    pub(crate) async fn sign_on(
        store: SqlStore,
        entry: ServerEntry,
        leading: Arc<Leading>,
        tls: Option<Arc<rustls::ClientConfig>>,
    ) -> Result<Arc<Self>, SqlError> {
        store.sign_on(&entry).await?;
        let known = store.known_servers().await?;
        Ok(Arc::new(Self {
            entry,
            store,
            leading,
            known: watch::Sender::new(known),
            look: Notify::new(),
            displaced: watch::Sender::new(false),
            tls,
        }))
    }

    /// What others are asked with that speak TLS.
    pub(crate) const fn tls(&self) -> Option<&Arc<rustls::ClientConfig>> {
        self.tls.as_ref()
    }

    /// Tells the others that this server is alive, and looks at them, from now on.
    pub(crate) fn keep(self: &Arc<Self>) -> Keeping {
        let peers = Arc::clone(self);
        Keeping(AbortOnDropHandle::new(tokio::spawn(async move {
            let mut forgets_at = Instant::now();
            loop {
                if let Err(error) = peers.sign().await {
                    tracing::debug!(%error, "cannot tell other servers that this one is alive");
                }
                if Instant::now() >= forgets_at {
                    forgets_at = Instant::now() + FORGOTTEN / 10;
                    // The next one will do it.
                    let _ = peers.store.forget_servers(FORGOTTEN).await;
                }
                let _ = tokio::time::timeout(EVERY, peers.look.notified()).await;
            }
        })))
    }

    async fn sign(&self) -> Result<(), SqlError> {
        match self.store.sign_of_life(&self.entry).await? {
            Signed::Seen => {}
            Signed::Forgotten => self.store.sign_on(&self.entry).await?,
            Signed::Displaced => {
                self.displaced.send_replace(true);
            }
        }
        let known = self.store.known_servers().await?;
        self.known.send_replace(known);
        Ok(())
    }

    /// Waits until another process has come under this server's name, which it must not share.
    pub(crate) async fn displaced(&self) {
        let mut displaced = self.displaced.subscribe();
        // The sender is here: it cannot be gone.
        let _ = displaced.wait_for(|displaced| *displaced).await;
    }

    /// Whether this server and another cannot be on one database, because an executor inside is reached by its own server
    /// only. A server that is dead is in nobody's way: the other one must be seen to live.
    ///
    /// # Errors
    /// [`SqlError`] when the servers cannot be read.
    pub(crate) async fn clash(&self) -> Result<Option<Clash>, SqlError> {
        let first = self.store.known_servers().await?;
        let mut known = first.clone();
        let until = Instant::now() + 4 * EVERY;
        loop {
            let ours = known.servers.iter();
            let ours = ours
                .filter(|it| it.entry.instance == self.entry.instance)
                .map(|it| it.started_at)
                .next();
            // Of two that start at once, the later one gives way.
            let others = known.servers.iter().filter(|it| {
                self.is_other_alive(it) && ours.is_none_or(|ours| it.started_at <= ours)
            });
            let clashes =
                |it: &&KnownServer| self.entry.executor_inside || it.entry.executor_inside;
            let mut clashing = others.filter(clashes).peekable();
            if clashing.peek().is_none() {
                return Ok(None);
            }
            // One that was seen since we look is alive.
            let seen = clashing.find(|other| {
                let mut before = first.servers.iter();
                let before = before.find(|it| it.entry.instance == other.entry.instance);
                before.is_none_or(|before| before.seen_at != other.seen_at)
            });
            if let Some(other) = seen {
                return Ok(Some(match self.entry.executor_inside {
                    true => Clash::Ours(other.clone()),
                    false => Clash::Theirs(other.clone()),
                }));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            tokio::time::sleep(EVERY / 5).await;
            self.store.sign_of_life(&self.entry).await?;
            known = self.store.known_servers().await?;
        }
    }

    fn is_other_alive(&self, server: &KnownServer) -> bool {
        server.entry.instance != self.entry.instance && server.silent_for < SILENCE
    }

    /// What this server says of itself.
    pub(crate) const fn entry(&self) -> &ServerEntry {
        &self.entry
    }

    /// Who leads.
    pub(crate) const fn leading(&self) -> &Arc<Leading> {
        &self.leading
    }

    /// All servers, as they were known a moment ago.
    pub(crate) fn known(&self) -> KnownServers {
        self.known.borrow().clone()
    }

    /// The leader, if it is another: its instance, and where it is reached, if it can be.
    pub(crate) fn leader(&self) -> Option<(String, Option<String>)> {
        let Lead::There { instance, .. } = self.leading.now() else {
            return None;
        };
        let known = self.known.borrow();
        let found = known
            .servers
            .iter()
            .find(|it| it.entry.instance == instance);
        let url = match found {
            Some(found) => found.entry.url.clone(),
            None => {
                // It came since the last look.
                self.look.notify_one();
                None
            }
        };
        Some((instance, url))
    }

    /// Where the others that live are reached.
    pub(crate) fn others(&self) -> Vec<String> {
        let known = self.known.borrow();
        let alive = known.servers.iter().filter(|it| self.is_other_alive(it));
        alive.filter_map(|it| it.entry.url.clone()).collect()
    }

    /// Signs this server off.
    pub(crate) async fn sign_off(&self) {
        // Without it the row goes when it is old.
        let _ = tokio::time::timeout(FAREWELL, self.store.sign_off(&self.entry)).await;
    }
}
