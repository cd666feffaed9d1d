//! What came of everything: the database is read, and what jobs wrote down, and each rule is looked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    panic::catch_unwind,
};

use hcndc_core::{
    engine::{
        AlertRow, AttemptRow, AttemptState, ExecutionState, FiringOutcome, FiringRow, JobRunState,
        TriggerKind,
    },
    id::{AttemptId, ExecutionId, JobRunId},
    model::AlertEvent,
    port::{
        AlertQuery, Cursor, ExecutionQuery, ExecutionView, FiringQuery, History as _, JobRunQuery,
        JobRunView, PageRequest,
    },
};
use hcndc_store_mysql::SqlStore;

use super::{
    load::Asked,
    site::{EVERY, POOL, SLOTS, Site},
};

/// What was looked at.
pub(crate) struct Report {
    executions: usize,
    job_runs: usize,
    attempts: BTreeMap<AttemptState, usize>,
    fire_times: usize,
}

impl Report {
    fn of(stored: &Stored) -> Self {
        let mut attempts = BTreeMap::new();
        for row in stored.attempts.values() {
            *attempts.entry(row.state).or_default() += 1;
        }
        Self {
            executions: stored.executions.len(),
            job_runs: stored.job_runs.len(),
            attempts,
            fire_times: stored.firings.len(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            executions,
            job_runs,
            attempts,
            fire_times,
        } = self;
        writeln!(
            f,
            "kept: {executions} executions, {job_runs} job runs, {fire_times} fire times, and attempts:"
        )?;
        let attempts = attempts
            .iter()
            .map(|(state, count)| format!("{count} {state}"));
        f.write_str(&attempts.collect::<Vec<_>>().join(", "))
    }
}

/// All that the database holds of runs.
#[derive(Clone)]
struct Stored {
    executions: Vec<ExecutionView>,
    job_runs: BTreeMap<JobRunId, JobRunView>,
    attempts: BTreeMap<AttemptId, AttemptRow>,
    firings: Vec<FiringRow>,
    alerts: Vec<AlertRow>,
    /// Attempts of executions that live still.
    alive: BTreeSet<AttemptId>,
}

/// What a job wrote down: when it started, and when and how it ended. Microseconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
struct Trace {
    starts: u32,
    started_at: i64,
    end: Option<(i64, i32)>,
}

type Traces = BTreeMap<AttemptId, Trace>;

/// What was found of runs, and kept every rule.
pub(crate) struct Found {
    stored: Stored,
    traces: Traces,
}

/// Looks for every rule.
pub(crate) fn rules(site: &Site, asked: &Asked) -> Found {
    // First: whatever runs was stored before.
    let mut traces = traces(&site.trace());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stored = runtime.block_on(stored(&site.url));
    // The schedule goes on meanwhile.
    traces.retain(|id, _| !stored.alive.contains(id));
    for rule in RULES {
        rule(&stored, &traces, asked);
    }
    Found { stored, traces }
}

impl Found {
    pub(crate) fn report(&self) -> Report {
        Report::of(&self.stored)
    }

