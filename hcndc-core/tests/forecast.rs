//! What a forecast says, against the engine that it is a forecast of.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hcndc_core::{
    engine::{
        EditBatch, Effect, End, EndCause, Engine, ExecutionState, Hold, HostTrouble, Input,
        JobRunState, Order, Report, SlotTrouble, Start,
    },
    forecast::{Assumptions, Forecast, Times, forecast},
    id::{AttemptId, ExecutorId, JobId},
    model::{
        Condition, DataSourceDraft, DataSourceKind, DataSourceRef, DependencyDraft, Edit,
        ExecutorDraft, ExecutorRef, FlowDraft, FlowRef, JobDraft, JobParamDraft, JobRef,
        ParamKindDraft, ParamRef, PlacementDraft, Retry, ScheduleDraft, SharedParamDraft,
        TriggerDraft, ValueType,
    },
    time::{DataDate, Timestamp},
    trigger::{
        Timing,
        cron::{Cron, Dialect},
    },
};
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);

fn begin() -> Timestamp {
    "2026-11-21T18:00:00Z".parse().expect("a time")
}

fn after(minutes: u32) -> Timestamp {
    begin().after(MINUTE * minutes)
}

fn job(name: &str, minutes: u32, before: &[&str]) -> JobDraft {
    let mut draft = JobDraft::new(FlowRef::Name("night".into()), name, "true");
    draft.expected = Some(MINUTE * minutes);
    draft.dependencies = before
        .iter()
        .map(|name| {
            let (flow, job) = ("night".to_owned(), (*name).to_owned());
            DependencyDraft::new(JobRef::Name { flow, job }, Condition::Success)
        })
        .collect();
    draft
}

fn hello(engine: &mut Engine) {
    let executors: Vec<_> = engine.executors().map(|it| it.id).collect();
    for executor in executors {
        let (version, held) = ("1".into(), vec![]);
        let report = Report::hello(version, held);
        let input = Input::Report { executor, report };
        engine.apply(begin(), input).expect("it is known");
    }
}

fn engine(slots: u32, jobs: Vec<JobDraft>) -> Engine {
    let mut engine = Engine::default();
    let mut edits = vec![
        Edit::PutExecutor(ExecutorDraft::new("here", "here:1", slots)),
        Edit::PutFlow(FlowDraft::new("night")),
    ];
    edits.extend(jobs.into_iter().map(Edit::PutJob));
    edit(&mut engine, edits);
    hello(&mut engine);
    engine
}

fn edit(engine: &mut Engine, edits: Vec<Edit>) {
    let by = "ann".into();
    let batch = EditBatch { by, edits };
    engine
        .apply(begin(), Input::Edit(batch))
        .expect("it is right");
}

fn start(engine: &Engine) -> Input {
    Input::Start(Start {
        flows: engine.flows().map(|flow| flow.id).collect(),
        jobs: None,
        downstream: false,
        data_date: "2026-11-20".parse().expect("a date"),
        date_format: None,
        params: vec![],
        trigger: hcndc_core::engine::TriggerKind::Manual,
        by: "ann".into(),
    })
}

/// When each job starts and ends, in minutes after the begin.
fn times(found: &Forecast) -> BTreeMap<&str, (Option<u64>, Option<u64>)> {
    let minutes = |at: Option<Timestamp>| at.map(|at| at.since(begin()).as_secs() / 60);
    let runs = found.job_runs.values();
    runs.map(|run| {
        let name = found.jobs[&run.job].as_str();
        (name, (minutes(run.started_at), minutes(run.ended_at)))
    })
    .collect()
}

fn a_day(engine: &Engine) -> Forecast {
    forecast(engine, &Assumptions::until(after(24 * 60))).expect("nothing to refuse")
}

/// What a query would give is not known, and takes no time.
#[test]
fn a_job_that_asks_a_query_is_expected_to_be_answered_at_once() {
    let mut engine = engine(1, vec![job("a", 5, &[])]);
    let kind = ParamKindDraft::Sql {
        data_source: DataSourceRef::Name("source".into()),
        query: "select 1".into(),
        timeout: MINUTE,
        column: None,
        value_type: ValueType::Text,
    };
    let shared = ParamRef::Name("asked".into());
    let mut asking = job("b", 7, &["a"]);
    asking.params = vec![JobParamDraft::Shared { shared }];
    let edits = vec![
        DataSourceDraft::new("source", DataSourceKind::Sqlite, "").into(),
        SharedParamDraft::new("asked", kind).into(),
        Edit::PutJob(asking),
    ];
    edit(&mut engine, edits);
    let input = start(&engine);
    engine.apply(begin(), input).expect("it starts");
    let found = a_day(&engine);
    let expected = [("a", (Some(0), Some(5))), ("b", (Some(5), Some(12)))];
    assert_eq!(times(&found), BTreeMap::from(expected));
}

