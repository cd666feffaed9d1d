//! The whole program: a supervisor, its server, and when both end.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Access, BindError, ExecutorServer, StartError, Stop, Supervisor, SupervisorConfig,
    announcement::Announced,
};
use crate::{
    platform::{self, Wish, Wishes},
    token::Token,
};

/// How long connections may take to end after the supervisor has.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Settings of an executor program.
#[derive(Clone, Debug)]
pub struct ExecutorConfig {
    /// Of the part that runs jobs.
    pub supervisor: SupervisorConfig,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What keeps strangers out; if nothing does, only loopback addresses are listened on.
    pub access: Access,
    /// Ends when no scheduler has been connected and no attempt has run for so long; `None` for never. Too short and it
    /// ends while its scheduler restarts, which costs nothing but a new start: no attempt runs then.
    pub exit_when_orphaned: Option<Duration>,
}

impl ExecutorConfig {
    /// An executor for the scheduler of the same host, which starts it, finds it by [`find`](super::find), and may end
    /// and come back while jobs run: on a free loopback port, with a token of its own, and gone ten minutes after it is
    /// needed no more.
    #[must_use]
    pub fn standalone(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            supervisor: SupervisorConfig {
                adopt_orphans: true,
                control_groups: true,
                ..SupervisorConfig::new(data_dir)
            },
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            access: Token::random().into(),
            exit_when_orphaned: Some(Duration::from_secs(600)),
        }
    }
}

/// Why an executor program ended other than it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The supervisor did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// It cannot say where it listens.
    #[error("cannot write {}: {source}", path.display())]
    Announce {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The listener failed.
    #[error("cannot serve: {0}")]
    Serve(#[from] tonic::transport::Error),
}

/// Runs an executor until it is told to stop, or is orphaned for too long.
///
/// Writes where it listens to `executor.json` in its data directory (see [`find`](super::find)).
///
/// # Errors
/// When it cannot start, or its listener fails.
pub async fn run(config: ExecutorConfig, mut stop: watch::Receiver<Stop>) -> Result<(), RunError> {
    let data_dir = config.supervisor.data_dir.clone();
    let server = ExecutorServer::bind(config.listen, config.access.clone()).await?;
    let supervisor = Supervisor::start(config.supervisor).await?;
    let address = server.local_addr();
    let announced =
        Announced::write(&data_dir, address, config.access.token.as_ref()).map_err(|source| {
            RunError::Announce {
                path: data_dir.join("executor.json"),
                source,
            }
        })?;
    tracing::info!(%address, data_dir = %data_dir.display(), "executor listens");

    let closing = CancellationToken::new();
    let mut serving =
        tokio::spawn(server.serve(supervisor.clone(), closing.clone().cancelled_owned()));
    let mut is_leaving = false;
    let served = loop {
        tokio::select! {
            // Once nobody is left to tell us, this branch is off.
            Ok(()) = stop.changed() => supervisor.stop(*stop.borrow_and_update()),
            () = orphaned(&supervisor, config.exit_when_orphaned), if !is_leaving => {
                is_leaving = true;
                tracing::info!("no scheduler and no jobs for too long: the executor ends");
                supervisor.stop(Stop::Drain);
            }
            () = supervisor.stopped() => break None,
            served = &mut serving => break Some(served),
        }
    };
    closing.cancel();
    // Whoever looks for an executor from now on must start another one.
    drop(announced);
    let served = match served {
        Some(served) => served,
        None => match timeout(LAST_WORDS, &mut serving).await {
            Ok(served) => served,
            Err(_) => {
                serving.abort();
                return Ok(());
            }
        },
    };
    // A server that panicked has said so already.
    Ok(served.unwrap_or(Ok(()))?)
}

/// Returns once the supervisor has been orphaned for so long.
async fn orphaned(supervisor: &Supervisor, patience: Option<Duration>) {
    let Some(patience) = patience else {
        return std::future::pending().await;
    };
    let mut status = supervisor.status();
    loop {
        let since = status.borrow_and_update().orphaned_since;
        let changed = match since {
            None => status.changed().await,
            Some(since) => tokio::select! {
                changed = status.changed() => changed,
                () = sleep_until(since + patience) => return,
            },
        };
        if changed.is_err() {
            return std::future::pending().await;
        }
    }
}

/// What signals ask of an executor program: the first TERM or INT lets jobs end, the second kills them; QUIT ends the
/// program and leaves the jobs to the next one; HUP does the same so that this process may become the next one. On Windows Ctrl-C
/// and Ctrl-Break are the first two, and the end of the console, of the user's session and of the system is the third.
#[derive(Debug)]
pub struct Signals {
    /// How to stop, for [`run`].
    pub stop: watch::Receiver<Stop>,
    again: Arc<AtomicBool>,
}

impl Signals {
    /// Listens to them from now on.
    ///
    /// # Errors
    /// When signals cannot be watched.
    pub fn watch() -> io::Result<Self> {
        let mut wishes = Wishes::watch()?;
        let (tell, stop) = watch::channel(Stop::No);
        let again = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&again);
        tokio::spawn(async move {
            let mut how = Stop::No;
            while how != Stop::Abandon {
                how = match wishes.next().await {
                    Wish::Stop => how.firmer(),
                    Wish::Leave => Stop::Abandon,
                    Wish::Again => {
                        asked.store(true, Ordering::Relaxed);
                        Stop::Abandon
                    }
                };
                match how {
                    Stop::No | Stop::Drain => tracing::info!("stopping; waits for running jobs"),
                    Stop::Kill => tracing::info!("killing running jobs"),
                    Stop::Abandon => tracing::info!("stopping; running jobs go on"),
                }
                let _ = tell.send(how);
            }
            // Dropping the sender would look like a wish of its own.
            tell.closed().await;
        });
        Ok(Self { stop, again })
    }

    /// Whether the program should begin again in this process, by what is in its file now.
    #[must_use]
    pub fn wants_another_start(&self) -> bool {
        self.again.load(Ordering::Relaxed)
    }
}

/// Becomes this program, in the same process; returns only if that fails, and always on Windows.
#[must_use]
pub fn begin_again(command: Command) -> io::Error {
    platform::replace_with(command)
}

impl Stop {
    const fn firmer(self) -> Self {
        match self {
            Self::No => Self::Drain,
            Self::Drain | Self::Kill => Self::Kill,
            Self::Abandon => Self::Abandon,
        }
    }
}