    /// Sees to it that what breaks a rule would be found, if there is enough that it could be broken by.
    pub(crate) fn sight(&self, asked: &Asked) {
        for (what, rule, spoil) in SPOILED {
            let (mut stored, mut traces) = (self.stored.clone(), self.traces.clone());
            spoil(&mut stored, &mut traces);
            let seen = catch_unwind(|| rule(&stored, &traces, asked)).is_err();
            assert!(seen, "nobody sees that {what}");
        }
    }
}

type Rule = fn(&Stored, &Traces, &Asked);

const RULES: &[Rule] = &[
    every_promise_is_kept,
    nothing_runs_that_is_not_stored_or_twice,
    ends_are_as_jobs_say,
    runs_ended_well,
    executors_are_not_overfilled,
    no_job_runs_beside_itself,
    the_pool_is_not_overfilled,
    flow_c_runs_once_at_a_time,
    order_holds,
    fire_times_are_used_once,
    alerts_are_raised_once,
];

/// Makes an attempt at a job of the pool so many more, at the very same time.
fn repeat(
    stored: &mut Stored,
    traces: &mut Traces,
    times: u32,
    change: impl Fn(AttemptRow) -> AttemptRow,
) {
    let row = stored.attempts[&stored.attempt_of("x")].clone();
    let trace = traces[&row.id];
    for nth in 0..u64::from(times) {
        let id = AttemptId(u64::MAX - nth);
        stored.attempts.insert(id, change(row.clone()));
        traces.insert(id, trace);
    }
}

type Spoil = fn(&mut Stored, &mut Traces);

/// What each rule forbids, brought about in what was found.
const SPOILED: &[(&str, Rule, Spoil)] = &[
    (
        "an executor has more to do than it may",
        executors_are_not_overfilled,
        |stored, traces| repeat(stored, traces, SLOTS, |row| row),
    ),
    (
        "a job runs beside itself",
        no_job_runs_beside_itself,
        |stored, traces| repeat(stored, traces, 1, |row| row),
    ),
    (
        "a flow runs beside itself",
        flow_c_runs_once_at_a_time,
        |stored, traces| {
            let execution = ExecutionId(u64::MAX);
            repeat(stored, traces, 1, |row| AttemptRow { execution, ..row });
        },
    ),
    (
        "an execution is missing",
        every_promise_is_kept,
        |stored, _| {
            let manual = |it: &ExecutionView| it.row.trigger != TriggerKind::Schedule;
            let at = stored.executions.iter().position(manual).unwrap();
            stored.executions.remove(at);
        },
    ),
    ("an execution failed", runs_ended_well, |stored, _| {
        stored.executions[0].row.state = ExecutionState::Failed;
    }),
    (
        "an attempt ran twice",
        nothing_runs_that_is_not_stored_or_twice,
        |_, traces| {
            traces.first_entry().unwrap().get_mut().starts = 2;
        },
    ),
    (
        "an attempt ran that is not stored",
        nothing_runs_that_is_not_stored_or_twice,
        |_, traces| {
            traces.insert(AttemptId(u64::MAX), Trace::default());
        },
    ),
    (
        "a result is made up",
        ends_are_as_jobs_say,
        |stored, traces| {
            let good = |row: &&AttemptRow| row.state == AttemptState::Succeeded;
            let row = stored.attempts.values().find(good).unwrap();
            traces.get_mut(&row.id).unwrap().end = None;
        },
    ),
    (
        "a result is wrong",
        ends_are_as_jobs_say,
        |stored, traces| {
            let good = |row: &&AttemptRow| row.state == AttemptState::Succeeded;
            let row = stored.attempts.values().find(good).unwrap();
            traces.get_mut(&row.id).unwrap().end.as_mut().unwrap().1 = 3;
        },
    ),
    (
        "a pool has more to do than it may",
        the_pool_is_not_overfilled,
        |stored, traces| repeat(stored, traces, POOL, |row| row),
    ),
    ("a job starts too early", order_holds, |stored, traces| {
        let row = stored.attempt_of("join");
        traces.get_mut(&row).unwrap().started_at -= 3_600_000_000;
    }),
    (
        "a fire time is missing",
        fire_times_are_used_once,
        |stored, _| {
            stored.firings.sort_by_key(|it| it.from);
            stored.firings.remove(1);
        },
    ),
    (
        "an alert is raised twice",
        alerts_are_raised_once,
        |stored, _| {
            stored.alerts.push(stored.alerts[0].clone());
        },
    ),
    (
        "an alert is forgotten",
        alerts_are_raised_once,
        |stored, _| {
            let good = |it: &AlertRow| it.event == AlertEvent::ExecutionSucceeded;
            let at = stored.alerts.iter().position(good).unwrap();
            let execution = stored.alerts[at].execution;
            stored
                .alerts
                .retain(|it| !(good(it) && it.execution == execution));
        },
    ),
    (
        "a fire time is used twice",
        fire_times_are_used_once,
        |stored, _| {
            stored.firings.push(stored.firings[1].clone());
        },
    ),
];

/// Each start that was promised is there, once, and no other.
fn every_promise_is_kept(stored: &Stored, _: &Traces, asked: &Asked) {
    let manual = stored.executions.iter();
    let manual = manual.filter(|it| it.row.trigger != TriggerKind::Schedule);
    let there: BTreeSet<ExecutionId> = manual.map(|it| it.row.id).collect();
    let promised: BTreeSet<ExecutionId> = asked.values().map(|id| ExecutionId(*id)).collect();
    assert_eq!(promised.len(), asked.len(), "two keys, one execution");
    assert_eq!(there, promised);
}

fn nothing_runs_that_is_not_stored_or_twice(stored: &Stored, traces: &Traces, _: &Asked) {
    for (id, trace) in traces {
        assert!(
            stored.attempts.contains_key(id),
            "attempt {id} is not stored"
        );
        assert_eq!(trace.starts, 1, "attempt {id} ran more than once");
    }
}

/// No result is lost, and none is made up.
fn ends_are_as_jobs_say(stored: &Stored, traces: &Traces, _: &Asked) {
    for (id, row) in &stored.attempts {
        let end = traces.get(id).and_then(|trace| trace.end);
        let code = end.map(|(_, code)| code);
        match row.state {
            AttemptState::Succeeded => assert_eq!(code, Some(0), "{row:?}"),
            AttemptState::Failed => assert_eq!(code, row.exit_code, "{row:?}"),
            // It may have come to its end at the very moment.
            AttemptState::Killed => assert!(row.kill_asked, "{row:?}"),
            AttemptState::Lost => {}
            AttemptState::NotStarted => assert!(!traces.contains_key(id), "{row:?}"),
            AttemptState::TimedOut | AttemptState::Dispatched | AttemptState::Running => {
                panic!("{row:?}")
            }
        }
    }
}

/// All that was asked for has succeeded in the end, each job by an attempt that did.
fn runs_ended_well(stored: &Stored, _: &Traces, _: &Asked) {
    for execution in &stored.executions {
        assert_eq!(
            execution.row.state,
            ExecutionState::Succeeded,
            "{execution:?}"
        );
    }
    let mut last: BTreeMap<JobRunId, &AttemptRow> = BTreeMap::new();
    for row in stored.attempts.values() {
        let known = last.entry(row.job_run).or_insert(row);
        if row.number > known.number {
            *known = row;
        }
    }
    for (id, run) in &stored.job_runs {
        match run.row.state {
            JobRunState::Succeeded => {
                assert_eq!(last[id].state, AttemptState::Succeeded, "{run:?}");
            }
            // What joins another's run.
            JobRunState::Skipped => assert_eq!(run.flow_name, "tick", "{run:?}"),
            state => panic!("{run:?} is {state}"),
        }
    }
}

/// From when to when an attempt ran, by what it wrote down; what was killed ended when its executor says so.
fn interval(row: &AttemptRow, trace: &Trace) -> (i64, i64) {
    let ended = trace.end.map(|(at, _)| at);
    let ended = ended.or_else(|| row.ended_at.map(|at| at.as_micros()));
    (trace.started_at, ended.unwrap_or(i64::MAX))
}

/// The most that ever ran at once, of intervals that each take something.
fn most_at_once(intervals: &[(i64, i64, u32)]) -> u32 {
    let mut moments: Vec<(i64, i64)> = Vec::new();
    for &(from, to, takes) in intervals {
        moments.push((from, i64::from(takes)));
        moments.push((to.max(from), -i64::from(takes)));
    }
    // What ends at a moment makes room for what starts then.
    moments.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, change) in moments {
        now += change;
        most = most.max(now);
    }
    u32::try_from(most).unwrap()
}