#[test]
fn jobs_follow_each_other_as_long_as_each_is_expected_to_take() {
    let jobs = vec![job("a", 5, &[]), job("b", 7, &["a"]), job("c", 1, &["a"])];
    let mut engine = engine(4, jobs);
    let input = start(&engine);
    engine.apply(begin(), input).expect("it starts");
    let before = engine.snapshot();
    let found = a_day(&engine);
    let expected = [
        ("a", (Some(0), Some(5))),
        ("b", (Some(5), Some(12))),
        ("c", (Some(5), Some(6))),
    ];
    assert_eq!(times(&found), BTreeMap::from(expected));
    let execution = found.executions.values().next().expect("there is one");
    assert_eq!(execution.state, ExecutionState::Succeeded);
    assert_eq!(execution.ended_at, Some(after(12)));
    // It was a copy that was played.
    assert_eq!(engine.snapshot(), before);
}

#[test]
fn what_waits_for_a_slot_says_so() {
    let mut engine = engine(1, vec![job("a", 5, &[]), job("b", 7, &[])]);
    let input = start(&engine);
    engine.apply(begin(), input).expect("it starts");
    let found = a_day(&engine);
    let expected = [("a", (Some(0), Some(5))), ("b", (Some(5), Some(12)))];
    assert_eq!(times(&found), BTreeMap::from(expected));
    let waiting = found
        .job_runs
        .values()
        .find(|run| run.started_at == Some(after(5)));
    let waiting = waiting.expect("b waits");
    assert_eq!(waiting.queue_time(), MINUTE * 5);
    let full = |hold: &Hold| {
        matches!(
            hold,
            Hold::Executor {
                trouble: HostTrouble::Slots(SlotTrouble::Full { .. }),
                ..
            }
        )
    };
    assert!(waiting.waits.iter().all(full) && waiting.waits.len() == 1);
}

#[test]
fn a_start_to_come_is_played_and_its_waits_are_told() {
    let engine = engine(1, vec![job("a", 5, &[]), job("b", 7, &[])]);
    let mut assumed = Assumptions::until(after(60));
    assumed.inputs = vec![(after(10), start(&engine))];
    let found = forecast(&engine, &assumed).expect("nothing to refuse");
    let expected = [("a", (Some(10), Some(15))), ("b", (Some(15), Some(22)))];
    assert_eq!(times(&found), BTreeMap::from(expected));
    let waits: Vec<usize> = found.job_runs.values().map(|run| run.waits.len()).collect();
    assert_eq!(waits, [0, 1]);
}

#[test]
fn the_horizon_ends_what_is_seen() {
    let engine = engine(1, vec![job("a", 5, &[]), job("b", 7, &["a"])]);
    let mut assumed = Assumptions::until(after(6));
    assumed.inputs = vec![(after(0), start(&engine)), (after(9), start(&engine))];
    let found = forecast(&engine, &assumed).expect("nothing to refuse");
    assert_eq!(times(&found)["b"], (Some(5), None));
    assert_eq!(
        (found.executions.len(), found.until, found.is_cut),
        (1, after(6), false)
    );
    assumed.events = 2;
    let found = forecast(&engine, &assumed).expect("nothing to refuse");
    assert!(found.is_cut && found.until < after(6));
}

#[test]
fn a_job_that_takes_longer_than_it_may_fails_and_is_tried_again() {
    let mut slow = job("slow", 30, &[]);
    slow.timeout = Some(MINUTE * 10);
    slow.retry = Retry {
        max: 1,
        delay: MINUTE,
        ..Retry::default()
    };
    let engine = engine(1, vec![slow]);
    let mut assumed = Assumptions::until(after(600));
    assumed.inputs = vec![(after(0), start(&engine))];
    let found = forecast(&engine, &assumed).expect("nothing to refuse");
    // Ten minutes, one of waiting, ten minutes.
    assert_eq!(times(&found)["slow"], (Some(11), Some(21)));
    let run = found.job_runs.values().next().expect("there is one");
    assert_eq!(run.state, JobRunState::Failed);
}

#[test]
fn given_durations_go_before_expected_ones() {
    let mut plain = job("plain", 0, &[]);
    plain.expected = None;
    let engine = engine(4, vec![job("a", 5, &[]), plain]);
    let mut assumed = Assumptions::until(after(600));
    assumed.inputs = vec![(after(0), start(&engine))];
    let a = engine
        .jobs()
        .find(|job| job.name == "a")
        .expect("it is there")
        .id;
    assumed.durations.insert(a, MINUTE * 9);
    assumed.otherwise = MINUTE * 2;
    let found = forecast(&engine, &assumed).expect("nothing to refuse");
    let expected = [("a", (Some(0), Some(9))), ("plain", (Some(0), Some(2)))];
    assert_eq!(times(&found), BTreeMap::from(expected));
}

