//! What executors say.

use hcndc_core::{
    engine::{
        AttemptState, EndCause, Held, HostFigures, Input, JobRunState, Mishap, Rejected, Report,
    },
    id::{AttemptId, ExecutorId},
};

use crate::bed::{Bed, JobWords as _, end, flow, host, job, secs};

fn one_job() -> Bed {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").edit()]);
    bed.start(&["a"]);
    bed
}

#[test]
fn what_ran_cannot_turn_out_not_to_have_started() {
    let mut bed = one_job();
    bed.begin("a/x");
    let (_, attempt) = bed.attempt("a/x");
    bed.finish("a/x", EndCause::NotStarted("no such file".into()));
    // It began, so all that is sure is that nobody knows its end.
    assert_eq!(bed.store.attempts[&attempt].state, AttemptState::Lost);
    assert_eq!(bed.store.attempts[&attempt].message, "no such file");
    assert_eq!(bed.state("a/x"), JobRunState::Failed);
}

fn held(bed: &Bed, name: &str, started: bool, cause: Option<EndCause>) -> Held {
    Held {
        attempt: bed.attempt(name).1,
        started: started.then_some((7, bed.now)),
        end: cause.map(end),
    }
}

#[test]
fn a_job_runs_from_queue_to_end() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").edit()]);
    bed.start(&["a"]);
    bed.said(&[
        "a running",
        "a/x queued",
        "a/x#1 dispatched",
        "a/x dispatched",
        "h: run a/x#1",
    ]);
    bed.begin("a/x");
    bed.said(&["a/x#1 running", "a/x running"]);
    bed.begin("a/x");
    bed.said(&[]);
    bed.succeed("a/x");
    bed.said(&[
        "a/x#1 succeeded",
        "a/x succeeded",
        "a succeeded",
        "a reached 2026-11-21",
        "e1 succeeded",
        "h: ack a/x#1",
    ]);
}

#[test]
fn a_late_report_changes_nothing_and_is_acknowledged() {
    let mut bed = one_job();
    bed.succeed("a/x");
    bed.fail("a/x");
    bed.said(&["h: ack a/x#1"]);
    bed.begin("a/x");
    bed.said(&["h: kill a/x#1"]);
}

#[test]
fn an_executor_is_not_believed_about_attempts_of_others() {
    let mut bed = Bed::new([
        host("h", 1),
        host("i", 1),
        flow("a", &[]),
        job("a/x").on("h").edit(),
    ]);
    bed.start(&["a"]);
    let (other, (_, attempt)) = (bed.host("i"), bed.attempt("a/x"));
    let end = end(EndCause::Exited(0));
    bed.report(other, Report::Finished { attempt, end });
    bed.said(&[]);
    assert_eq!(bed.state("a/x"), JobRunState::Dispatched);
    let (executor, report) = (ExecutorId(99), Report::Heartbeat(HostFigures::default()));
    let refused = bed.try_apply(Input::Report { executor, report });
    assert_eq!(refused, Err(Rejected::UnknownExecutor { executor }));
}

/// As when both reach one and the same process, which must keep what it holds for the right one.
#[test]
fn what_lives_elsewhere_is_neither_killed_nor_forgotten() {
    let mut bed = Bed::new([
        host("h", 1),
        host("i", 1),
        flow("a", &[]),
        job("a/x").on("h").edit(),
    ]);
    bed.start(&["a"]);
    bed.begin("a/x");
    let (other, (_, attempt)) = (bed.host("i"), bed.attempt("a/x"));
    let (running, ended) = (
        held(&bed, "a/x", true, None),
        held(&bed, "a/x", true, Some(EndCause::Exited(0))),
    );
    for held in [running, ended] {
        bed.hello("i", vec![held]);
        bed.said(&[]);
    }
    let (pid, at) = (7, bed.now);
    bed.report(other, Report::Started { attempt, pid, at });
    bed.said(&[]);
    bed.succeed("a/x");
    assert_eq!(bed.state("a/x"), JobRunState::Succeeded);
}

#[test]
fn success_is_what_the_job_calls_success() {
    for (code, state) in [
        (0, JobRunState::Failed),
        (3, JobRunState::Succeeded),
        (4, JobRunState::Succeeded),
        (259, JobRunState::Failed),
        (-253, JobRunState::Failed),
    ] {
        let mut draft = job("a/x");
        draft.success_codes = vec![4, 3];
        let mut bed = Bed::new([host("h", 1), flow("a", &[]), draft.edit()]);
        bed.start(&["a"]);
        bed.finish("a/x", EndCause::Exited(code));
        assert_eq!(bed.state("a/x"), state, "{code}");
        assert_eq!(bed.store.job_runs[&bed.run("a/x")].exit_code, Some(code));
    }
}

