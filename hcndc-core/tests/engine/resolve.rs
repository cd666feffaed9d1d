//! Params whose values queries give.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::{
        AttemptState, EndCause, Hold, Input, JobRunState, ResolveError, ResolveErrorKind,
        ResolveOrder, Start, TriggerKind,
    },
    id::{AttemptId, ParamId},
    model::{
        AlertEvent, AlertRuleDraft, DataSourceDraft, DataSourceKind, Edit, FlowDraft, JobDraft,
        JobParamDraft, Param, ParamKindDraft, Ref, SharedParamDraft, ValueType,
    },
};

use crate::bed::{Bed, JobWords as _, date, end, flow_draft, host, job, secs};

fn named<Id>(name: &str) -> Ref<Id> {
    Ref::Name(name.into())
}

fn source(name: &str) -> Edit {
    DataSourceDraft::new(name, DataSourceKind::Mysql, "db").into()
}

fn query(name: &str, source: &str) -> SharedParamDraft {
    let kind = ParamKindDraft::Sql {
        data_source: named(source),
        query: format!("select {name} where d = '${{date}}'"),
        timeout: secs(30),
        column: Some(name.into()),
        value_type: ValueType::Integer,
    };
    SharedParamDraft::new(name, kind)
}

fn own(name: &str, value: &str) -> Param {
    let (name, value) = (name.into(), value.into());
    Param { name, value }
}

fn asking(name: &str) -> JobDraft {
    let shared = |name| JobParamDraft::Shared {
        shared: named(name),
    };
    JobDraft {
        params: vec![shared("one"), own("mid", "own").into(), shared("two")],
        ..job(name)
    }
}

/// A flow `a` of a job `x` that asks two queries of two data sources, and `y` after it.
fn bed() -> Bed {
    Bed::new([
        host("h", 1),
        Edit::PutFlow(FlowDraft {
            params: vec![own("one", "flow's"), own("zone", "east")],
            ..flow_draft("a", &[])
        }),
        source("s1"),
        source("s2"),
        query("one", "s1").into(),
        query("two", "s2").into(),
        asking("a/x").edit(),
        job("a/y").after("a/x").edit(),
    ])
}

impl Bed {
    fn param(&self, name: &str) -> ParamId {
        self.engine.find_param(name).unwrap().id
    }

    /// What is asked for a job's attempt, which is the last thing that was.
    fn asked(&self, name: &str) -> ResolveOrder {
        let order = self.asked.clone().unwrap();
        assert_eq!(order.attempt, self.attempt(name).1);
        order
    }

    fn answer(&mut self, attempt: AttemptId, values: &[(&str, &str)]) {
        let values = values.iter();
        let values = values.map(|(name, value)| (self.param(name), (*value).to_owned()));
        let result = Ok(values.collect());
        self.apply(Input::Resolved { attempt, result });
    }

    fn refuse(&mut self, attempt: AttemptId, name: &str, kind: ResolveErrorKind) {
        let result = Err(ResolveError {
            param: self.param(name),
            kind,
            reason: "no route".into(),
        });
        self.apply(Input::Resolved { attempt, result });
    }

    fn message(&self, name: &str) -> (AttemptState, &str) {
        let row = &self.store.attempts[&self.attempt(name).1];
        (row.state, &row.message)
    }
}

const BOTH: &[(&str, &str)] = &[("one", "1"), ("two", "2")];

