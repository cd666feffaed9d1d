//! Jobs held by holders, as the executor sees it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use hcndc_core::{engine::RunOrder, id::AttemptId};
use tokio::{
    io::AsyncRead,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    HoldEvent, HoldOrder, HolderHello, HolderId, Kept, PROTOCOL, Settings, frames,
    holder::{ARGUMENT, program_of},
    journal,
};
use crate::{executor::supervise::Event, ledger::ProcessMark, platform};

/// How long a holder may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Orders that may wait for a holder; beyond that the executor waits, and with it whoever gives orders.
const ORDERS: usize = 256;

/// Why jobs cannot be held by a process of their own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldError {
    /// Its process cannot be started, or not be reached.
    #[error("cannot {what} the process that holds jobs: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// It speaks another protocol.
    #[error(
        "process {pid} holds jobs for version {program:?} of the executor; run that until they have ended"
    )]
    Version {
        /// The process.
        pid: u32,
        /// Its program.
        program: String,
    },
}

fn fault(what: &'static str) -> impl Fn(io::Error) -> HoldError {
    move |source| HoldError::Io { what, source }
}

/// Jobs of the past, as holders and their journals tell of them.
#[derive(Debug, Default)]
pub(in crate::executor) struct Found {
    /// In the hands of holders that live.
    pub(in crate::executor) held: BTreeMap<AttemptId, Kept>,
    /// In the journals of holders that do not.
    pub(in crate::executor) left: BTreeMap<AttemptId, Kept>,
}

/// Holders and what each has.
pub(in crate::executor) struct Beside {
    /// Where sockets and journals are.
    directory: PathBuf,
    /// What holders write of themselves.
    words: PathBuf,
    program: PathBuf,
    /// [`program_of`] it when we were started.
    build: String,
    settings: Settings,
    events: mpsc::UnboundedSender<Event>,
    holders: BTreeMap<HolderId, Holder>,
    last: HolderId,
    /// Which takes what comes.
    current: Option<HolderId>,
    places: BTreeMap<AttemptId, HolderId>,
    /// Journals of holders that are gone, to be taken away once the spool knows what they say.
    read: Vec<PathBuf>,
}

struct Holder {
    journal: PathBuf,
    orders: mpsc::Sender<HoldOrder>,
    writing: AbortOnDropHandle<()>,
    _reading: AbortOnDropHandle<()>,
}