#[test]
fn what_a_signal_stands_for_is_told() {
    for (cause, signal, mishap) in [
        (EndCause::Signaled(11), 11, None),
        (EndCause::CoreDumped(11), 11, Some(Mishap::CoreDumped)),
        (EndCause::OutOfMemory, 9, Some(Mishap::OutOfMemory)),
    ] {
        let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").edit()]);
        bed.start(&["a"]);
        let (_, attempt) = bed.attempt("a/x");
        bed.finish("a/x", cause);
        let row = &bed.store.attempts[&attempt];
        assert_eq!((row.signal, row.mishap()), (Some(signal), mishap));
        assert_eq!(bed.state("a/x"), JobRunState::Failed);
    }
}

#[test]
fn each_bad_end_is_told_apart_and_tried_again() {
    for (cause, state) in [
        (EndCause::Exited(1), AttemptState::Failed),
        (EndCause::Signaled(9), AttemptState::Failed),
        (EndCause::CoreDumped(11), AttemptState::Failed),
        (EndCause::OutOfMemory, AttemptState::Failed),
        (EndCause::TimedOut, AttemptState::TimedOut),
        (EndCause::Killed, AttemptState::Killed),
        (EndCause::NotStarted("no".into()), AttemptState::NotStarted),
        (EndCause::Lost("gone".into()), AttemptState::Lost),
    ] {
        let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").retry(1, 5).edit()]);
        bed.start(&["a"]);
        bed.finish("a/x", cause);
        let (_, attempt) = bed.attempt("a/x");
        assert_eq!(bed.store.attempts[&attempt].state, state);
        assert_eq!(bed.state("a/x"), JobRunState::RetryWait);
    }
}

#[test]
fn retries_wait_longer_each_time_up_to_a_cap() {
    let mut draft = job("a/x").retry(4, 10);
    (draft.retry.backoff_permille, draft.retry.cap) = (2000, Some(secs(30)));
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), draft.edit()]);
    bed.start(&["a"]);
    for wait in [10, 20, 30, 30] {
        bed.fail("a/x");
        assert_eq!(bed.engine.next_wakeup(), Some(bed.now.after(secs(wait))));
        bed.pass(secs(wait - 1));
        bed.said(&[]);
        bed.pass(secs(1));
        assert_eq!(bed.state("a/x"), JobRunState::Dispatched);
    }
    bed.fail("a/x");
    assert_eq!(bed.state("a/x"), JobRunState::Failed);
    assert_eq!(bed.engine.next_wakeup(), None);
}

#[test]
fn a_retry_without_delay_follows_at_once() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").retry(1, 0).edit()]);
    bed.start(&["a"]);
    bed.fail("a/x");
    bed.said(&[
        "a/x#1 failed",
        "a/x retry_wait",
        "a/x queued",
        "a/x#2 dispatched",
        "a/x dispatched",
        "h: ack a/x#1",
        "h: run a/x#2",
    ]);
}

#[test]
fn an_executor_that_comes_back_in_time_loses_nothing() {
    let mut bed = one_job();
    bed.begin("a/x");
    bed.disconnect("h");
    bed.said(&[]);
    assert_eq!(bed.engine.next_wakeup(), Some(bed.now.after(secs(60))));
    bed.pass(secs(59));
    let held = held(&bed, "a/x", true, None);
    bed.hello("h", vec![held]);
    bed.said(&[]);
    assert_eq!(bed.engine.next_wakeup(), None);
    bed.succeed("a/x");
    assert_eq!(bed.state("a/x"), JobRunState::Succeeded);
}

#[test]
fn an_executor_that_stays_away_is_given_up() {
    let mut bed = Bed::new([
        host("h", 1),
        host("i", 1),
        flow("a", &[]),
        job("a/x").retry(1, 0).edit(),
    ]);
    bed.start(&["a"]);
    bed.begin("a/x");
    let (lost, first) = bed.attempt("a/x");
    bed.disconnect("h");
    bed.pass(secs(30));
    // A second failure to connect does not make the lease longer.
    bed.disconnect("h");
    bed.pass(secs(30));
    bed.said(&[
        "a/x#1 lost",
        "a/x retry_wait",
        "a/x queued",
        "a/x#2 dispatched",
        "a/x dispatched",
        "i: run a/x#2",
    ]);
    // Its late result is refused, whether it ended or still runs.
    let (started, ended) = (Some((7, bed.now)), Some(end(EndCause::Exited(0))));
    let ended = Held {
        attempt: first,
        started,
        end: ended,
    };
    let running = Held {
        end: None,
        ..ended.clone()
    };
    assert_eq!(lost, bed.host("h"));
    bed.hello("h", vec![ended]);
    bed.said(&["h: ack a/x#1"]);
    bed.hello("h", vec![running]);
    bed.said(&["h: kill a/x#1"]);
    assert_eq!(bed.state("a/x"), JobRunState::Dispatched);
}

