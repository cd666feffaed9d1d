//! A holder: a process that starts jobs, waits for them, and tells whichever executor is there.
//!
//! It is [given](crate::platform::hand_over) what it is found by when it is started. It serves one executor at a time: all that the last one said is done
//! before the next one is listened to.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use hcndc_core::{
    engine::{EndCause, RunOrder},
    id::AttemptId,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader},
    sync::mpsc,
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    HoldEvent, HoldOrder, HolderHello, Jobs, PROTOCOL, Settings, Sink, frames, journal::Journal,
};
use crate::{
    executor::{now, process::until, reaper::Reaper},
    file_log::FileLog,
    ledger::ProcessMark,
    link::end_at,
    platform::{self, Handed, LastCall},
    work::work_if_asked,
};

/// The first argument of a program that is to be a holder.
pub(super) const ARGUMENT: &str = "hcndc-holder";

/// How long a holder without jobs waits for an executor.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between TERM and KILL when the holder itself is told to end.
const LAST_GRACE: Duration = Duration::from_secs(5);

/// Orders that may wait to be carried out.
const ORDERS: usize = 256;

/// Orders and events that share a write to the journal at most.
const TOGETHER: usize = 64;

/// Makes this process a holder of jobs if it was started to be one, or the process of a job that is no command, and returns
/// when that is over; `None` otherwise.
///
/// A program whose executor holds its jobs [beside](crate::executor::SupervisorConfig::holder) calls this first in its
/// `main`, before it has threads, reads arguments or writes to standard output.
#[must_use]
pub fn hold_if_asked() -> Option<ExitCode> {
    if let Some(exit) = work_if_asked() {
        return Some(exit);
    }
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let (journal, program) = (arguments.next()?, arguments.next()?);
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    Some(match hold(journal.into(), program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "a holder of jobs fails");
            ExitCode::FAILURE
        }
    })
}

fn hold(path: PathBuf, program: OsString) -> io::Result<()> {
    let handed = platform::take_over(&path)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(serve(path, handed, program));
    runtime.shutdown_background();
    result
}

async fn serve(path: PathBuf, handed: Handed, program: OsString) -> io::Result<()> {
    let (mut listener, journal) = handed.open()?;
    let (events, mut happened) = mpsc::unbounded_channel();
    let sink: Sink = Arc::new(move |event| {
        // Received as long as we live.
        let _ = events.send(event);
    });
    let mut call = LastCall::watch()?;
    let mut holder = Holder {
        program: program.to_string_lossy().into_owned(),
        journal: Journal::new(path.clone(), journal),
        jobs: None,
        reaper: Reaper::start(true, CancellationToken::new())?,
        sink,
        executor: None,
        then: Vec::new(),
        leaving: false,
        dying: false,
    };
    let mut alone_since = Instant::now();
    while !holder.is_done() {
        let patience = (holder.executor.is_none() && !holder.journal.is_running())
            .then(|| alone_since + PATIENCE);
        tokio::select! {
            accepted = listener.accept(), if holder.executor.is_none() => {
                let (read, write) = accepted?;
                holder.connect(read, write);
            }
            order = next(&mut holder.executor), if holder.executor.is_some() => match order {
                Some(order) => holder.on_order(order),
                None => {
                    holder.executor = None;
                    alone_since = Instant::now();
                }
            },
            Some(event) = happened.recv() => {
                holder.on_event(event);
                alone_since = Instant::now();
            }
            () = call.heard() => holder.die(),
            () = until(patience) => break,
        }
        for _ in 0..TOGETHER {
            if let Ok(event) = happened.try_recv() {
                holder.on_event(event);
                alone_since = Instant::now();
            } else if let Some(order) = holder.waiting_order() {
                holder.on_order(order);
            } else {
                break;
            }
        }
        holder.carry_out();
    }
    if let Some(executor) = holder.executor.take() {
        executor.last_words().await;
    }
    if holder.journal.kept().is_empty() {
        super::journal::remove(&path);
    }
    Ok(())
}

