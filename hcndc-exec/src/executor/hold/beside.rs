//! Jobs held by holders, as the executor sees it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use hcndc_core::{
    engine::{End, EndCause, RunOrder},
    id::AttemptId,
};
use tokio::{
    io::{AsyncRead, BufReader},
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    HoldEvent, HoldOrder, HolderHello, HolderId, Kept, PROTOCOL, Settings, frames,
    holder::{ARGUMENT, program_of},
    journal,
};
use crate::{
    executor::{now, supervise::Event},
    ledger::ProcessMark,
    link::end_at,
    platform,
};

/// How long a holder may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Orders that may wait for a holder; beyond that the executor waits, and with it whoever gives orders.
const ORDERS: usize = 256;

/// How long a holder that has hung up may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(5);
/// Holders that are given an order, one after another, each of which ends before it begins it: it may be the order.
const HOLDERS: u32 = 3;

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
    /// Orders of which no holder has said yet that it began them.
    given: BTreeMap<AttemptId, Given>,
    /// Those of them that were certainly not begun, and have no holder any more.
    again: BTreeSet<AttemptId>,
    /// Journals of holders that are gone, to be taken away once the spool knows what they say.
    read: Vec<Read>,
}

/// An order on its way.
struct Given {
    order: Box<RunOrder>,
    /// It was to be ended meanwhile.
    is_unwanted: bool,
    /// How many holders it was given to.
    holders: u32,
}

/// The journal of a holder that is gone.
struct Read {
    journal: PathBuf,
    /// What it alone tells to have been begun. Without it they would pass for never begun after a crash of ours, and run twice.
    begun: BTreeSet<AttemptId>,
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
            given: BTreeMap::new(),
            again: BTreeSet::new(),
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
                    let begun = kept.keys().copied().collect();
                    this.read.push(Read { journal, begun });
                    found.left.extend(kept);
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