/// All that a hello can mean for an attempt: whether it ran, whether its kill was asked, what the executor holds.
#[test]
fn a_hello_settles_what_each_side_knows() {
    type Case = (
        bool,
        bool,
        Option<(bool, Option<EndCause>)>,
        &'static [&'static str],
    );
    let exited = |code| Some(EndCause::Exited(code));
    let cases: [Case; 14] = [
        // Never arrived: once more.
        (false, false, None, &["h: run a/x#1"]),
        (false, false, Some((false, None)), &[]),
        (
            false,
            false,
            Some((true, None)),
            &["a/x#1 running", "a/x running"],
        ),
        (
            false,
            false,
            Some((true, exited(0))),
            &[
                "a/x#1 running",
                "a/x running",
                "a/x#1 succeeded",
                "a/x succeeded",
                "a succeeded",
                "a reached 2026-11-21",
                "e1 succeeded",
                "h: ack a/x#1",
            ],
        ),
        (
            false,
            false,
            Some((false, Some(EndCause::NotStarted("no".into())))),
            &[
                "a/x#1 not_started",
                "a/x failed",
                "a failed",
                "e1 failed",
                "h: ack a/x#1",
            ],
        ),
        // Ran, and nobody knows more.
        (
            true,
            false,
            None,
            &["a/x#1 lost", "a/x failed", "a failed", "e1 failed"],
        ),
        (true, false, Some((true, None)), &[]),
        (
            true,
            false,
            Some((true, exited(1))),
            &[
                "a/x#1 failed",
                "a/x failed",
                "a failed",
                "e1 failed",
                "h: ack a/x#1",
            ],
        ),
        // To be killed: what never arrived is dead, the rest is told again.
        (
            false,
            true,
            None,
            &["a/x#1 killed", "a/x killed", "a stopped", "e1 stopped"],
        ),
        (false, true, Some((false, None)), &["h: kill a/x#1"]),
        (
            false,
            true,
            Some((true, None)),
            &[
                "a/x#1 running, to be killed",
                "a/x running",
                "h: kill a/x#1",
            ],
        ),
        (
            true,
            true,
            None,
            &["a/x#1 lost", "a/x killed", "a stopped", "e1 stopped"],
        ),
        (true, true, Some((true, None)), &["h: kill a/x#1"]),
        (
            true,
            true,
            Some((true, exited(0))),
            &[
                "a/x#1 succeeded",
                "a/x succeeded",
                "a succeeded",
                "e1 stopped",
                "a reached 2026-11-21",
                "h: ack a/x#1",
            ],
        ),
    ];
    for (ran, kill, holds, expected) in cases {
        let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").edit()]);
        let execution = bed.start(&["a"]);
        if ran {
            bed.begin("a/x");
        }
        if kill {
            bed.stop(execution);
        }
        bed.disconnect("h");
        let held: Vec<Held> = holds
            .into_iter()
            .map(|(started, cause)| held(&bed, "a/x", started, cause))
            .collect();
        bed.hello("h", held);
        bed.said(expected);
    }
}

#[test]
fn strangers_that_an_executor_holds_are_ended() {
    let mut bed = one_job();
    bed.succeed("a/x");
    let stranger = |end| Held {
        attempt: AttemptId(999),
        started: None,
        end,
    };
    bed.hello("h", vec![stranger(None)]);
    bed.said(&["h: kill stranger 999"]);
    bed.hello("h", vec![stranger(Some(end(EndCause::Exited(0))))]);
    bed.said(&["h: ack stranger 999"]);
}

#[test]
fn health_is_what_an_executor_last_said() {
    let mut bed = one_job();
    let (host, figures) = (
        bed.host("h"),
        HostFigures {
            cores: 2,
            ..HostFigures::default()
        },
    );
    bed.report(host, Report::Heartbeat(figures.clone()));
    bed.said(&[]);
    let health = bed.engine.executor_health(host).unwrap();
    assert_eq!(
        (health.online, health.slots_used, health.attempts),
        (true, 1, 1)
    );
    assert_eq!(
        (health.figures, health.version.as_deref()),
        (Some(figures), Some("1"))
    );
    bed.disconnect("h");
    let health = bed.engine.executor_health(host).unwrap();
    assert_eq!(
        (health.online, health.trouble.as_deref()),
        (false, Some("broken pipe"))
    );
    assert_eq!(bed.engine.executor_health(ExecutorId(99)), None);
}

#[test]
fn time_never_goes_back() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").retry(1, 5).edit()]);
    bed.now = bed.now.after(secs(100));
    bed.start(&["a"]);
    let start = std::mem::take(&mut bed.now);
    bed.fail("a/x");
    assert_eq!(bed.engine.next_wakeup(), Some(start.after(secs(5))));
}
