//! One attempt from its order to its end.

use std::{sync::Arc, time::Duration};

use hcndc_core::{
    engine::{End, EndCause, RunOrder},
    id::AttemptId,
    model::JobKind,
    port::{LogEntry, LogStore as _, Stream},
    time::Timestamp,
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    capture::{Capture, Pipes},
    census::{Registrar, Tree},
    command::{Prepared, prepare},
    hold::{HoldEvent, Settings, Sink},
    limits::Usage,
    now, process,
    process::{Cleared, clear, until},
    reaper::{Main, Reaper},
};
use crate::{
    file_log::FileLog,
    ledger::ProcessMark,
    link::end_at,
    platform::{self, Exit, Group, Pid, Status},
};

/// How long processes that a job leaves behind may take to end by themselves, as a `tee` does that has yet to write.
const SETTLE: Duration = Duration::from_millis(250);

/// Time between TERM and KILL for processes of an executor that was here before.
const INHERITED_GRACE: Duration = Duration::from_secs(5);

/// What attempts need of whoever holds them.
pub(crate) struct Tools {
    pub(crate) reaper: Arc<Reaper>,
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) log: Arc<FileLog>,
    pub(crate) settings: Settings,
    pub(crate) events: Sink,
    /// Once no attempt is begun any more.
    pub(crate) closed: CancellationToken,
}

impl Tools {
    /// The same but for these.
    pub(crate) fn with(&self, settings: Settings, log: Arc<FileLog>) -> Self {
        Self {
            reaper: Arc::clone(&self.reaper),
            registrar: Arc::clone(&self.registrar),
            log,
            settings,
            events: Arc::clone(&self.events),
            closed: self.closed.clone(),
        }
    }

    fn mark(&self, attempt: AttemptId) -> String {
        let Settings { key, era, .. } = &self.settings;
        format!("{key}-{era}-{attempt}")
    }
}

/// Wishes to end an attempt: the time between TERM and KILL, once there is one.
pub(crate) type Kill = watch::Receiver<Option<Duration>>;

/// Tells the end when it goes out of scope, even if that is by a panic.
struct Report<'a> {
    tools: &'a Tools,
    attempt: AttemptId,
    end: Option<End>,
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        let end = self.end.take().unwrap_or_else(|| {
            let cause = EndCause::Lost("the executor failed while it ran the attempt".to_owned());
            end_at(now(), cause)
        });
        (self.tools.events)(HoldEvent::Ended {
            attempt: self.attempt,
            end,
        });
    }
}

/// Runs an attempt and reports its start and its end, or that it is given back.
pub(crate) async fn run(tools: Arc<Tools>, order: Box<RunOrder>, kill: Kill) {
    if tools.closed.is_cancelled() {
        let attempt = order.attempt;
        return (tools.events)(HoldEvent::Returned { attempt });
    }
    let mut report = Report {
        tools: &tools,
        attempt: order.attempt,
        end: None,
    };
    report.end = Some(run_to_end(&tools, &order, kill).await);
}

async fn run_to_end(tools: &Arc<Tools>, order: &RunOrder, mut kill: Kill) -> End {
    let attempt = order.attempt;
    if kill.borrow_and_update().is_some() {
        return unstarted(tools, attempt, EndCause::Killed).await;
    }
    let started = match prepare(order) {
        Ok(prepared) => start(tools, attempt, &prepared)
            .await
            .map(|started| (prepared, started)),
        Err(error) => Err(error.to_string()),
    };
    let (prepared, (mut main, cgroup)) = match started {
        Ok(started) => started,
        Err(reason) => return unstarted(tools, attempt, EndCause::NotStarted(reason)).await,
    };
    let started_at = now();
    (tools.events)(HoldEvent::Started {
        attempt,
        process: ProcessMark {
            pid: main.pid.0,
            born: main.born,
            at: started_at,
        },
    });
    let log = Arc::clone(&tools.log);
    let cap = tools.settings.log_cap_bytes;
    let capture = Capture::start(log, attempt, pipes(&mut main), cap, prepared.secrets);
    let mut tree = Tree {
        group: Some(main.pid),
        born: main.born,
        mark: tools.mark(attempt),
        cgroup,
        is_ours: true,
    };

    let (exit, cause) = wait(tools, order, &mut main, &mut tree, &mut kill, &capture).await;
    let used = tree.cgroup.as_ref().map(Group::usage).unwrap_or_default();
    let cause = judge(cause, used, &capture).await;
    if let (JobKind::Kettle(run), EndCause::Exited(code)) = (&order.kind, &cause) {
        let meaning = run.tool.meaning(*code);
        let meaning = meaning.unwrap_or("which its manual does not name");
        let tool = run.tool.as_str();
        capture
            .note(format!("{tool} ended with {code}: {meaning}"))
            .await;
    }
    let captured = capture.close().await;
    let (peak, cpu_time) = exit.map_or((0, Duration::ZERO), |exit| {
        (exit.peak_memory_bytes, exit.cpu_time)
    });
    End {
        cause,
        started_at: Some(started_at),
        ended_at: now().max(started_at),
        // The control group has counted those, too, for which nobody has waited.
        peak_memory_bytes: peak.max(used.peak_memory_bytes),
        cpu_time: cpu_time.max(used.cpu_time),
        log_bytes: captured.bytes,
        outputs: captured.outputs,
    }
}

