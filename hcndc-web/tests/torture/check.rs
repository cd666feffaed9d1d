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
}

/// What a job wrote down: when it started, and when and how it ended. Microseconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
struct Trace {
    starts: u32,
    started_at: i64,
    end: Option<(i64, i32)>,
}

type Traces = BTreeMap<AttemptId, Trace>;

/// Looks for every rule.
pub(crate) fn rules(site: &Site, asked: &Asked) -> Report {
    let (stored, traces) = found(site);
    look(&stored, &traces, asked);
    Report::of(&stored)
}

/// Sees to it that what breaks a rule would be found, if there is enough that it could be broken by.
pub(crate) fn sight(site: &Site, asked: &Asked) {
    let found = found(site);
    for (what, spoil) in SPOILED {
        let (mut stored, mut traces) = found.clone();
        spoil(&mut stored, &mut traces);
        let seen = catch_unwind(|| look(&stored, &traces, asked)).is_err();
        assert!(seen, "nobody sees that {what}");
    }
}

fn found(site: &Site) -> (Stored, Traces) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stored = runtime.block_on(stored(&site.url));
    (stored, traces(&site.trace()))
}

fn look(stored: &Stored, traces: &Traces, asked: &Asked) {
    every_promise_is_kept(stored, asked);
    nothing_runs_that_is_not_stored_or_twice(stored, traces);
    ends_are_as_jobs_say(stored, traces);
    runs_ended_well(stored);
    limits_hold(stored, traces);
    order_holds(stored, traces);
    fire_times_are_used_once(stored);
    alerts_are_raised_once(stored);
}

type Spoil = fn(&mut Stored, &mut Traces);

/// What each rule forbids, brought about in what was found.
const SPOILED: &[(&str, Spoil)] = &[
    ("an execution is missing", |stored, _| {
        let manual = |it: &ExecutionView| it.row.trigger != TriggerKind::Schedule;
        let at = stored.executions.iter().position(manual).unwrap();
        stored.executions.remove(at);
    }),
    ("an execution failed", |stored, _| {
        stored.executions[0].row.state = ExecutionState::Failed;
    }),
    ("an attempt ran twice", |_, traces| {
        traces.first_entry().unwrap().get_mut().starts = 2;
    }),
    ("an attempt ran that is not stored", |_, traces| {
        traces.insert(AttemptId(u64::MAX), Trace::default());
    }),
    ("a result is made up", |stored, traces| {
        let good = |row: &&AttemptRow| row.state == AttemptState::Succeeded;
        let row = stored.attempts.values().find(good).unwrap();
        traces.get_mut(&row.id).unwrap().end = None;
    }),
    ("a result is wrong", |stored, traces| {
        let good = |row: &&AttemptRow| row.state == AttemptState::Succeeded;
        let row = stored.attempts.values().find(good).unwrap();
        traces.get_mut(&row.id).unwrap().end.as_mut().unwrap().1 = 3;
    }),
    ("a job of the pool takes too long", |stored, traces| {
        let row = stored.attempt_of("x");
        traces.get_mut(&row).unwrap().end.as_mut().unwrap().0 += 3_600_000_000;
    }),
    ("a job starts too early", |stored, traces| {
        let row = stored.attempt_of("join");
        traces.get_mut(&row).unwrap().started_at -= 3_600_000_000;
    }),
    ("a fire time is missing", |stored, _| {
        stored.firings.sort_by_key(|it| it.from);
        stored.firings.remove(1);
    }),
    ("an alert is raised twice", |stored, _| {
        stored.alerts.push(stored.alerts[0].clone());
    }),
    ("an alert is forgotten", |stored, _| {
        let good = |it: &AlertRow| it.event == AlertEvent::ExecutionSucceeded;
        let at = stored.alerts.iter().position(good).unwrap();
        let execution = stored.alerts[at].execution;
        stored
            .alerts
            .retain(|it| !(good(it) && it.execution == execution));
    }),
    ("a fire time is used twice", |stored, _| {
        stored.firings.push(stored.firings[1].clone());
    }),
];

/// Each start that was promised is there, once, and no other.
fn every_promise_is_kept(stored: &Stored, asked: &Asked) {
    let manual = stored.executions.iter();
    let manual = manual.filter(|it| it.row.trigger != TriggerKind::Schedule);
    let there: BTreeSet<ExecutionId> = manual.map(|it| it.row.id).collect();
    let promised: BTreeSet<ExecutionId> = asked.values().map(|id| ExecutionId(*id)).collect();
    assert_eq!(promised.len(), asked.len(), "two keys, one execution");
    assert_eq!(there, promised);
}

fn nothing_runs_that_is_not_stored_or_twice(stored: &Stored, traces: &Traces) {
    for (id, trace) in traces {
        assert!(
            stored.attempts.contains_key(id),
            "attempt {id} is not stored"
        );
        assert_eq!(trace.starts, 1, "attempt {id} ran more than once");
    }
}

/// No result is lost, and none is made up.
fn ends_are_as_jobs_say(stored: &Stored, traces: &Traces) {
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
fn runs_ended_well(stored: &Stored) {
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

fn limits_hold(stored: &Stored, traces: &Traces) {
    let mut executors = BTreeMap::<_, Vec<_>>::new();
    let mut jobs = BTreeMap::<_, Vec<_>>::new();
    let mut pool = Vec::new();
    for (id, trace) in traces {
        let row = &stored.attempts[id];
        let run = &stored.job_runs[&row.job_run];
        let execution = stored.execution(row.execution);
        let (from, to) = interval(row, trace);
        executors
            .entry(row.executor)
            .or_default()
            .push((from, to, row.slots));
        jobs.entry((run.row.job, execution.row.data_date))
            .or_default()
            .push((from, to, 1));
        if run.flow_name == "c" {
            let takes = if run.job_name == "z" { 2 } else { 1 };
            pool.push((from, to, takes));
        }
    }
    for (executor, intervals) in &executors {
        let most = most_at_once(intervals);
        assert!(most <= SLOTS, "{most} slots at once on executor {executor}");
    }
    for ((job, date), intervals) in &jobs {
        let most = most_at_once(intervals);
        assert!(most <= 1, "job {job} ran {most} times at once for {date}");
    }
    let most = most_at_once(&pool);
    assert!(most <= POOL, "{most} slots of the pool at once");
    // One run of flow `c` at once: its jobs of two executions never meet.
    let mut spans = BTreeMap::<ExecutionId, Vec<(i64, i64)>>::new();
    for (id, trace) in traces {
        let row = &stored.attempts[id];
        if stored.job_runs[&row.job_run].flow_name == "c" {
            spans
                .entry(row.execution)
                .or_default()
                .push(interval(row, trace));
        }
    }
    let all: Vec<_> = spans
        .iter()
        .flat_map(|(id, its)| its.iter().map(move |it| (*id, *it)))
        .collect();
    for (one, (from, to)) in &all {
        for (other, (start, _)) in &all {
            assert!(
                one == other || start < from || start >= to,
                "flow c ran in executions {one} and {other} at once"
            );
        }
    }
}

/// A job starts after the last of those before it has succeeded.
fn order_holds(stored: &Stored, traces: &Traces) {
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
fn fire_times_are_used_once(stored: &Stored) {
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
fn alerts_are_raised_once(stored: &Stored) {
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
            if !known.contains(&run.row.execution) {
                continue;
            }
            for attempt in store.attempts(run.row.id).await.unwrap() {
                stored.attempts.insert(attempt.id, attempt);
            }
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
