//! Connections to file servers: one to each, kept from look to look.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hcndc_core::{
    id::FileServerId,
    model::{FileServer, FileServerKind},
    port::{FoundFile, Look},
    time::Timestamp,
};

use super::{Entry, LOOK, Place, check, find_at, ftp::Ftp, in_time, s3::S3, sftp::Sftp};
use crate::{connect::settings, vault::Vault};

/// How long a connection is kept that no look uses.
const IDLE: Duration = Duration::from_secs(150);
/// How long it may take to connect and to sign in, where the options do not say.
const CONNECT: u64 = 10;
/// How long a server may think about an answer, where the options do not say.
const ANSWER: u64 = 20;

/// Connections to all file servers.
pub(super) struct Lines {
    vault: Arc<Vault>,
    lines: Mutex<BTreeMap<FileServerId, Arc<Line>>>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

/// The connection to one version of a file server. Looks take turns with it.
struct Line {
    server: Arc<FileServer>,
    kept: tokio::sync::Mutex<Option<Kept>>,
}

/// A connection, and when it was used last.
struct Kept {
    connection: Connection,
    since: Instant,
}

impl Lines {
    pub(super) fn new(vault: Arc<Vault>) -> Self {
        let lines = Mutex::new(BTreeMap::new());
        Self { vault, lines }
    }

    /// The files that fit. A look waits for its turn as long as it may take itself.
    pub(super) async fn find(&self, look: &Look) -> Result<Vec<FoundFile>, String> {
        let server = self.opened(&look.server)?;
        let line = self.line(&server);
        let Ok(mut kept) = tokio::time::timeout(LOOK, line.kept.lock()).await else {
            return Err(format!(
                "earlier looks at this server have taken more than {} s",
                LOOK.as_secs()
            ));
        };
        let found = in_time(LOOK, line.find(&mut kept, look)).await;
        if kept.is_some() {
            drop(kept);
            line.let_go_when_idle();
        }
        found.map_err(|reason| without(reason, &server))
    }

    /// What a server says of itself, over a connection of its own.
    pub(super) async fn try_out(&self, server: &FileServer) -> Result<String, String> {
        let server = self.opened(server)?;
        let connected = in_time(LOOK, Connection::open(&server)).await;
        let told = connected.map(|connection| connection.greeting());
        told.map_err(|reason| without(reason, &server))
    }

    /// A file server with its password as it is.
    fn opened(&self, server: &FileServer) -> Result<Arc<FileServer>, String> {
        let password = self.vault.open(&server.password);
        let password = password.map_err(|error| error.to_string())?;
        let server = server.clone();
        Ok(Arc::new(FileServer { password, ..server }))
    }

    /// The connection to a server as it is now; that to an earlier version of it is let go.
    fn line(&self, server: &Arc<FileServer>) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lines.get(&server.id);
        if let Some(line) = known.filter(|line| line.server == *server) {
            return Arc::clone(line);
        }
        let line = Arc::new(Line {
            server: Arc::clone(server),
            kept: tokio::sync::Mutex::new(None),
        });
        lines.insert(server.id, Arc::clone(&line));
        line
    }
}

impl Line {
    /// Looks over the connection that is kept. One that is not there, or breaks now, is made anew: that shows whether the server
    /// is there. A look that is given up in the middle takes its connection with it.
    async fn find(&self, kept: &mut Option<Kept>, look: &Look) -> Result<Vec<FoundFile>, String> {
        if let Some(Kept { mut connection, .. }) = kept.take() {
            let found = find_at(&mut connection, look).await;
            if !connection.is_broken() {
                *kept = Some(Kept::now(connection));
                return found;
            }
        }
        let mut connection = Connection::open(&self.server).await?;
        let found = find_at(&mut connection, look).await;
        if !connection.is_broken() {
            *kept = Some(Kept::now(connection));
        }
        found
    }

    fn let_go_when_idle(self: Arc<Self>) {
        let line = Arc::downgrade(&self);
        tokio::spawn(async move {
            tokio::time::sleep(IDLE).await;
            // Whoever holds it now keeps it for longer, and waits anew.
            if let Some(line) = line.upgrade()
                && let Ok(mut kept) = line.kept.try_lock()
            {
                kept.take_if(|kept| kept.since.elapsed() >= IDLE);
            }
        });
    }
}

impl Kept {
    fn now(connection: Connection) -> Self {
        let since = Instant::now();
        Self { connection, since }
    }
}

/// A connection that has signed in.
enum Connection {
    Sftp(Box<Sftp>),
    Ftp(Box<Ftp>),
    S3(Box<S3>),
}

impl Connection {
    async fn open(server: &FileServer) -> Result<Self, String> {
        let faults = check(server.kind, &server.options);
        if !faults.is_empty() {
            return Err(settings::sentences(&faults));
        }
        // Amazon's own store has none of its own.
        if server.host.is_empty() && server.kind != FileServerKind::S3 {
            return Err("there is no host to connect to".to_owned());
        }
        let within = settings::number(&server.options, "connect_seconds", CONNECT);
        let answer = settings::number(&server.options, "answer_seconds", ANSWER);
        let connecting = async {
            match server.kind {
                FileServerKind::Sftp => {
                    let connected = Sftp::connect(server, answer).await?;
                    Ok(Self::Sftp(Box::new(connected)))
                }
                FileServerKind::Ftp | FileServerKind::Ftps => {
                    let connected = Ftp::connect(server, answer).await?;
                    Ok(Self::Ftp(Box::new(connected)))
                }
                FileServerKind::S3 => {
                    let connected = S3::connect(server, answer).await?;
                    Ok(Self::S3(Box::new(connected)))
                }
                FileServerKind::Local => Err("files of this host need no connection".to_owned()),
            }
        };
        match tokio::time::timeout(Duration::from_secs(within), connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(format!("no connection within {within} s")),
        }
    }

    /// Whether it can be of no further use.
    fn is_broken(&self) -> bool {
        match self {
            Self::Sftp(sftp) => sftp.is_broken(),
            Self::Ftp(ftp) => ftp.is_broken(),
            // Each request stands by itself.
            Self::S3(_) => false,
        }
    }

    /// What the server says of itself.
    fn greeting(&self) -> String {
        match self {
            Self::Sftp(sftp) => sftp.greeting(),
            Self::Ftp(ftp) => ftp.greeting(),
            Self::S3(s3) => s3.greeting(),
        }
    }
}

impl Place for Connection {
    async fn list(&mut self, folder: &str, most: usize) -> Result<Option<Vec<Entry>>, String> {
        match self {
            Self::Sftp(sftp) => sftp.list(folder, most).await,
            Self::Ftp(ftp) => ftp.list(folder, most).await,
            Self::S3(s3) => s3.list(folder, most).await,
        }
    }

    async fn modified(&mut self, path: &str) -> Result<Option<Timestamp>, String> {
        match self {
            Self::Sftp(sftp) => sftp.modified(path).await,
            Self::Ftp(ftp) => ftp.modified(path).await,
            Self::S3(s3) => s3.modified(path).await,
        }
    }
}

/// A reason without the server's password.
fn without(reason: String, server: &FileServer) -> String {
    let secret = server.password.reveal();
    match secret.is_empty() {
        true => reason,
        false => reason.replace(secret, "***"),
    }
}