/// Starts the main process, in a control group of its own if the host has such.
async fn start(
    tools: &Tools,
    attempt: AttemptId,
    prepared: &Prepared,
) -> Result<(Main, Option<Group>), String> {
    let mark = tools.mark(attempt);
    let cgroup = match tools.settings.groups.as_ref().map(|it| it.make(&mark)) {
        None => None,
        Some(Ok(cgroup)) => Some(cgroup),
        Some(Err(error)) => return Err(format!("cannot make a control group for it: {error}")),
    };
    process::spawn(
        &tools.reaper,
        prepared,
        &tools.settings,
        &mark,
        cgroup.as_ref(),
    )
    .await
    .map(|main| (main, cgroup))
    .map_err(|error| error.to_string())
}

/// What the system did to the job, in what ended it, and in words.
async fn judge(cause: EndCause, used: Usage, capture: &Capture) -> EndCause {
    if used.refused_processes > 0 {
        let text =
            "it wanted more processes at once than a job may have here; some were not started";
        capture.note(text).await;
    }
    if used.killed_for_memory == 0 {
        return cause;
    }
    let text = "memory was used up, and the system killed processes of the job";
    capture.note(text).await;
    match cause {
        // A shell tells the end of what it waited for in this way.
        EndCause::Signaled(9) | EndCause::Exited(137) => EndCause::OutOfMemory,
        other => other,
    }
}

/// Waits for the main process to end or for a reason to end it; afterwards nothing of its tree is left.
async fn wait(
    tools: &Arc<Tools>,
    order: &RunOrder,
    main: &mut Main,
    tree: &mut Tree,
    kill: &mut Kill,
    capture: &Capture,
) -> (Option<Exit>, EndCause) {
    let deadline = order
        .timeout
        .and_then(|timeout| Instant::now().checked_add(timeout));
    let (cause, grace) = tokio::select! {
        exit = &mut main.exit => {
            let exit = exit.ok();
            leave_nothing(tools, tree, order.grace, kill, capture).await;
            return (exit, cause_of(exit));
        }
        () = until(deadline) => {
            let after = order.timeout.unwrap_or_default();
            capture.note(format!("ended by its timeout of {after:?}")).await;
            (EndCause::TimedOut, order.grace)
        }
        grace = asked(kill) => {
            capture.note("ended because it was asked for").await;
            (EndCause::Killed, grace)
        }
    };
    let cleared = clear_sooner_if_asked(&tools.registrar, tree, grace, kill).await;
    if cleared.killed {
        capture
            .note(format!(
                "it did not end by itself within {grace:?} and was killed"
            ))
            .await;
    }
    note_survivors(cleared, capture).await;
    // Reaped a moment after it ended; never, if the kernel does not let go of it.
    let exit = timeout(Duration::from_secs(5), &mut main.exit)
        .await
        .ok()
        .and_then(Result::ok);
    (exit, cause)
}

/// Ends what a main process that has ended left behind.
async fn leave_nothing(
    tools: &Tools,
    tree: &mut Tree,
    grace: Duration,
    kill: &mut Kill,
    capture: &Capture,
) {
    let left = process::settle(&tools.registrar, tree, SETTLE).await;
    if !left.is_there {
        return;
    }
    if !left.members.is_empty() {
        let pids: Vec<String> = left
            .members
            .iter()
            .map(|seen| seen.pid.to_string())
            .collect();
        capture
            .note(format!(
                "ended with the job, which left them running: processes {}",
                pids.join(", ")
            ))
            .await;
    }
    let cleared = clear_sooner_if_asked(&tools.registrar, tree, grace, kill).await;
    note_survivors(cleared, capture).await;
}