async fn next(executor: &mut Option<Executor>) -> Option<HoldOrder> {
    match executor {
        Some(executor) => executor.orders.recv().await,
        None => None,
    }
}

/// The connection to the executor.
struct Executor {
    orders: mpsc::Receiver<HoldOrder>,
    /// At most a few for each attempt that is held, so it needs no bound; and who holds jobs must not wait.
    events: mpsc::UnboundedSender<HoldEvent>,
    writing: AbortOnDropHandle<()>,
    _reading: AbortOnDropHandle<()>,
}

impl Executor {
    fn new(
        read: impl AsyncRead + Unpin + Send + 'static,
        write: impl AsyncWrite + Unpin + Send + 'static,
    ) -> Self {
        let (gives, orders) = mpsc::channel(ORDERS);
        let (events, says) = mpsc::unbounded_channel();
        Self {
            orders,
            events,
            writing: AbortOnDropHandle::new(tokio::spawn(speak(write, says))),
            _reading: AbortOnDropHandle::new(tokio::spawn(listen(read, gives))),
        }
    }

    async fn last_words(self) {
        drop(self.events);
        let _ = tokio::time::timeout(LAST_GRACE, self.writing).await;
    }
}

async fn listen(from: impl AsyncRead + Unpin, gives: mpsc::Sender<HoldOrder>) {
    let mut from = BufReader::new(from);
    loop {
        match frames::read(&mut from).await {
            Ok(Some(order)) => {
                if gives.send(order).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "an executor is not understood");
                return;
            }
        }
    }
}

async fn speak(mut to: impl AsyncWrite + Unpin, mut says: mpsc::UnboundedReceiver<HoldEvent>) {
    let mut events = Vec::new();
    while says.recv_many(&mut events, frames::TOGETHER).await > 0 {
        if let Err(error) = frames::write(&mut to, &events).await {
            // Its end is noticed by who listens, after all that it said has been done.
            tracing::debug!(%error, "an executor is gone");
            return;
        }
        events.clear();
    }
}

struct Holder {
    program: String,
    journal: Journal,
    /// Once an executor has said how.
    jobs: Option<Jobs>,
    reaper: Arc<Reaper>,
    sink: Sink,
    executor: Option<Executor>,
    /// What is done once the journal has been written.
    then: Vec<Then>,
    /// No other attempts will come.
    leaving: bool,
    /// Told to end, with all that is held.
    dying: bool,
}

enum Then {
    Begin(AttemptId, Begin),
    Say(HoldEvent),
}

enum Begin {
    Run(Box<RunOrder>),
    Bury {
        process: Option<ProcessMark>,
        reason: String,
    },
}

impl Holder {
    fn is_done(&self) -> bool {
        let idle = !self.journal.is_running();
        let unasked = self.executor.is_none() || self.journal.kept().is_empty();
        (self.leaving && idle && unasked) || (self.dying && idle)
    }

    fn connect(
        &mut self,
        read: impl AsyncRead + Unpin + Send + 'static,
        write: impl AsyncWrite + Unpin + Send + 'static,
    ) {
        let executor = Executor::new(read, write);
        let hello = HolderHello {
            protocol: PROTOCOL,
            program: self.program.clone(),
            pid: std::process::id(),
            held: self.journal.kept().clone(),
        };
        let _ = executor.events.send(HoldEvent::Hello(hello));
        self.executor = Some(executor);
        self.leaving = false;
    }

    fn say(&self, event: HoldEvent) {
        if let Some(executor) = &self.executor {
            let _ = executor.events.send(event);
        }
    }

    fn waiting_order(&mut self) -> Option<HoldOrder> {
        self.executor.as_mut()?.orders.try_recv().ok()
    }