#[test]
fn what_runs_already_ends_when_the_rest_of_its_time_is_over() {
    let mut engine = engine(4, vec![job("a", 10, &[]), job("b", 1, &[])]);
    let input = start(&engine);
    engine.apply(begin(), input).expect("it starts");
    engine.apply(after(4), Input::Wake).expect("time passes");
    let found = a_day(&engine);
    assert_eq!(times(&found)["a"], (Some(0), Some(10)));
    // One that is late is taken to end at once.
    assert_eq!(times(&found)["b"], (Some(0), Some(4)));
}

#[test]
fn a_lost_executor_moves_its_work_to_others_after_the_lease() {
    let mut engine = engine(4, vec![job("a", 10, &[])]);
    edit(
        &mut engine,
        vec![Edit::PutExecutor(ExecutorDraft::new("there", "there:1", 1))],
    );
    let here = engine
        .executors()
        .find(|it| it.name == "here")
        .expect("it is there")
        .id;
    let mut pinned = job("pinned", 10, &[]);
    pinned.placement = PlacementDraft::Executor(ExecutorRef::Id(here));
    edit(&mut engine, vec![Edit::PutJob(pinned)]);
    let mut assumed = Assumptions::until(after(600));
    assumed.inputs = vec![(after(1), start(&engine))];
    assumed.lost = BTreeSet::from([here]);
    let found = forecast(&engine, &assumed).expect("nothing to refuse");
    assert_eq!(times(&found)["a"], (Some(1), Some(11)));
    assert_eq!(times(&found)["pinned"], (None, None));
    let run = found.job_runs.values().find(|run| run.started_at.is_none());
    let holds = &run.expect("it never starts").waits;
    assert!(
        matches!(
            holds[..],
            [Hold::Executor {
                trouble: HostTrouble::Offline { .. },
                ..
            }]
        ),
        "{holds:?}"
    );
}

#[test]
fn a_change_of_definitions_is_told_by_what_it_moves() {
    let engine = engine(
        4,
        vec![job("a", 5, &[]), job("b", 7, &["a"]), job("c", 1, &[])],
    );
    let mut assumed = Assumptions::until(after(600));
    assumed.inputs = vec![(after(0), start(&engine))];
    let before = forecast(&engine, &assumed).expect("nothing to refuse");
    let same = before.compare(&before);
    assert!(same.is_empty(), "{same:?}");

    let c = engine
        .jobs()
        .find(|job| job.name == "c")
        .expect("it is there")
        .id;
    let mut longer = job("c", 1, &["b"]);
    longer.id = Some(c);
    assumed.edits = vec![Edit::PutJob(longer), Edit::PutJob(job("d", 2, &[]))];
    let found = before.compare(&forecast(&engine, &assumed).expect("it is right"));
    assert!(!found.is_empty());
    let names = |list: &[hcndc_core::forecast::Moved]| -> Vec<String> {
        list.iter().map(|it| it.job.clone()).collect()
    };
    assert_eq!(
        (
            names(&found.moved),
            names(&found.only_after),
            names(&found.only_before)
        ),
        (vec!["c".into()], vec!["d".into()], vec![])
    );
    assert_eq!(
        found.moved[0].after,
        Some(Times {
            started_at: Some(after(12)),
            ended_at: Some(after(13)),
        })
    );

    let mut unknown = job("e", 1, &[]);
    unknown.flow = FlowRef::Name("nowhere".into());
    assumed.edits = vec![Edit::PutJob(unknown)];
    assert!(forecast(&engine, &assumed).is_err());
}

/// When each job starts and ends for each date.
type Course = BTreeMap<(JobId, DataDate), (Timestamp, Timestamp)>;

/// What comes to pass: the engine itself with executors that take as long as was expected.
fn live(
    mut engine: Engine,
    durations: &BTreeMap<JobId, Duration>,
    first: Input,
    until: Timestamp,
) -> Course {
    let mut ends: BTreeMap<(Timestamp, AttemptId), (ExecutorId, JobId, DataDate, Timestamp)> =
        BTreeMap::new();
    let mut found = BTreeMap::new();
    let mut now = begin();
    let mut input = first;
    loop {
        let step = engine.apply(now, input).expect("it is right");
        for effect in step.effects {
            if let Effect::Tell {
                executor,
                order: Order::Run(order),
            } = effect
            {
                let flow = engine.find_flow(&order.flow).expect("it is there").id;
                let job = engine.find_job(flow, &order.job).expect("it is there").id;
                ends.insert(
                    (now.after(durations[&job]), order.attempt),
                    (executor, job, order.data_date, now),
                );
            }
        }
        let end = ends.first_key_value().map(|(&(at, _), _)| at);
        let wake = engine.next_wakeup();
        // The next of both; of two at once the end.
        let Some(next) = end.into_iter().chain(wake).min().filter(|at| *at <= until) else {
            return found;
        };
        now = next.max(now);
        if end.is_none_or(|end| end > next) {
            input = Input::Wake;
            continue;
        }
        let ((at, attempt), (executor, job, date, started)) = ends.pop_first().expect("one ends");
        found.insert((job, date), (started, at));
        let end = End {
            cause: EndCause::Exited(0),
            started_at: Some(started),
            ended_at: at,
            peak_memory_bytes: 0,
            cpu_time: Duration::ZERO,
            log_bytes: 0,
            outputs: BTreeMap::new(),
        };
        let report = Report::Finished { attempt, end };
        input = Input::Report { executor, report };
    }
}