async fn note_survivors(cleared: Cleared, capture: &Capture) {
    if cleared.left > 0 {
        let left = cleared.left;
        capture
            .note(format!(
                "{left} processes cannot be killed and are left behind"
            ))
            .await;
    }
}

/// Like [`clear`]; a wish to end that comes meanwhile with a shorter grace shortens it.
async fn clear_sooner_if_asked(
    registrar: &Arc<Registrar>,
    tree: &mut Tree,
    mut grace: Duration,
    kill: &mut Kill,
) -> Cleared {
    loop {
        let sooner = tokio::select! {
            cleared = clear(registrar, tree, grace) => return cleared,
            sooner = asked(kill) => sooner,
        };
        grace = grace.min(sooner);
    }
}

/// The next wish to end.
async fn asked(kill: &mut Kill) -> Duration {
    loop {
        if kill.changed().await.is_err() {
            // The executor is going away, and this task with it.
            std::future::pending::<()>().await;
        }
        if let Some(grace) = *kill.borrow_and_update() {
            return grace;
        }
    }
}

fn pipes(main: &mut Main) -> Pipes {
    // A pipe that the runtime cannot watch is closed; the job then sees a broken pipe.
    Pipes {
        stdout: main
            .stdout
            .take()
            .and_then(|pipe| tokio::process::ChildStdout::from_std(pipe).ok()),
        stderr: main
            .stderr
            .take()
            .and_then(|pipe| tokio::process::ChildStderr::from_std(pipe).ok()),
    }
}

fn cause_of(exit: Option<Exit>) -> EndCause {
    match exit.map(|exit| exit.status) {
        Some(Status::Exited(code)) => EndCause::Exited(code),
        Some(Status::Signaled {
            signal,
            dumped: false,
        }) => EndCause::Signaled(signal),
        Some(Status::Signaled {
            signal,
            dumped: true,
        }) => EndCause::CoreDumped(signal),
        Some(Status::Unknown) | None => {
            EndCause::Lost("its exit status was taken by another part of the process".to_owned())
        }
    }
}

async fn unstarted(tools: &Tools, attempt: AttemptId, cause: EndCause) -> End {
    if let EndCause::NotStarted(reason) = &cause {
        say_last(&tools.log, attempt, format!("not started: {reason}\n")).await;
    } else {
        say_last(
            &tools.log,
            attempt,
            "ended before it was started\n".to_owned(),
        )
        .await;
    }
    end_at(now(), cause)
}

/// Finishes a log with a line of ours.
async fn say_last(log: &FileLog, attempt: AttemptId, text: String) {
    let entry = LogEntry {
        at: now(),
        stream: Stream::Executor,
        bytes: text.into_bytes(),
    };
    let said = log.append(attempt, &[entry]).await;
    if let Err(error) = said.and(log.finish(attempt).await) {
        tracing::warn!(%attempt, %error, "cannot finish a log");
    }
}

/// Ends what is left of an attempt that is held no more, and reports it lost.
pub(crate) async fn bury(
    tools: Arc<Tools>,
    attempt: AttemptId,
    process: Option<ProcessMark>,
    reason: String,
) {
    let mut report = Report {
        tools: &tools,
        attempt,
        end: None,
    };
    let main = process.and_then(|process| {
        let pid = Pid(process.pid);
        platform::look(pid)
            .filter(|seen| seen.born == process.born)
            .map(|_| pid)
    });
    let mut tree = Tree {
        group: main,
        born: process.map_or(u64::MAX, |process| process.born),
        cgroup: tools
            .settings
            .groups
            .as_ref()
            .and_then(|it| it.find_group(&tools.mark(attempt))),
        mark: tools.mark(attempt),
        is_ours: false,
    };
    let cleared = clear(&tools.registrar, &mut tree, INHERITED_GRACE).await;
    let text = format!(
        "{reason}; {} processes of the job were still there and were ended\n",
        cleared.found
    );
    say_last(&tools.log, attempt, text).await;
    let started_at: Option<Timestamp> = process.map(|process| process.at);
    let mut end = end_at(now(), EndCause::Lost(reason));
    end.started_at = started_at;
    end.ended_at = end.ended_at.max(started_at.unwrap_or(end.ended_at));
    report.end = Some(end);
}