    /// Takes an order, to be [carried out](Self::carry_out) with others.
    fn on_order(&mut self, order: HoldOrder) {
        match order {
            HoldOrder::Settings(settings) => {
                self.carry_out();
                self.settle(*settings);
            }
            HoldOrder::Run(order) => self.run(order),
            HoldOrder::Bury {
                attempt,
                process,
                reason,
            } => {
                self.begin(attempt, Begin::Bury { process, reason });
            }
            HoldOrder::Kill { attempt, grace } => {
                self.carry_out();
                if let Some(jobs) = &self.jobs {
                    jobs.kill(attempt, grace);
                }
            }
            HoldOrder::Release { attempt } => self.journal.release(attempt),
            HoldOrder::Leave => self.leaving = true,
        }
    }

    /// Writes down all that was taken, and does then what it asks for. What could not be written down must not be begun, for an
    /// executor that comes later takes what is not there for never begun.
    fn carry_out(&mut self) {
        let written = self.journal.write();
        if let Err(error) = &written {
            tracing::warn!(%error, "cannot write the journal of a holder");
        }
        for then in std::mem::take(&mut self.then) {
            let (attempt, begin) = match then {
                Then::Begin(attempt, begin) => (attempt, begin),
                Then::Say(event) => {
                    self.say(event);
                    continue;
                }
            };
            let reason = match (&written, &mut self.jobs) {
                (Ok(()), Some(jobs)) => {
                    match begin {
                        Begin::Run(order) => jobs.run(order),
                        Begin::Bury { process, reason } => jobs.bury(attempt, process, reason),
                    }
                    continue;
                }
                (Ok(()), None) => "logs cannot be kept".to_owned(),
                (Err(error), _) => format!("cannot write the journal of a holder: {error}"),
            };
            let end = end_at(now(), EndCause::NotStarted(reason));
            (self.sink)(HoldEvent::Ended { attempt, end });
        }
    }

    fn settle(&mut self, settings: Settings) {
        match &mut self.jobs {
            Some(jobs) if jobs.settings().logs == settings.logs => jobs.settle(settings),
            _ => match FileLog::open(&settings.logs).map(FileLog::at_once) {
                Ok(log) => match &mut self.jobs {
                    Some(jobs) => jobs.settle_with_log(settings, log),
                    None => {
                        let (reaper, sink) = (Arc::clone(&self.reaper), Arc::clone(&self.sink));
                        self.jobs = Some(Jobs::new(reaper, log, settings, sink));
                    }
                },
                Err(error) => {
                    tracing::error!(%error, "cannot keep logs");
                    self.jobs = None;
                }
            },
        }
    }

    fn begin(&mut self, attempt: AttemptId, begin: Begin) {
        if !self.journal.kept().contains_key(&attempt) {
            self.journal.begin(attempt);
            self.then.push(Then::Begin(attempt, begin));
        }
    }

    fn run(&mut self, order: Box<RunOrder>) {
        let attempt = order.attempt;
        if !self.dying {
            self.begin(attempt, Begin::Run(order));
        } else if !self.journal.kept().contains_key(&attempt) {
            self.say(HoldEvent::Returned { attempt });
        }
    }

    /// Takes what happened, to be said once it is [written down](Self::carry_out).
    fn on_event(&mut self, mut event: HoldEvent) {
        match &mut event {
            HoldEvent::Hello(_) => {}
            HoldEvent::Started { attempt, process } => self.journal.start(*attempt, *process),
            HoldEvent::Ended { attempt, end } => {
                if self.dying && end.cause == EndCause::Killed {
                    end.cause = EndCause::Lost("what held it was told to end".to_owned());
                }
                if let Some(jobs) = &mut self.jobs {
                    jobs.release(*attempt);
                }
                let durable = self.executor.is_none();
                self.journal.end(*attempt, end.clone(), durable);
            }
            // Before it is said: an executor that does not hear it looks there.
            HoldEvent::Returned { attempt } => {
                if let Some(jobs) = &mut self.jobs {
                    jobs.release(*attempt);
                }
                self.journal.release(*attempt);
            }
        }
        self.then.push(Then::Say(event));
    }