    /// Takes away what is of no use once the executor has written down all that it was told so far, and these are alive.
    pub(in crate::executor) fn tidy(&mut self, alive: &BTreeSet<AttemptId>) {
        self.read.retain(|read| {
            let is_needed = !read.begun.is_disjoint(alive);
            if !is_needed {
                journal::remove(&read.journal);
            }
            is_needed
        });
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
        let (from, mut to) = platform::connect(&journal.with_extension("sock"))
            .await
            .map_err(fault("reach"))?;
        let mut from = BufReader::new(from);
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
            let mut orders = Vec::new();
            while given.recv_many(&mut orders, frames::TOGETHER).await > 0 {
                // Its end is noticed by who reads.
                if frames::write(&mut to, &orders).await.is_err() {
                    return;
                }
                orders.clear();
            }
        });
        self.last += 1;
        let reading = tokio::spawn(listen(
            self.last,
            journal.to_owned(),
            from,
            self.events.clone(),
        ));
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
        let attempt = order.attempt;
        let given = Given {
            order,
            is_unwanted: false,
            holders: 0,
        };
        self.given.insert(attempt, given);
        self.give(attempt).await
    }

    async fn give(&mut self, attempt: AttemptId) -> Result<(), HoldError> {
        let Some(given) = self.given.get_mut(&attempt) else {
            return Ok(());
        };
        given.holders += 1;
        let order = HoldOrder::Run(given.order.clone());
        let taken = self.take_on(attempt, order).await;
        if taken.is_err() {
            self.given.remove(&attempt);
        }
        taken
    }

    /// Gives to the next holder what the last one certainly did not begin; tells the ends of what is not given any more.
    pub(in crate::executor) async fn give_again(&mut self) -> Vec<(AttemptId, End)> {
        let mut ends = Vec::new();
        while let Some(attempt) = self.again.pop_first() {
            let cause = match self.given.get(&attempt) {
                Some(given) if given.is_unwanted => EndCause::Killed,
                Some(given) if given.holders >= HOLDERS => EndCause::NotStarted(format!(
                    "{HOLDERS} processes that hold jobs were given it, and each ended before it began it"
                )),
                _ => match self.give(attempt).await {
                    Ok(()) => continue,
                    Err(error) => EndCause::NotStarted(error.to_string()),
                },
            };
            self.given.remove(&attempt);
            tracing::warn!(%attempt, ?cause, "an order is not given to another holder");
            ends.push((attempt, end_at(now(), cause)));
        }
        ends
    }

    /// A holder has said this of an attempt.
    pub(in crate::executor) fn hears(&mut self, event: &HoldEvent) {
        match event {
            HoldEvent::Started { attempt, .. } | HoldEvent::Ended { attempt, .. } => {
                self.given.remove(attempt);
            }
            HoldEvent::Hello(_) | HoldEvent::Returned { .. } => {}
        }
    }

    /// A holder that ends has given an attempt back. `false` if its order is not known any more.
    pub(in crate::executor) fn takes_back(&mut self, attempt: AttemptId) -> bool {
        let place = self.places.remove(&attempt);
        // Nothing is begun there any more.
        if place.is_some() && self.current == place {
            self.current = None;
        }
        let given = self.given.get_mut(&attempt);
        if let Some(given) = given {
            // That was no fault of the order.
            given.holders = given.holders.saturating_sub(1);
            self.again.insert(attempt);
            return true;
        }
        false
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

    pub(super) async fn kill(&mut self, attempt: AttemptId, grace: Duration) {
        if let Some(given) = self.given.get_mut(&attempt) {
            given.is_unwanted = true;
        }
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

    /// A holder has hung up; the attempts that it had, with what its journal tells of them. If it `is_dead`, what that does not
    /// tell of was never begun, and is [given again](Self::give_again).
    pub(in crate::executor) fn gone(
        &mut self,
        holder: HolderId,
        is_dead: bool,
    ) -> BTreeMap<AttemptId, Kept> {
        if self.current == Some(holder) {
            self.current = None;
        }
        let Some(gone) = self.holders.remove(&holder) else {
            return BTreeMap::new();
        };
        let (told, is_certain) = match journal::read(&gone.journal) {
            Ok(told) => (told, is_dead),
            Err(error) => {
                tracing::error!(%error, "cannot read the journal of a holder");
                (BTreeMap::new(), false)
            }
        };
        self.read.push(Read {
            journal: gone.journal,
            begun: told.keys().copied().collect(),
        });
        let placed = self.places.extract_if(.., |_, place| *place == holder);
        let mut had = BTreeMap::new();
        for (attempt, _) in placed {
            let kept = told.get(&attempt);
            if is_certain && kept.is_none() && self.given.contains_key(&attempt) {
                self.again.insert(attempt);
                continue;
            }
            self.given.remove(&attempt);
            had.insert(attempt, kept.cloned().unwrap_or_default());
        }
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
    journal: PathBuf,
    mut from: impl AsyncRead + Unpin,
    events: mpsc::UnboundedSender<Event>,
) {
    loop {
        let event = match frames::read(&mut from).await {
            Ok(Some(event)) => Event::Held(event),
            Ok(None) => {
                let is_dead = has_ended(&journal, LAST_BREATH).await;
                Event::HolderGone { holder, is_dead }
            }
            Err(error) => {
                tracing::error!(%error, "a holder is not understood");
                let is_dead = false;
                Event::HolderGone { holder, is_dead }
            }
        };
        let is_last = matches!(event, Event::HolderGone { .. });
        if events.send(event).is_err() || is_last {
            return;
        }
    }
}

/// Whether the process that has this journal ends in time. The end of what it says is not its own end: it may go on, and begin
/// what it was given.
async fn has_ended(journal: &Path, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    loop {
        match journal::lock(journal) {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < deadline => sleep(Duration::from_millis(5)).await,
            Ok(None) => return false,
            Err(error) => {
                tracing::error!(%error, "cannot tell whether a holder has ended");
                return false;
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::executor::testing::{order, settings};
    use tokio::net::UnixListener;

    const ONE: AttemptId = AttemptId(1);

    /// A holder that is given an order, and hangs up.
    struct Given {
        directory: tempfile::TempDir,
        path: PathBuf,
        /// As long as it is there, the holder passes for alive.
        journal: journal::Journal,
        beside: Beside,
        events: mpsc::UnboundedReceiver<Event>,
    }

    async fn given() -> Given {
        let directory = tempfile::tempdir().unwrap();
        let holders = directory.path().join("holders");
        fs::create_dir_all(&holders).unwrap();
        let path = holders.join("a.journal");
        let lock = journal::lock(&path).unwrap().unwrap();
        let listener = UnixListener::bind(path.with_extension("sock")).unwrap();
        let program = std::env::current_exe().unwrap();
        let hello = HolderHello {
            protocol: PROTOCOL,
            program: program_of(&program).unwrap(),
            pid: 1,
            held: BTreeMap::new(),
        };
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let hello = HoldEvent::Hello(hello);
            frames::write(&mut stream, &[hello]).await.unwrap();
            while !matches!(
                frames::read(&mut stream).await.unwrap(),
                Some(HoldOrder::Run(_))
            ) {}
        });
        let (sends, events) = mpsc::unbounded_channel();
        let settings = settings(directory.path());
        let opened = Beside::open(directory.path(), program, settings, sends);
        let (mut beside, _) = opened.await.unwrap();
        beside.run(Box::new(order(1, "true"))).await.unwrap();
        Given {
            directory,
            path: path.clone(),
            journal: journal::Journal::new(path, lock),
            beside,
            events,
        }
    }

    #[tokio::test]
    async fn what_a_dead_holder_has_not_written_down_was_not_begun() {
        let mut it = given().await;
        assert!(!has_ended(&it.path, Duration::ZERO).await);
        drop(it.journal);
        let gone = it.events.recv().await;
        let Some(Event::HolderGone { holder, is_dead }) = gone else {
            panic!("it hangs up, and does not say {gone:?}");
        };
        assert!(is_dead && it.beside.gone(holder, is_dead).is_empty());
        assert_eq!(it.beside.again, BTreeSet::from([ONE]));
    }

    #[tokio::test]
    async fn what_may_have_been_begun_is_not_given_again() {
        // One that hung up and lives.
        let mut it = given().await;
        let had = it.beside.gone(1, false);
        assert_eq!(had, BTreeMap::from([(ONE, Kept::default())]));
        assert!(it.beside.again.is_empty() && it.beside.given.is_empty());

        // One that died with it.
        let mut it = given().await;
        it.journal.begin(ONE);
        it.journal.write().unwrap();
        let had = it.beside.gone(1, true);
        assert_eq!(had, BTreeMap::from([(ONE, Kept::default())]));
        assert!(it.beside.again.is_empty());
        // As long as nothing else tells that it was begun, its journal does.
        it.beside.tidy(&BTreeSet::from([ONE]));
        assert!(it.path.exists());
        it.beside.tidy(&BTreeSet::new());
        assert!(!it.path.exists() && it.directory.path().exists());
    }

    #[tokio::test]
    async fn an_order_that_ends_each_holder_is_given_up() {
        let mut it = given().await;
        it.beside.given.get_mut(&ONE).unwrap().holders = HOLDERS;
        assert!(it.beside.gone(1, true).is_empty());
        let ends = it.beside.give_again().await;
        let is_told = |(attempt, end): &(AttemptId, End)| {
            *attempt == ONE && matches!(end.cause, EndCause::NotStarted(_))
        };
        assert!(ends.len() == 1 && ends.iter().all(is_told), "{ends:?}");
    }
}
