//! Jobs that do anything but run a command.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::SourceAccess,
    model::{
        DataSourceDraft, DataSourceKind, DefinitionError as E, DefinitionId, Edit, GOOD_STATUSES,
        HttpCall, JobDraft, JobKind, JobKindDraft, KettleRun, Ref, Secret, SqlScript,
    },
};

use crate::bed::{Bed, JobWords as _, flow, host, job, unknown};

fn source(kind: DataSourceKind) -> DataSourceDraft {
    DataSourceDraft {
        database: "dw".into(),
        password: Some(Secret::new("sealed")),
        ..DataSourceDraft::new("dw", kind, "db")
    }
}

fn call() -> HttpCall {
    HttpCall {
        method: "POST".into(),
        url: "https://api/load?day=${date}".into(),
        headers: BTreeMap::new(),
        body: String::new(),
        expect: GOOD_STATUSES.into(),
    }
}

fn script(data_source: &str) -> JobKindDraft {
    JobKind::Sql(SqlScript {
        data_source: Ref::Name(data_source.into()),
        statement: "select 1".into(),
        transaction: false,
    })
}

fn does(name: &str, kind: JobKindDraft) -> JobDraft {
    JobDraft {
        kind,
        command: String::new(),
        ..job(name)
    }
}

fn bed() -> Bed {
    Bed::new([
        host("h", 9),
        source(DataSourceKind::Postgresql).into(),
        flow("a", &[]),
        does("a/x", script("dw")).edit(),
        does("a/y", JobKind::Http(Box::new(call()))).edit(),
    ])
}

#[test]
fn what_cannot_be_done_is_told_with_its_field() {
    let http = |change: fn(&mut HttpCall)| {
        let mut call = call();
        change(&mut call);
        JobKind::Http(Box::new(call))
    };
    let kettle = |change: fn(&mut KettleRun)| {
        let mut run = KettleRun::default();
        change(&mut run);
        JobKind::Kettle(Box::new(run))
    };
    let value = |text: &str| text.to_owned();
    for (kind, field, error) in [
        (
            http(|it| it.url = "ftp://host/".into()),
            "http.url",
            E::BadUrl {
                value: value("ftp://host/"),
            },
        ),
        (
            http(|it| it.url = "http://a b".into()),
            "http.url",
            E::BadUrl {
                value: value("http://a b"),
            },
        ),
        (
            http(|it| it.method = "FETCH".into()),
            "http.method",
            E::BadMethod {
                value: value("FETCH"),
            },
        ),
        (
            http(|it| it.expect = "2xx".into()),
            "http.expect",
            E::BadStatuses {
                value: value("2xx"),
            },
        ),
        (
            http(|it| drop(it.headers.insert("X".into(), "a\r\nB: c".into()))),
            "http.headers",
            E::BadHeader { value: value("X") },
        ),
        (
            http(|it| drop(it.headers.insert("a b".into(), String::new()))),
            "http.headers",
            E::BadHeader {
                value: value("a b"),
            },
        ),
        (http(|it| it.body = "\0".into()), "http.body", E::Nul),
        (
            script("nobody"),
            "sql.data_source",
            unknown("data source", "nobody"),
        ),
        (kettle(|_| {}), "kettle.file", E::FileOrRepository),
        (
            kettle(|it| (it.file, it.repository) = ("f".into(), "r".into())),
            "kettle.file",
            E::FileOrRepository,
        ),
        (
            kettle(|it| it.repository = "r".into()),
            "kettle.name",
            E::Empty,
        ),
    ] {
        let mut edits = vec![does("a/n", kind).edit()];
        if field == "kettle.file" && error == E::FileOrRepository {
            // A repository needs the name of what is in it, too.
            if let Edit::PutJob(draft) = &mut edits[0]
                && let JobKind::Kettle(run) = &mut draft.kind
                && !run.repository.is_empty()
            {
                run.name = "job".into();
            }
        }
        let faults = bed().faults(edits);
        assert_eq!(faults, [(Some(0), field.to_owned(), error)]);
    }
    let both = JobDraft {
        command: "true".into(),
        ..does("a/n", script("dw"))
    };
    let kind = "sql".to_owned();
    let faults = bed().faults([both.edit()]);
    assert_eq!(
        faults,
        [(Some(0), "command".to_owned(), E::NotOfKind { kind })]
    );
}