fn executors_are_not_overfilled(stored: &Stored, traces: &Traces, _: &Asked) {
    let mut executors = BTreeMap::<_, Vec<_>>::new();
    for (id, trace) in traces {
        let row = &stored.attempts[id];
        let (from, to) = interval(row, trace);
        let its = executors.entry(row.executor).or_default();
        its.push((from, to, row.slots));
    }
    for (executor, intervals) in &executors {
        let most = most_at_once(intervals);
        assert!(most <= SLOTS, "{most} slots at once on executor {executor}");
    }
}

fn no_job_runs_beside_itself(stored: &Stored, traces: &Traces, _: &Asked) {
    let mut jobs = BTreeMap::<_, Vec<_>>::new();
    for (id, trace) in traces {
        let row = &stored.attempts[id];
        let job = stored.job_runs[&row.job_run].row.job;
        let date = stored.execution(row.execution).row.data_date;
        let (from, to) = interval(row, trace);
        jobs.entry((job, date)).or_default().push((from, to, 1));
    }
    for ((job, date), intervals) in &jobs {
        let most = most_at_once(intervals);
        assert!(most <= 1, "job {job} ran {most} times at once for {date}");
    }
}

/// Attempts at jobs of flow `c`.
fn of_flow_c<'a>(
    stored: &'a Stored,
    traces: &'a Traces,
) -> impl Iterator<Item = (&'a AttemptRow, &'a str, (i64, i64))> {
    traces.iter().filter_map(|(id, trace)| {
        let row = &stored.attempts[id];
        let run = &stored.job_runs[&row.job_run];
        (run.flow_name == "c").then(|| (row, &*run.job_name, interval(row, trace)))
    })
}

