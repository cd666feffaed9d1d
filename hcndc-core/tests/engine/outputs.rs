//! Values that jobs put out for others.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{AttemptState, EndCause, Input, JobRunState, Report, Start, TriggerKind},
    model::{
        Condition, DefinitionError as E, Edit, JobDraft, JobParamDraft, JobRef, OutputSourceDraft,
        Param,
    },
};

use crate::bed::{Bed, JobWords as _, date, end, flow, host, job, unknown};

fn named(name: &str) -> JobRef {
    let (flow, job) = name.split_once('/').unwrap();
    JobRef::Name {
        flow: flow.into(),
        job: job.into(),
    }
}

/// The job, with a param that takes an output of another.
fn takes(mut job: JobDraft, param: &str, of: &str, name: &str, default: Option<&str>) -> JobDraft {
    job.params.push(JobParamDraft::Output {
        name: param.into(),
        output: OutputSourceDraft {
            job: named(of),
            name: name.into(),
            default: default.map(Into::into),
        },
    });
    job
}

fn pairs(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = values.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

impl Bed {
    /// A job's attempt ends and has put out this.
    fn put_out(&mut self, name: &str, cause: EndCause, values: &[(&str, &str)]) {
        let (executor, attempt) = self.attempt(name);
        let mut end = end(cause);
        end.outputs = pairs(values);
        self.report(executor, Report::Finished { attempt, end });
    }

    /// The values of the last order, which is for this job.
    fn ordered(&self, name: &str) -> BTreeMap<String, String> {
        let order = self.order.clone().unwrap();
        assert_eq!(order.attempt, self.attempt(name).1, "the last order");
        order.values
    }

    /// Where a job's latest attempt stands, and why.
    fn end_of(&self, name: &str) -> (AttemptState, String) {
        let row = &self.store.attempts[&self.attempt(name).1];
        (row.state, row.message.clone())
    }
}

/// Two flows: `a` with `x`, `y` after it, and `z` after `y`, which takes what `x` puts out; `b` behind `a`.
fn bed() -> Bed {
    Bed::new([
        host("h", 4),
        flow("a", &[]),
        flow("b", &["a"]),
        job("a/x").edit(),
        job("a/y").after("a/x").edit(),
        takes(job("a/z"), "n", "a/x", "rows", None)
            .after("a/y")
            .retry(3, 10)
            .edit(),
        takes(job("b/w"), "rows", "a/x", "rows", Some("none")).edit(),
    ])
}

const DONE: EndCause = EndCause::Exited(0);

#[test]
fn a_job_takes_what_one_far_before_it_has_put_out() {
    let mut bed = bed();
    bed.try_start(&["a", "b"], false).unwrap();
    bed.put_out("a/x", DONE, &[("rows", "12 ${date}"), ("other", "1")]);
    bed.said(&[
        "a/x#1 succeeded",
        "a/x puts out {\"other\": \"1\", \"rows\": \"12 ${date}\"}",
        "a/x succeeded",
        "a/y queued",
        "a/y#1 dispatched",
        "a/y dispatched",
        "h: ack a/x#1",
        "h: run a/y#1",
    ]);
    // Only what somebody reads is held.
    let held = bed.engine.snapshot().executions.remove(0).outputs;
    assert_eq!(held[0].values, pairs(&[("rows", "12 ${date}")]));
    bed.reload();
    bed.hello("h", vec![]);
    bed.succeed("a/y");
    assert_eq!(bed.ordered("a/z"), pairs(&[("n", "12 ${date}")]));
    let order = bed.order.clone().unwrap();
    assert_eq!(order.literal, BTreeSet::from(["n".to_owned()]));
    assert_eq!(order.args[0].value, "12 ${date}");
    bed.succeed("a/z");
    assert_eq!(bed.ordered("b/w"), pairs(&[("rows", "12 ${date}")]));
}

#[test]
fn without_the_value_a_job_fails_at_once_or_takes_its_default() {
    let mut bed = bed();
    bed.try_start(&["a", "b"], false).unwrap();
    bed.put_out("a/x", DONE, &[("other", "1")]);
    bed.succeed("a/y");
    bed.said(&[
        "a/y#1 succeeded",
        "a/y succeeded",
        "a/z queued",
        "a/z#1 dispatched",
        "a/z dispatched",
        "a/z#1 not_started",
        "a/z failed",
        "a failed",
        "e1 failed",
        "h: ack a/y#1",
    ]);
    let why = "param n: job a/x put out no \"rows\"";
    assert_eq!(bed.end_of("a/z"), (AttemptState::NotStarted, why.into()));

    let mut bed = self::bed();
    bed.edit(
        [takes(job("a/z"), "n", "a/x", "rows", Some("0"))
            .after("a/y")
            .edit()]
        .map(|edit| with_id(&bed, edit, "a/z")),
    );
    bed.try_start(&["a", "b"], false).unwrap();
    bed.succeed("a/x");
    bed.succeed("a/y");
    assert_eq!(bed.ordered("a/z"), pairs(&[("n", "0")]));
    bed.succeed("a/z");
    assert_eq!(bed.ordered("b/w"), pairs(&[("rows", "none")]));
}

/// The edit, of a job that is there.
fn with_id(bed: &Bed, edit: Edit, name: &str) -> Edit {
    let Edit::PutJob(mut draft) = edit else {
        unreachable!()
    };
    draft.id = Some(bed.job(name));
    Edit::PutJob(draft)
}

#[test]
fn the_slot_of_a_job_that_cannot_begin_is_free_for_the_next() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").edit(),
        takes(job("a/y"), "n", "a/x", "n", None)
            .after("a/x")
            .first(5)
            .edit(),
        job("a/z").after("a/x").edit(),
        job("a/v").after_end("a/y", Condition::Failure).edit(),
    ]);
    bed.start(&["a"]);
    bed.succeed("a/x");
    assert_eq!(bed.state("a/y"), JobRunState::Failed);
    assert_eq!(bed.state("a/z"), JobRunState::Dispatched);
    assert_eq!(bed.state("a/v"), JobRunState::Queued);
}

