//! What jobs share: pools and params.

use hcndc_core::{
    id::PoolId,
    model::{
        ContextValue, DefinitionError as E, Edit, JobDraft, JobParamDraft, Param, ParamKind,
        ParamKindDraft, PoolDraft, PoolRef, SharedParamDraft,
    },
};

use super::{faults, named, pooled, query, range, sharing, some, text, unknown};
use crate::bed::{Bed, JobWords as _, flow, host, job};

#[test]
fn a_pool_has_room_for_each_of_its_jobs() {
    faults(
        pooled("a/n", "pool", 4).edit(),
        &[("pool_slots", range(4, 1, 3))],
    );
    let mut bed = some();
    bed.edit([pooled("a/n", "pool", 3).edit()]);
    let resize = |bed: &Bed, slots| {
        let id = bed.engine.find_pool("pool").map(|pool| pool.id);
        Edit::from(PoolDraft {
            id,
            ..PoolDraft::new("pool", slots)
        })
    };
    let two = resize(&bed, 2);
    let faults = bed.faults([two.clone()]);
    let field = "slots".to_owned();
    assert_eq!(faults, [(Some(0), field, range(2, 3, 100_000))]);
    let smaller = JobDraft {
        id: Some(bed.job("a/n")),
        ..pooled("a/n", "pool", 2)
    };
    bed.edit([two, smaller.clone().edit()]);
    // A job that grows with its pool.
    let larger = JobDraft {
        pool_slots: 7,
        ..smaller
    };
    bed.edit([larger.edit(), resize(&bed, 7)]);
    let unknown_pool = JobDraft {
        pool: Some(PoolRef::Id(PoolId(9_999))),
        ..job("a/m")
    };
    let faults = bed.faults([unknown_pool.edit()]);
    let field = "pool".to_owned();
    assert_eq!(faults, [(Some(0), field, unknown("pool", "9999"))]);
}

#[test]
fn names_of_params_differ_in_each_job_that_shares_them() {
    let mut draft = sharing("a/n", &["shared"]);
    let own = |name: &str| Param {
        name: name.into(),
        value: "own".into(),
    };
    draft.params.push(own("shared").into());
    let twice = |name: &str| E::Duplicate { value: name.into() };
    faults(draft.edit(), &[("params", twice("shared"))]);
    faults(
        sharing("a/n", &["shared", "shared"]).edit(),
        &[("params", twice("shared"))],
    );
    faults(
        sharing("a/n", &["no"]).edit(),
        &[("params", unknown("param", "no"))],
    );
    let mut bed = some();
    let mut draft = sharing("a/n", &["shared"]);
    draft.params.push(own("other").into());
    bed.edit([draft.clone().edit()]);
    let id = bed.engine.find_param("shared").map(|param| param.id);
    let renamed = SharedParamDraft {
        id,
        ..text("other", "v")
    };
    let faults = bed.faults([renamed.clone().into()]);
    assert_eq!(faults, [(Some(0), "name".to_owned(), twice("other"))]);
    // Unless the job makes room in the same batch.
    draft.id = Some(bed.job("a/n"));
    draft.params = vec![JobParamDraft::Shared {
        shared: named("other"),
    }];
    bed.edit([renamed.into(), draft.edit()]);
}

#[test]
fn a_job_is_given_what_it_shares_as_it_is_now_and_in_order() {
    let mut bed = Bed::new([host("h", 9), flow("a", &[])]);
    let context = |name: &str, value| {
        Edit::from(SharedParamDraft::new(
            name,
            ParamKindDraft::Context { value },
        ))
    };
    let mut draft = sharing("a/x", &["out", "day", "who"]);
    let own = Param {
        name: "mid".into(),
        value: "own".into(),
    };
    draft.params.insert(1, own.into());
    bed.edit([
        text("out", "old").into(),
        context(
            "day",
            ContextValue::DataDate {
                offset_days: -1,
                format: "%Y%m%d".into(),
            },
        ),
        context("who", ContextValue::ScheduleName),
        draft.edit(),
    ]);
    let id = bed.engine.find_param("out").map(|param| param.id);
    bed.start(&["a"]);
    bed.begin("a/x");
    bed.fail("a/x");
    bed.edit([SharedParamDraft {
        id,
        ..text("out", "new")
    }
    .into()]);
    bed.start(&["a"]);
    let order = bed.order.as_ref().unwrap();
    let args: Vec<_> = order
        .args
        .iter()
        .map(|it| (it.name.as_str(), it.value.as_str()))
        .collect();
    assert_eq!(
        args,
        [
            ("out", "new"),
            ("mid", "own"),
            ("day", "${date-1d:%Y%m%d}"),
            ("who", "")
        ]
    );
    assert_eq!(order.values["out"], "new");
}

#[test]
fn jobs_may_share_the_answer_to_a_query() {
    let mut bed = some();
    bed.edit([sharing("a/n", &["asked"]).edit()]);
    let id = bed.engine.find_param("shared").map(|param| param.id);
    let turned = SharedParamDraft {
        id,
        ..query("shared", "source")
    };
    bed.edit([turned.into()]);
    let kind = &bed.engine.find_param("shared").unwrap().kind;
    assert!(matches!(kind, ParamKind::Sql { .. }));
}