/// What was foretold of the job runs that end in time.
fn course(found: &Forecast) -> Course {
    let ended = found
        .job_runs
        .values()
        .filter_map(|run| Some((run, run.started_at?, run.ended_at?)));
    ended
        .map(|(run, started, ended)| {
            let execution = found.flow_runs[&run.flow_run].execution;
            let date = found.executions[&execution].data_date;
            ((run.job, date), (started, ended))
        })
        .collect()
}

/// Jobs of one flow, each after about a quarter of those before it.
fn shaped(shape: &[(u32, u32)]) -> Vec<JobDraft> {
    let drafts = shape.iter().enumerate().map(|(at, &(minutes, ties))| {
        let tied = |other: &usize| ties.rotate_left(*other as u32) & 3 == 0;
        let before: Vec<String> = (0..at).filter(tied).map(|at| format!("j{at}")).collect();
        let before: Vec<&str> = before.iter().map(String::as_str).collect();
        job(&format!("j{at}"), minutes, &before)
    });
    drafts.collect()
}

fn expected(engine: &Engine) -> BTreeMap<JobId, Duration> {
    let jobs = engine.jobs();
    jobs.map(|job| (job.id, job.expected.expect("it is given")))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// When everything goes as expected, all comes to pass as it was foretold.
    #[test]
    fn what_was_foretold_comes_to_pass(
        shape in prop::collection::vec((1..10_u32, any::<u32>()), 1..30),
        slots in 1..4_u32,
    ) {
        // All that ends at one moment ends in the same order in both.
        let mut engine = engine(slots, shaped(&shape));
        let input = start(&engine);
        let came = live(engine.clone(), &expected(&engine), input.clone(), after(24 * 60));
        engine.apply(begin(), input).expect("it starts");
        let found = a_day(&engine);
        prop_assert_eq!(came.len(), shape.len());
        prop_assert_eq!(course(&found), came);
    }

    /// So do a week of schedules: one with what is downstream of it, one of a flow that waits for what another schedule
    /// runs, and more to do on some days than there are hours.
    #[test]
    fn a_week_of_schedules_comes_to_pass_as_it_was_foretold(
        shape in prop::collection::vec((1..200_u32, any::<u32>()), 1..12),
        more in prop::collection::vec(1..300_u32, 3),
        hours in prop::collection::vec(0..24_u32, 2),
        slots in 1..4_u32,
        instances in 1..3_u32,
    ) {
        let mut engine = engine(slots, shaped(&shape));
        let mut edits = Vec::new();
        for (name, minutes) in ["below", "beside", "last"].into_iter().zip(more) {
            let mut flow = FlowDraft::new(name);
            match name {
                "below" => flow.parents = vec![FlowRef::Name("night".into())],
                "last" => flow.parents = vec![FlowRef::Name("beside".into())],
                _ => {}
            }
            edits.push(Edit::PutFlow(flow));
            let mut only = JobDraft::new(FlowRef::Name(name.into()), "only", "true");
            only.expected = Some(MINUTE * minutes);
            edits.push(Edit::PutJob(only));
        }
        let daily = |flow: &str, cron: String| {
            let cron = Cron::parse(Dialect::Unix, &cron).expect("an expression");
            let trigger = TriggerDraft::Time(Timing::Cron(cron));
            let mut draft = ScheduleDraft::new(flow, FlowRef::Name(flow.into()), trigger);
            draft.max_instances = instances;
            draft
        };
        let mut night = daily("night", format!("0 {} * * *", hours[0]));
        night.downstream = true;
        let beside = daily("beside", format!("30 {} * * *", hours[1]));
        // It fires before and after what it waits for.
        let last = daily("last", "15 */7 * * *".into());
        edits.extend([night, beside, last].map(Edit::from));
        edit(&mut engine, edits);
        let until = after(7 * 24 * 60);
        let came = live(engine.clone(), &expected(&engine), Input::Wake, until);
        let found = forecast(&engine, &Assumptions::until(until)).expect("nothing to refuse");
        prop_assert!(came.len() >= shape.len());
        prop_assert_eq!(course(&found), came);
    }
}