#[test]
fn a_job_begins_once_its_queries_are_answered() {
    let mut bed = bed();
    bed.start(&["a"]);
    bed.said(&[
        "a running",
        "a/x queued",
        "a/x#1 dispatched",
        "a/x dispatched",
        "ask for a/x#1: one two",
    ]);
    let asked = bed.asked("a/x");
    assert_eq!((asked.flow.as_str(), asked.job.as_str()), ("a", "x"));
    assert_eq!(asked.asks[0].query, "select one where d = '${date}'");
    assert_eq!(asked.asks[1].timeout, secs(30));
    assert_eq!(asked.asks[0].column.as_deref(), Some("one"));
    assert_eq!(asked.asks[0].value_type, ValueType::Integer);
    assert_ne!(asked.asks[0].data_source, asked.asks[1].data_source);
    let known = [("mid", "own"), ("zone", "east")];
    let known = known.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(
        asked.values,
        BTreeMap::from(known),
        "what is asked has none"
    );

    bed.answer(asked.attempt, &[("two", "2"), ("one", "1")]);
    bed.said(&["h: run a/x#1"]);
    let order = bed.order.clone().unwrap();
    assert_eq!(
        order.args,
        [own("one", "1"), own("mid", "own"), own("two", "2")]
    );
    assert_eq!(order.values["one"], "1");
    assert_eq!(order.values["two"], "2");
    assert_eq!(bed.holds("a/x"), []);
    bed.begin("a/x");
    bed.succeed("a/x");
    assert_eq!(bed.state("a/y"), JobRunState::Dispatched);
}

#[test]
fn values_that_the_execution_brings_are_not_asked_for() {
    let mut bed = bed();
    let start = |params| {
        Input::Start(Start {
            flows: vec![],
            jobs: None,
            downstream: false,
            data_date: date("2026-11-21"),
            date_format: None,
            params,
            trigger: TriggerKind::Manual,
            by: "ann".into(),
        })
    };
    let flows = vec![bed.flow("a")];
    let Input::Start(given) = start(vec![own("one", "given")]) else {
        unreachable!()
    };
    bed.apply(Input::Start(Start {
        flows: flows.clone(),
        ..given
    }));
    let asked = bed.asked("a/x");
    assert_eq!(asked.asks.len(), 1);
    assert_eq!(asked.values["one"], "given");
    bed.answer(asked.attempt, &[("two", "2")]);
    let order = bed.order.clone().unwrap();
    assert_eq!(
        order.args,
        [own("one", "given"), own("mid", "own"), own("two", "2")]
    );
    bed.succeed("a/x");
    bed.succeed("a/y");

    let Input::Start(given) = start(vec![own("one", "given"), own("two", "too")]) else {
        unreachable!()
    };
    bed.apply(Input::Start(Start { flows, ..given }));
    assert_eq!(bed.order.clone().unwrap().values["two"], "too");
}

#[test]
fn an_execution_keeps_its_date_format_through_retries_and_restarts() {
    let mut bed = bed();
    let format = Some("%Y%m%d".parse().unwrap());
    bed.apply(Input::Start(Start {
        flows: vec![bed.flow("a")],
        jobs: None,
        downstream: false,
        data_date: date("2026-11-21"),
        date_format: format.clone(),
        params: vec![],
        trigger: TriggerKind::Manual,
        by: "ann".into(),
    }));
    let execution = bed.started();
    assert_eq!(bed.store.executions[&execution].date_format, format);
    let go = |bed: &mut Bed| {
        let asked = bed.asked("a/x");
        assert_eq!(asked.date_format, format);
        bed.answer(asked.attempt, BOTH);
        assert_eq!(bed.order.clone().unwrap().date_format, format);
    };
    go(&mut bed);
    bed.fail("a/x");
    bed.resume(execution);
    go(&mut bed);
    bed.succeed("a/x");
    assert_eq!(bed.order.clone().unwrap().date_format, format);
    bed.succeed("a/y");
    bed.rerun(execution, &["a/x"]);
    go(&mut bed);
    bed.stop(execution);
    bed.fail("a/x");
    bed.reset(execution);
    go(&mut bed);

    bed.start(&["a"]);
    assert_eq!(bed.store.executions[&bed.started()].date_format, None);
}