fn the_pool_is_not_overfilled(stored: &Stored, traces: &Traces, _: &Asked) {
    let takes = |name| if name == "z" { 2 } else { 1 };
    let its = of_flow_c(stored, traces);
    let its: Vec<_> = its
        .map(|(_, name, (from, to))| (from, to, takes(name)))
        .collect();
    let most = most_at_once(&its);
    assert!(most <= POOL, "{most} slots of the pool at once");
}

fn flow_c_runs_once_at_a_time(stored: &Stored, traces: &Traces, _: &Asked) {
    let all: Vec<_> = of_flow_c(stored, traces).collect();
    for (one, _, (from, to)) in &all {
        for (other, _, (start, _)) in &all {
            let (one, other) = (one.execution, other.execution);
            assert!(
                one == other || start < from || start >= to,
                "flow c ran in executions {one} and {other} at once"
            );
        }
    }
}

/// A job starts after the last of those before it has succeeded.
fn order_holds(stored: &Stored, traces: &Traces, _: &Asked) {
    const BEFORE: &[(&str, &str)] = &[
        ("root", "left"),
        ("root", "right"),
        ("left", "join"),
        ("right", "join"),
        ("one", "two"),
        // All of flow `a` comes before flow `b`.
        ("join", "one"),
    ];
    let mut good = BTreeMap::new();
    for (id, trace) in traces {
        let row = &stored.attempts[id];
        if row.state == AttemptState::Succeeded {
            let name = stored.job_runs[&row.job_run].job_name.clone();
            good.insert((row.execution, name), trace.end.unwrap().0);
        }
    }
    for (id, trace) in traces {
        let row = &stored.attempts[id];
        let name = &stored.job_runs[&row.job_run].job_name;
        for (before, _) in BEFORE.iter().filter(|(_, after)| after == name) {
            let before = (row.execution, (*before).to_owned());
            if let Some(ended) = good.get(&before) {
                assert!(
                    *ended <= trace.started_at,
                    "{name} of execution {} started before {} had ended",
                    row.execution,
                    before.1
                );
            }
        }
    }
}

/// Each time of the schedule was used once, and none was left out.
fn fire_times_are_used_once(stored: &Stored, _: &Traces, _: &Asked) {
    let mut times: Vec<i64> = Vec::new();
    for firing in &stored.firings {
        assert_eq!(firing.from, firing.to, "{firing:?}");
        assert!(
            matches!(
                firing.outcome,
                FiringOutcome::Started { .. } | FiringOutcome::Queued
            ),
            "{firing:?}"
        );
        times.push(firing.from.as_micros());
    }
    times.sort_unstable();
    for pair in times.windows(2) {
        assert_eq!(pair[1] - pair[0], EVERY * 1_000_000, "from {} on", pair[0]);
    }
    let executions = stored.executions.iter();
    let started: Vec<_> = executions.filter_map(|it| it.row.fire_time).collect();
    let once: BTreeSet<_> = started.iter().collect();
    assert_eq!(once.len(), started.len(), "one fire time, two executions");
}