#[test]
fn what_did_not_run_has_put_out_nothing() {
    let reader = |of: &str| takes(job("b/r"), "n", of, "n", None);
    let edits = [
        host("h", 4),
        flow("a", &[]),
        flow("b", &[]),
        job("a/off").off().edit(),
        job("a/x").edit(),
        job("a/sad").after("a/x").edit(),
    ];
    let with = |reader: JobDraft| {
        let mut bed = Bed::new(edits.clone());
        bed.edit([reader.edit()]);
        bed
    };
    let mut bed = with(reader("a/off").after("a/off"));
    bed.try_start(&["a", "b"], false).unwrap();
    let why = "param n: job a/off was skipped, so there is no output \"n\"";
    assert_eq!(bed.end_of("b/r"), (AttemptState::NotStarted, why.into()));

    let mut bed = with(reader("a/sad").after_end("a/sad", Condition::Done));
    bed.try_start(&["a", "b"], false).unwrap();
    bed.fail("a/x");
    let why = "param n: job a/sad did not run, so there is no output \"n\"";
    assert_eq!(bed.end_of("b/r").1, why);

    let mut bed = with(reader("a/x").after("a/x"));
    bed.start(&["a"]);
    bed.put_out("a/x", DONE, &[("n", "1")]);
    bed.succeed("a/sad");
    bed.start(&["b"]);
    let why = "param n: job a/x, whose output \"n\" it takes, is no part of this execution";
    assert_eq!(bed.end_of("e2 b/r").1, why);
}

#[test]
fn a_value_that_the_execution_brings_goes_before_an_output() {
    let mut bed = bed();
    let value = |name: &str, value: &str| Param {
        name: name.into(),
        value: value.into(),
    };
    bed.apply(Input::Start(Start {
        flows: vec![bed.flow("a")],
        jobs: None,
        downstream: false,
        data_date: date("2026-11-21"),
        date_format: None,
        params: vec![value("n", "${date}")],
        trigger: TriggerKind::Manual,
        by: "ann".into(),
    }));
    bed.succeed("a/x");
    bed.succeed("a/y");
    assert_eq!(bed.ordered("a/z"), pairs(&[("n", "${date}")]));
    assert!(bed.order.clone().unwrap().literal.is_empty());
}

#[test]
fn a_failed_attempt_puts_out_nothing_unless_it_is_the_last() {
    let mut bed = Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/x").retry(1, 10).edit(),
        takes(job("a/r"), "why", "a/x", "why", Some("?"))
            .after_end("a/x", Condition::Failure)
            .edit(),
    ]);
    let execution = bed.start(&["a"]);
    bed.put_out("a/x", EndCause::Exited(1), &[("why", "first")]);
    assert_eq!(bed.store.outputs.len(), 0, "it is tried again");
    bed.pass(crate::bed::secs(10));
    bed.put_out("a/x", EndCause::Exited(1), &[("why", "disk full")]);
    assert_eq!(bed.ordered("a/r"), pairs(&[("why", "disk full")]));
    assert_eq!(bed.store.outputs[&bed.run("a/x")].attempt, 2);
    bed.succeed("a/r");

    // What it puts out when it runs again counts from then on, also if that is nothing.
    bed.rerun(execution, &["a/x"]);
    bed.put_out("a/x", EndCause::Exited(1), &[("why", "third")]);
    bed.pass(crate::bed::secs(10));
    bed.fail("a/x");
    assert_eq!(bed.ordered("a/r"), pairs(&[("why", "?")]));
    assert_eq!(bed.store.outputs.len(), 0);
}