#[test]
fn an_attempt_whose_query_fails_is_not_started_and_retried_by_its_policy() {
    for kind in ResolveErrorKind::ALL {
        let mut bed = bed();
        bed.edit([JobDraft {
            id: Some(bed.job("a/x")),
            ..asking("a/x").retry(1, 5)
        }
        .edit()]);
        bed.start(&["a"]);
        let first = bed.asked("a/x").attempt;
        bed.refuse(first, "two", *kind);
        bed.said(&["a/x#1 not_started", "a/x retry_wait"]);
        let why = format!("param two: {kind}: no route");
        assert_eq!(bed.message("a/x"), (AttemptState::NotStarted, why.as_str()));
        bed.answer(first, BOTH);
        bed.said(&[]);

        bed.pass(secs(5));
        bed.said(&[
            "a/x queued",
            "a/x#2 dispatched",
            "a/x dispatched",
            "ask for a/x#2: one two",
        ]);
        let second = bed.asked("a/x").attempt;
        bed.refuse(second, "one", *kind);
        assert_eq!(bed.state("a/x"), JobRunState::Failed);
        assert_eq!(bed.state("a/y"), JobRunState::UpstreamFailed);
    }
}

#[test]
fn an_answer_that_leaves_a_param_out_is_an_error_and_one_too_many_is_none() {
    let mut bed = bed();
    bed.edit([query("more", "s1").into()]);
    bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    bed.answer(attempt, &[("one", "1"), ("more", "3")]);
    let why = "param two: the answer leaves it out: there are only values of others";
    assert_eq!(bed.message("a/x"), (AttemptState::NotStarted, why));

    let mut bed = self::bed();
    bed.edit([query("more", "s1").into()]);
    bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    bed.answer(attempt, &[("one", "1"), ("two", "2"), ("more", "3")]);
    bed.said(&["h: run a/x#1"]);
    assert!(!bed.order.clone().unwrap().values.contains_key("more"));
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut bed = bed();
    bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    bed.answer(attempt, BOTH);
    bed.said(&["h: run a/x#1"]);
    let before = bed.engine.snapshot();
    for attempt in [attempt, AttemptId(9_999)] {
        bed.answer(attempt, BOTH);
        bed.said(&[]);
        bed.refuse(attempt, "one", ResolveErrorKind::Unreachable);
        bed.said(&[]);
    }
    bed.begin("a/x");
    bed.refuse(attempt, "one", ResolveErrorKind::Other);
    bed.said(&[]);
    assert_eq!(bed.state("a/x"), JobRunState::Running);
    bed.succeed("a/x");
    bed.answer(attempt, BOTH);
    bed.said(&[]);
    assert_ne!(bed.engine.snapshot(), before);
}

#[test]
fn a_kill_ends_what_waits_for_values_at_once() {
    let mut bed = bed();
    bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    let (job_run, by) = (bed.run("a/x"), "bob".into());
    bed.apply(Input::Kill { job_run, by });
    bed.said(&[
        "a/x#1 killed",
        "a/x killed",
        "a/y upstream_failed",
        "a failed",
        "e1 failed",
    ]);
    bed.answer(attempt, BOTH);
    bed.said(&[]);
}

#[test]
fn a_stop_ends_what_waits_for_values_at_once() {
    let mut bed = bed();
    let execution = bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    bed.stop(execution);
    bed.said(&[
        "e1 stopping",
        "a/x#1 killed",
        "a/x killed",
        "a stopped",
        "e1 stopped",
    ]);
    bed.answer(attempt, BOTH);
    bed.said(&[]);
    // The slot is free.
    bed.resume(execution);
    assert_eq!(bed.asked("a/x").attempt, bed.attempt("a/x").1);
}

#[test]
fn the_timeout_of_a_flow_ends_what_waits_for_values() {
    let mut bed = bed();
    bed.edit([Edit::PutFlow(FlowDraft {
        id: Some(bed.flow("a")),
        timeout: Some(secs(60)),
        ..flow_draft("a", &[])
    })]);
    bed.start(&["a"]);
    bed.pass(secs(60));
    assert_eq!(bed.state("a/x"), JobRunState::Killed);
    assert_eq!(bed.message("a/x").0, AttemptState::Killed);
    assert_eq!(bed.engine.load_figures(), (0, 0, 0));
}

#[test]
fn what_waits_on_a_lost_executor_is_lost_with_it() {
    let mut bed = bed();
    bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    bed.disconnect("h");
    bed.pass(secs(60));
    assert_eq!(bed.message("a/x").0, AttemptState::Lost);
    bed.answer(attempt, BOTH);
    bed.said(&[]);
}