    fn die(&mut self) {
        self.dying = true;
        tracing::info!("told to end, with all that is held");
        let held: Vec<AttemptId> = self.journal.kept().keys().copied().collect();
        if let Some(jobs) = &self.jobs {
            jobs.begin_no_more();
            held.iter()
                .for_each(|attempt| jobs.kill(*attempt, LAST_GRACE));
        }
    }
}

/// Tells one build of a program from another; changes when its file is replaced.
pub(super) fn program_of(path: &Path) -> io::Result<String> {
    Ok(format!(
        "{} {}",
        env!("CARGO_PKG_VERSION"),
        platform::fingerprint(&path.metadata()?)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::{
        hold::journal::{lock, read},
        testing::{order, settings},
    };

    /// A holder with this journal, and what happens to its jobs.
    fn holder(path: &Path, journal: std::fs::File) -> (Holder, mpsc::UnboundedReceiver<HoldEvent>) {
        let (events, happened) = mpsc::unbounded_channel();
        let holder = Holder {
            program: String::new(),
            journal: Journal::new(path.to_owned(), journal),
            jobs: None,
            reaper: Reaper::start(false, CancellationToken::new()).unwrap(),
            sink: Arc::new(move |event| drop(events.send(event))),
            executor: None,
            then: Vec::new(),
            leaving: false,
            dying: false,
        };
        (holder, happened)
    }

    #[tokio::test]
    async fn what_cannot_be_written_down_is_not_begun() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.journal");
        drop(lock(&path).unwrap().unwrap());
        // It cannot be written through this.
        let (mut holder, mut happened) = holder(&path, std::fs::File::open(&path).unwrap());
        holder.on_order(HoldOrder::Settings(Box::new(settings(directory.path()))));
        for id in [1, 2] {
            holder.on_order(HoldOrder::Run(Box::new(order(id, "touch ran"))));
        }
        holder.carry_out();
        for id in [1, 2] {
            let event = happened.recv().await.unwrap();
            let HoldEvent::Ended { attempt, end } = event else {
                panic!("it was begun: {event:?}");
            };
            assert_eq!(attempt, AttemptId(id));
            assert!(matches!(end.cause, EndCause::NotStarted(_)), "{end:?}");
        }
        assert!(!directory.path().join("ran").exists());
    }

    #[tokio::test]
    async fn what_it_did_not_begin_before_it_was_told_to_end_is_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.journal");
        let (mut holder, mut happened) = holder(&path, lock(&path).unwrap().unwrap());
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (read_half, write_half) = tokio::io::split(theirs);
        holder.connect(read_half, write_half);
        let (mut ours, _say) = tokio::io::split(ours);
        let hello = frames::read(&mut ours).await.unwrap();
        assert!(matches!(hello, Some(HoldEvent::Hello(_))));

        holder.on_order(HoldOrder::Settings(Box::new(settings(directory.path()))));
        let run = |id| HoldOrder::Run(Box::new(order(id, "touch ran")));
        holder.on_order(run(1));
        holder.carry_out();
        assert_eq!(read(&path).unwrap().len(), 1);
        // The turn of what was given has not come yet, for nothing else runs on this thread until it waits.
        holder.die();
        holder.on_order(run(2));
        holder.on_event(happened.recv().await.unwrap());
        holder.carry_out();
        for id in [2, 1] {
            let attempt = AttemptId(id);
            let heard: Option<HoldEvent> = frames::read(&mut ours).await.unwrap();
            assert_eq!(heard, Some(HoldEvent::Returned { attempt }));
        }
        assert!(read(&path).unwrap().is_empty() && holder.is_done());
        assert!(!directory.path().join("ran").exists());
    }
}