#[test]
fn statements_are_run_where_that_can_be() {
    let mut hive = source(DataSourceKind::Hive);
    hive.name = "lake".into();
    let no = |field: &str| {
        let kind = "hive".to_owned();
        (field.to_owned(), E::NoStatements { kind })
    };
    let faults = bed().faults([hive.into(), does("a/n", script("lake")).edit()]);
    let (field, error) = no("sql.data_source");
    assert_eq!(faults, [(Some(1), field, error)]);

    // Nor does a data source become such a one under a job that uses it.
    let mut bed = bed();
    let mut changed = source(DataSourceKind::Hive);
    changed.id = bed.engine.find_data_source("dw").map(|it| it.id);
    let (field, error) = no("kind");
    assert_eq!(bed.faults([changed.into()]), [(Some(0), field, error)]);
}

#[test]
fn statements_count_as_a_whole_where_that_can_be() {
    let mut clickhouse = source(DataSourceKind::Clickhouse);
    clickhouse.name = "ch".into();
    let whole = |data_source: &str| {
        let mut kind = script(data_source);
        if let JobKind::Sql(script) = &mut kind {
            script.transaction = true;
        }
        does("a/n", kind).edit()
    };
    let no = |field: &str| {
        let kind = "clickhouse".to_owned();
        (field.to_owned(), E::NoTransaction { kind })
    };
    let each = does("a/m", script("ch")).edit();
    let faults = bed().faults([clickhouse.into(), each, whole("ch")]);
    let (field, error) = no("sql.transaction");
    assert_eq!(faults, [(Some(2), field, error)]);

    // Nor does a data source become such a one under a job that asks for it.
    let mut bed = bed();
    let mut changed = source(DataSourceKind::Clickhouse);
    changed.id = bed.engine.find_data_source("dw").map(|it| it.id);
    bed.edit([whole("dw")]);
    let (field, error) = no("kind");
    assert_eq!(bed.faults([changed.into()]), [(Some(0), field, error)]);
}

#[test]
fn an_order_holds_all_that_it_takes() {
    let mut bed = bed();
    let execution = bed.start(&["a"]);
    let last = bed.order.take().unwrap();
    assert!(matches!(last.kind, JobKind::Http(_)), "{last:?}");
    bed.fail("a/y");
    bed.succeed("a/x");
    bed.rerun(execution, &["a/x"]);
    let order = bed.order.take().unwrap();
    let JobKind::Sql(script) = order.kind else {
        panic!("it runs statements: {order:?}");
    };
    let stored = bed.engine.find_data_source("dw").unwrap();
    assert_eq!(script.data_source, SourceAccess::from(&**stored));
    assert_eq!(script.data_source.password, Secret::new("sealed"));
    assert!(order.command.is_empty());
}

#[test]
fn a_data_source_stays_while_a_job_or_a_run_needs_it() {
    let mut bed = bed();
    let id = bed.engine.find_data_source("dw").unwrap().id;
    let delete = || Edit::Delete {
        definition: DefinitionId::DataSource(id),
        version: None,
    };
    let in_use = |user: &str| {
        let users = vec![user.to_owned()];
        [(Some(0), String::new(), E::InUse { users })]
    };
    assert_eq!(bed.faults([delete()]), in_use("job a/x"));
    bed.start(&["a"]);
    let plain = JobDraft {
        id: Some(bed.job("a/x")),
        ..job("a/x")
    };
    bed.edit([plain.edit()]);
    assert_eq!(
        bed.faults([delete()]),
        in_use("job runs that have not ended")
    );
    bed.succeed("a/x");
    bed.edit([delete()]);
    assert!(bed.engine.find_data_source("dw").is_none());
}