#[test]
fn an_executor_that_comes_back_meanwhile_is_told_by_the_answer() {
    let mut bed = bed();
    bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    bed.disconnect("h");
    bed.hello("h", vec![]);
    bed.said(&[]);
    bed.answer(attempt, BOTH);
    bed.said(&["h: run a/x#1"]);
    // That order was lost: its values are gone, so they are asked for anew.
    bed.disconnect("h");
    bed.hello("h", vec![]);
    bed.said(&["ask for a/x#1: one two"]);
    bed.answer(attempt, &[("one", "11"), ("two", "22")]);
    assert_eq!(bed.order.clone().unwrap().values["one"], "11");
}

#[test]
fn after_a_restart_it_is_asked_again_once_the_executor_says_that_it_does_not_hold_it() {
    let mut bed = bed();
    bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    bed.reload();
    // The answer to the scheduler that died.
    bed.answer(attempt, BOTH);
    bed.said(&[]);
    assert_eq!(bed.holds("a/x"), []);
    bed.hello("h", vec![]);
    bed.said(&["ask for a/x#1: one two"]);
    bed.answer(attempt, BOTH);
    bed.said(&["h: run a/x#1"]);
}

#[test]
fn whoever_runs_an_attempt_needs_no_answer_for_it() {
    let mut bed = bed();
    bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    bed.begin("a/x");
    bed.said(&["a/x#1 running", "a/x running"]);
    bed.answer(attempt, BOTH);
    bed.said(&[]);

    let mut bed = self::bed();
    bed.start(&["a"]);
    let (host, attempt) = bed.attempt("a/x");
    let end = end(EndCause::Exited(0));
    let report = hcndc_core::engine::Report::Finished { attempt, end };
    bed.report(host, report);
    assert_eq!(bed.state("a/x"), JobRunState::Succeeded);
    bed.answer(attempt, BOTH);
    bed.said(&[]);
}

#[test]
fn explain_names_the_params_that_are_waited_for() {
    let mut bed = bed();
    bed.start(&["a"]);
    let asked = bed.asked("a/x");
    let names = [("one", "s1"), ("two", "s2")];
    let holds = asked
        .asks
        .iter()
        .zip(names)
        .map(|(ask, (name, source))| Hold::Param {
            param: ask.param,
            name: name.into(),
            data_source: ask.data_source,
            source: source.into(),
        });
    assert_eq!(bed.holds("a/x"), holds.collect::<Vec<_>>());
    assert_eq!(bed.explain("a/x").earliest, None);
}

#[test]
fn params_that_change_meanwhile_keep_the_values_that_were_asked() {
    let mut bed = bed();
    bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    let turned = SharedParamDraft {
        id: Some(bed.param("one")),
        ..SharedParamDraft::new(
            "uno",
            ParamKindDraft::Static {
                value: "new".into(),
            },
        )
    };
    let id = bed.param("one");
    bed.edit([turned.into()]);
    let result = Ok([(id, "1".to_owned()), (bed.param("two"), "2".to_owned())].into());
    bed.apply(Input::Resolved { attempt, result });
    let order = bed.order.clone().unwrap();
    assert_eq!(
        order.args,
        [own("one", "1"), own("mid", "own"), own("two", "2")]
    );
}

#[test]
fn a_paused_execution_lets_what_waits_for_values_begin() {
    let mut bed = bed();
    let execution = bed.start(&["a"]);
    let attempt = bed.asked("a/x").attempt;
    bed.pause(execution);
    bed.answer(attempt, BOTH);
    bed.said(&["h: run a/x#1"]);
}

/// A bed in which everything is retried at once, and people hear of data sources that are down.
fn told() -> Bed {
    let mut bed = bed();
    let rule = AlertRuleDraft::new("all", [AlertEvent::DataSourceDown], []);
    bed.edit([
        AlertRuleDraft {
            default: true,
            ..rule
        }
        .into(),
        JobDraft {
            id: Some(bed.job("a/x")),
            ..asking("a/x").retry(100, 0)
        }
        .edit(),
    ]);
    bed.start(&["a"]);
    bed
}