/// Whoever leads raises each alert once for its cause, and none is forgotten.
fn alerts_are_raised_once(stored: &Stored, _: &Traces, _: &Asked) {
    let mut causes = BTreeSet::new();
    let mut told = BTreeSet::new();
    for alert in &stored.alerts {
        let cause = (alert.rule, alert.event, alert.cause.clone());
        assert!(causes.insert(cause), "twice: {alert:?}");
        if alert.event == AlertEvent::ExecutionSucceeded {
            told.extend(alert.execution);
        }
    }
    for execution in &stored.executions {
        let id = execution.row.id;
        assert!(told.contains(&id), "nobody was told of {execution:?}");
    }
}

fn traces(text: &str) -> Traces {
    let mut traces = Traces::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let word = words.next().unwrap();
        let mut number = || words.next().unwrap().parse::<i64>().expect(line);
        let (id, at, code) = (number(), number(), number());
        let trace = traces.entry(AttemptId(id.cast_unsigned())).or_default();
        match word {
            "start" => (trace.starts, trace.started_at) = (trace.starts + 1, at),
            "end" => trace.end = Some((at, i32::try_from(code).unwrap())),
            _ => panic!("{line}"),
        }
    }
    traces
}

impl Stored {
    /// An attempt at a job of this name that succeeded.
    fn attempt_of(&self, job: &str) -> AttemptId {
        let good = |row: &&AttemptRow| {
            row.state == AttemptState::Succeeded && self.job_runs[&row.job_run].job_name == job
        };
        self.attempts.values().find(good).unwrap().id
    }

    fn execution(&self, id: ExecutionId) -> &ExecutionView {
        let found = self.executions.iter().find(|it| it.row.id == id);
        found.unwrap()
    }
}

async fn stored(url: &str) -> Stored {
    let store = SqlStore::connect(url).await.unwrap();
    let mut stored = Stored {
        executions: Vec::new(),
        job_runs: BTreeMap::new(),
        attempts: BTreeMap::new(),
        firings: Vec::new(),
        alerts: Vec::new(),
        alive: BTreeSet::new(),
    };
    let mut after = None;
    loop {
        let query = ExecutionQuery {
            page: page(after),
            ..ExecutionQuery::default()
        };
        let page = store.executions(&query).await.unwrap();
        // What the schedule began since the end is not looked at.
        let ended = page.items.into_iter().filter(|it| it.row.state.is_ended());
        stored.executions.extend(ended);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let known: BTreeSet<_> = stored.executions.iter().map(|it| it.row.id).collect();
    loop {
        let query = JobRunQuery {
            page: page(after),
            ..JobRunQuery::default()
        };
        let page = store.job_runs(&query).await.unwrap();
        for run in page.items {
            let attempts = store.attempts(run.row.id).await.unwrap();
            if !known.contains(&run.row.execution) {
                stored.alive.extend(attempts.iter().map(|it| it.id));
                continue;
            }
            stored
                .attempts
                .extend(attempts.into_iter().map(|it| (it.id, it)));
            stored.job_runs.insert(run.row.id, run);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    loop {
        let query = FiringQuery {
            page: page(after),
            ..FiringQuery::default()
        };
        let page = store.firings(&query).await.unwrap();
        stored.firings.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    loop {
        let query = AlertQuery {
            page: page(after),
            ..AlertQuery::default()
        };
        let page = store.alerts(&query).await.unwrap();
        stored.alerts.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    store.close().await.unwrap();
    stored
}

fn page(after: Option<Cursor>) -> PageRequest {
    PageRequest {
        after,
        limit: 1_000,
        ..PageRequest::default()
    }
}