#[test]
fn a_rerun_of_the_reader_alone_takes_what_was_put_out() {
    let mut bed = bed();
    let execution = bed.start(&["a"]);
    bed.put_out("a/x", DONE, &[("rows", "7"), ("extra", "e")]);
    bed.succeed("a/y");
    bed.fail("a/z");
    for _ in 0..3 {
        bed.pass(crate::bed::secs(10));
        assert_eq!(bed.ordered("a/z"), pairs(&[("n", "7")]), "each attempt");
        bed.fail("a/z");
    }
    // What nobody had read before is there for a newer version of the job.
    let reader = takes(job("a/z"), "n", "a/x", "rows", None).after("a/y");
    let reader = takes(reader, "e", "a/x", "extra", None).edit();
    let reader = with_id(&bed, reader, "a/z");
    bed.edit([reader]);
    bed.resume(execution);
    assert_eq!(bed.ordered("a/z"), pairs(&[("n", "7"), ("e", "e")]));
    bed.succeed("a/z");
    bed.rerun(execution, &["a/x"]);
    bed.put_out("a/x", DONE, &[("rows", "8"), ("extra", "f")]);
    bed.succeed("a/y");
    assert_eq!(bed.ordered("a/z"), pairs(&[("n", "8"), ("e", "f")]));
}

#[test]
fn what_an_executor_says_beyond_all_bounds_is_left_out() {
    let mut bed = bed();
    bed.start(&["a"]);
    let long = "v".repeat(5_000);
    bed.put_out(
        "a/x",
        DONE,
        &[
            ("rows", "1"),
            ("long", &long),
            ("a b", "1"),
            ("my_token", "x"),
        ],
    );
    assert_eq!(
        bed.store.outputs[&bed.run("a/x")].values,
        pairs(&[("rows", "1")])
    );
}

#[test]
fn a_job_takes_outputs_of_jobs_before_it_alone() {
    let mut bed = bed();
    let not_upstream = |job: &str, upstream: &str| E::NotUpstream {
        job: job.into(),
        upstream: upstream.into(),
    };
    let field = |error| vec![(Some(0), "params".to_owned(), error)];
    let new = |of: &str, name: &str| takes(job("a/new"), "p", of, name, None);
    assert_eq!(
        bed.faults([new("a/x", "rows").edit()]),
        field(not_upstream("a/new", "a/x"))
    );
    assert_eq!(
        bed.faults([new("a/new", "rows").after("a/x").edit()]),
        field(not_upstream("a/new", "a/new"))
    );
    assert_eq!(
        bed.faults([new("b/w", "rows").after("a/x").edit()]),
        field(not_upstream("a/new", "b/w"))
    );
    assert_eq!(
        bed.faults([new("a/gone", "rows").after("a/x").edit()]),
        field(unknown("job", "a/gone"))
    );
    let value = "2nd".to_owned();
    assert_eq!(
        bed.faults([new("a/x", "2nd").after("a/x").edit()]),
        field(E::BadOutputName { value })
    );
    let value = "db_password".to_owned();
    assert_eq!(
        bed.faults([new("a/x", "db_password").after("a/x").edit()]),
        field(E::SecretOutput { value })
    );
    // Another date's run is none of this execution.
    let mut earlier = new("a/x", "rows").after("a/x");
    earlier.dependencies[0].offset_days = -1;
    assert_eq!(
        bed.faults([earlier.edit()]),
        field(not_upstream("a/new", "a/x"))
    );

    // A tie that a reader rests on stays, whoever has it.
    let untied = with_id(&bed, job("a/y").edit(), "a/y");
    let told = bed.faults([untied]);
    assert_eq!(
        told,
        [(None, "params".to_owned(), not_upstream("a/z", "a/x"))]
    );
    let Edit::PutFlow(mut loose) = flow("b", &[]) else {
        unreachable!()
    };
    loose.id = Some(bed.flow("b"));
    let told = bed.faults([Edit::PutFlow(loose)]);
    assert_eq!(
        told,
        [(None, "params".to_owned(), not_upstream("b/w", "a/x"))]
    );
    // What was refused has changed nothing: the mesh still ties them.
    bed.edit([new("a/x", "rows").after("a/y").edit()]);

    let (job, version) = (bed.job("a/x"), None);
    let told = bed.faults([Edit::DeleteJob { job, version }]);
    let users = ["job a/y", "job a/z", "job a/new", "job b/w"].map(str::to_owned);
    let E::InUse { users: found } = &told[0].2 else {
        panic!("{told:?}")
    };
    assert_eq!(
        found.iter().collect::<BTreeSet<_>>(),
        users.iter().collect::<BTreeSet<_>>()
    );
}