impl Beside {
    /// Finds the holders of the last executor on this directory.
    pub(in crate::executor) async fn open(
        data_dir: &Path,
        program: PathBuf,
        settings: Settings,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<(Self, Found), HoldError> {
        let directory = std::path::absolute(data_dir.join("holders"))
            .and_then(|directory| fs::create_dir_all(&directory).map(|()| directory))
            .map_err(fault("keep a directory for"))?;
        let build = program_of(&program).map_err(fault("find the program of"))?;
        let mut this = Self {
            directory,
            words: data_dir.join("holder.log"),
            program,
            build,
            settings,
            events,
            holders: BTreeMap::new(),
            last: 0,
            current: None,
            places: BTreeMap::new(),
            read: Vec::new(),
        };
        let mut found = Found::default();
        let names = fs::read_dir(&this.directory).map_err(fault("look for"))?;
        let mut journals: Vec<PathBuf> = names.flatten().map(|name| name.path()).collect();
        journals.retain(|path| path.extension().is_some_and(|it| it == "journal"));
        for journal in journals {
            match this.hello(&journal).await? {
                None => {
                    let kept = journal::read(&journal).map_err(fault("read the journal of"))?;
                    found.left.extend(kept);
                    this.read.push(journal);
                }
                Some(hello) => {
                    let id = this.last;
                    this.places
                        .extend(hello.held.keys().map(|attempt| (*attempt, id)));
                    found.held.extend(hello.held);
                    if hello.program == this.build {
                        this.current = Some(id);
                    } else {
                        this.tell(id, HoldOrder::Leave).await;
                    }
                }
            }
        }
        Ok((this, found))
    }

    /// Takes away what is of no use once the executor has written down all that it was told so far.
    pub(in crate::executor) fn tidy(&mut self) {
        self.read.drain(..).for_each(|path| journal::remove(&path));
    }

    /// Connects to the holder with this journal; `None` if it is gone.
    async fn hello(&mut self, journal: &Path) -> Result<Option<HolderHello>, HoldError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if journal::lock(journal).map_err(fault("look for"))?.is_some() {
                return Ok(None);
            }
            match self.connect(journal).await {
                Ok(hello) => return Ok(Some(hello)),
                // One that is just ending still has the lock, and nothing to tell when that goes.
                Err(HoldError::Io { .. }) if Instant::now() < deadline => {
                    sleep(Duration::from_millis(10)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the connection of the holder with this journal, under the next id.
    async fn connect(&mut self, journal: &Path) -> Result<HolderHello, HoldError> {
        let (mut from, mut to) = platform::connect(&journal.with_extension("sock"))
            .await
            .map_err(fault("reach"))?;
        let first = timeout(PATIENCE, frames::read(&mut from))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(fault("hear"))?;
        let Some(HoldEvent::Hello(hello)) = first else {
            return Err(fault("hear")(io::ErrorKind::UnexpectedEof.into()));
        };
        if hello.protocol != PROTOCOL {
            return Err(HoldError::Version {
                pid: hello.pid,
                program: hello.program,
            });
        }
        let (orders, mut given) = mpsc::channel(ORDERS);
        let writing = tokio::spawn(async move {
            while let Some(order) = given.recv().await {
                // Its end is noticed by who reads.
                if frames::write(&mut to, &order).await.is_err() {
                    return;
                }
            }
        });
        self.last += 1;
        let reading = tokio::spawn(listen(self.last, from, self.events.clone()));
        let holder = Holder {
            journal: journal.to_owned(),
            orders,
            writing: AbortOnDropHandle::new(writing),
            _reading: AbortOnDropHandle::new(reading),
        };
        self.holders.insert(self.last, holder);
        let settings = HoldOrder::Settings(Box::new(self.settings.clone()));
        self.tell(self.last, settings).await;
        tracing::info!(
            pid = hello.pid,
            attempts = hello.held.len(),
            "a process holds jobs"
        );
        Ok(hello)
    }

    async fn start(&mut self) -> Result<HolderId, HoldError> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let path = self.directory.join(format!("{name}.journal"));
        let process = self.spawn(&path).map_err(fault("start"));
        let connected = match process {
            Ok(()) => self.connect(&path).await,
            Err(error) => Err(error),
        };
        if let Err(error) = connected {
            journal::remove(&path);
            return Err(error);
        }
        self.current = Some(self.last);
        Ok(self.last)
    }

    fn spawn(&self, path: &Path) -> io::Result<()> {
        let journal =
            journal::lock(path)?.ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))?;
        let words = File::options()
            .create(true)
            .append(true)
            .open(&self.words)?;
        let mut command = Command::new(&self.program);
        command
            .arg(ARGUMENT)
            .arg(path)
            .arg(&self.build)
            .env_remove("HCNDC_EXEC_TOKEN")
            .stderr(Stdio::from(words));
        platform::hand_over(&mut command, &path.with_extension("sock"), journal)?;
        let mut child = tokio::process::Command::from(command).spawn()?;
        // Reaped while we live, and by the system afterwards.
        tokio::spawn(async move { child.wait().await });
        Ok(())
    }

    async fn tell(&self, holder: HolderId, order: HoldOrder) {
        if let Some(holder) = self.holders.get(&holder) {
            // Its end is told by an event, and what it held is looked after then.
            let _ = holder.orders.send(order).await;
        }
    }

    async fn take_on(&mut self, attempt: AttemptId, order: HoldOrder) -> Result<(), HoldError> {
        let holder = match self.current {
            Some(current) => current,
            None => self.start().await?,
        };
        self.places.insert(attempt, holder);
        self.tell(holder, order).await;
        Ok(())
    }

    pub(super) async fn run(&mut self, order: Box<RunOrder>) -> Result<(), HoldError> {
        self.take_on(order.attempt, HoldOrder::Run(order)).await
    }

    pub(super) async fn bury(
        &mut self,
        attempt: AttemptId,
        process: Option<ProcessMark>,
        reason: String,
    ) -> Result<(), HoldError> {
        let order = HoldOrder::Bury {
            attempt,
            process,
            reason,
        };
        self.take_on(attempt, order).await
    }

    pub(super) async fn kill(&self, attempt: AttemptId, grace: Duration) {
        if let Some(holder) = self.places.get(&attempt) {
            self.tell(*holder, HoldOrder::Kill { attempt, grace }).await;
        }
    }

    pub(super) async fn release(&mut self, attempt: AttemptId) {
        if let Some(holder) = self.places.remove(&attempt) {
            self.tell(holder, HoldOrder::Release { attempt }).await;
        }
    }

    pub(super) async fn change(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        for holder in self.holders.keys() {
            let settings = HoldOrder::Settings(Box::new(self.settings.clone()));
            self.tell(*holder, settings).await;
        }
    }

    /// A holder has ended; the attempts that it had, with what its journal tells of them.
    pub(in crate::executor) fn gone(&mut self, holder: HolderId) -> BTreeMap<AttemptId, Kept> {
        if self.current == Some(holder) {
            self.current = None;
        }
        let Some(gone) = self.holders.remove(&holder) else {
            return BTreeMap::new();
        };
        let told = journal::read(&gone.journal).unwrap_or_else(|error| {
            tracing::error!(%error, "cannot read the journal of a holder");
            BTreeMap::new()
        });
        self.read.push(gone.journal);
        let mut had = BTreeMap::new();
        self.places.retain(|attempt, place| {
            if *place == holder {
                had.insert(*attempt, told.get(attempt).cloned().unwrap_or_default());
            }
            *place != holder
        });
        had
    }

    pub(super) async fn leave(self) {
        for holder in self.holders.into_values() {
            let _ = holder.orders.send(HoldOrder::Leave).await;
            drop(holder.orders);
            let _ = timeout(PATIENCE, holder.writing).await;
        }
    }
}

async fn listen(
    holder: HolderId,
    mut from: impl AsyncRead + Unpin,
    events: mpsc::UnboundedSender<Event>,
) {
    loop {
        let event = match frames::read(&mut from).await {
            Ok(Some(event)) => Event::Held(event),
            Ok(None) => Event::HolderGone { holder },
            Err(error) => {
                tracing::error!(%error, "a holder is not understood");
                Event::HolderGone { holder }
            }
        };
        let is_last = matches!(event, Event::HolderGone { .. });
        if events.send(event).is_err() || is_last {
            return;
        }
    }
}