impl Bed {
    fn fails(&mut self, name: &str, kind: ResolveErrorKind) {
        let attempt = self.asked("a/x").attempt;
        self.refuse(attempt, name, kind);
        self.pass(secs(1));
    }

    fn down(&self) -> Vec<(String, bool)> {
        let alerts = self.store.alerts.values();
        alerts
            .map(|row| {
                assert_eq!(row.event, AlertEvent::DataSourceDown);
                let id = row.data_source.unwrap();
                let mut all = self.engine.other_definitions();
                let source = all.find(|it| it.id() == id.into()).unwrap();
                (source.name().to_owned(), row.lasts)
            })
            .collect()
    }
}

#[test]
fn an_outage_of_a_data_source_is_told_once() {
    use ResolveErrorKind as Kind;
    let mut bed = told();
    let outage = |name: &str, lasts| (name.to_owned(), lasts);
    bed.fails("one", Kind::TimedOut);
    bed.fails("one", Kind::Other);
    assert_eq!(bed.down(), []);
    bed.fails("one", Kind::Unreachable);
    bed.fails("one", Kind::Unreachable);
    bed.fails("one", Kind::TimedOut);
    bed.fails("one", Kind::Unreachable);
    assert_eq!(bed.down(), [outage("s1", true)]);
    bed.fails("two", Kind::Unreachable);
    assert_eq!(bed.down(), [outage("s1", true), outage("s2", true)]);

    // What was told is remembered by the next scheduler, delivered or not.
    let alert = *bed.store.alerts.keys().next().unwrap();
    bed.apply(Input::Notified { alert, error: None });
    bed.reload();
    bed.hello("h", vec![]);
    bed.fails("one", Kind::Unreachable);
    bed.fails("two", Kind::Unreachable);
    assert_eq!(bed.down().len(), 2);

    // One that refuses is there; the other is still down.
    bed.fails("one", Kind::Refused);
    assert_eq!(bed.down(), [outage("s1", false), outage("s2", true)]);
    bed.fails("one", Kind::Unreachable);
    assert_eq!(bed.down().len(), 3);
    let attempt = bed.asked("a/x").attempt;
    bed.answer(attempt, BOTH);
    assert!(bed.down().iter().all(|(_, lasts)| !lasts));
    let causes: std::collections::BTreeSet<_> = bed
        .store
        .alerts
        .values()
        .map(|row| row.cause.clone())
        .collect();
    assert_eq!(causes.len(), 3);
}

#[test]
fn a_rule_that_is_made_during_an_outage_is_told_of_it_too() {
    let mut bed = told();
    bed.fails("one", ResolveErrorKind::Unreachable);
    let rule = AlertRuleDraft::new("late", [AlertEvent::DataSourceDown], []);
    bed.edit([AlertRuleDraft {
        default: true,
        ..rule
    }
    .into()]);
    bed.fails("one", ResolveErrorKind::Unreachable);
    bed.fails("one", ResolveErrorKind::Unreachable);
    let rows: Vec<_> = bed.store.alerts.values().collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].cause, rows[1].cause);
    assert_ne!(rows[0].rule, rows[1].rule);
}

#[test]
fn the_outage_of_a_data_source_that_is_deleted_is_over() {
    let mut bed = told();
    bed.fails("one", ResolveErrorKind::Unreachable);
    let attempt = bed.asked("a/x").attempt;
    let delete = |definition| Edit::Delete {
        definition,
        version: None,
    };
    let (job_run, by) = (bed.run("a/x"), "bob".into());
    bed.apply(Input::Kill { job_run, by });
    let (one, two) = (bed.param("one"), bed.param("two"));
    let source = bed
        .store
        .alerts
        .values()
        .next()
        .unwrap()
        .data_source
        .unwrap();
    let plain = JobDraft {
        id: Some(bed.job("a/x")),
        ..job("a/x")
    };
    bed.edit([
        plain.edit(),
        delete(one.into()),
        delete(two.into()),
        delete(source.into()),
    ]);
    assert!(bed.store.alerts.values().all(|row| !row.lasts));
    let result = Ok(BTreeMap::new());
    bed.apply(Input::Resolved { attempt, result });
}
