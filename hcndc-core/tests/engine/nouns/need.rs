//! What is needed stays.

use hcndc_core::{
    engine::EndCause,
    id::FlowId,
    model::{DefinitionError as E, DefinitionKind, JobDraft, ScheduleDraft},
};

use super::{by_time, delete, named, sharing, some, unknown};
use crate::bed::{JobWords as _, host, job};

#[test]
fn what_is_needed_is_not_deleted_until_its_last_user_goes() {
    use DefinitionKind as K;
    for (kind, name, users) in [
        (K::Calendar, "cal", "schedule s"),
        (K::Pool, "pool", "job a/x"),
        (K::Param, "shared", "job a/x"),
        (K::DataSource, "source", "param asked"),
        (K::FileServer, "server", "file event event"),
        (K::FileEvent, "event", "schedule s"),
        (K::AlertChannel, "channel", "alert rule rule"),
        (K::AlertRule, "rule", "schedule s"),
    ] {
        let mut bed = some();
        bed.reload();
        let id = bed.id(kind, name);
        let user = {
            let (kind, name) = users.rsplit_once(' ').unwrap();
            match kind {
                "job" => bed.job(name).into(),
                kind => {
                    let found = K::ALL.iter().find(|it| it.as_str() == kind);
                    bed.id(*found.unwrap(), name)
                }
            }
        };
        assert_eq!(bed.engine.users_of(id).collect::<Vec<_>>(), [user]);
        let users = vec![users.to_owned()];
        let faults = bed.faults([delete(id)]);
        assert_eq!(faults, [(Some(0), String::new(), E::InUse { users })]);
        // The user of the user may stand in the way: then both go.
        let also = bed.engine.users_of(user).map(delete);
        let edits: Vec<_> = also.chain([delete(user), delete(id)]).collect();
        bed.edit(edits);
        assert_eq!(bed.engine.users_of(id).count(), 0, "{kind}");
        assert!(bed.engine.other_definitions().all(|it| it.id() != id));
    }
    // A flow, for the schedule that starts it and for the one that waits for its date.
    let mut bed = some();
    let users = vec!["schedule s".to_owned(), "schedule t".to_owned()];
    let a = bed.flow("a");
    let faults = bed.faults([delete(a)]);
    assert_eq!(faults, [(Some(0), String::new(), E::InUse { users })]);
    // And for the webhook that starts it.
    let users = vec!["webhook hook".to_owned()];
    let c = bed.flow("c");
    let faults = bed.faults([delete(c)]);
    assert_eq!(faults, [(Some(0), String::new(), E::InUse { users })]);
    bed.edit([delete(bed.id(K::Webhook, "hook")), delete(c)]);
    let gone = ["s", "t"].map(|name| delete(bed.id(K::Schedule, name)));
    bed.edit(gone.into_iter().chain([delete(a)]));
    assert_eq!(bed.faults([delete(FlowId(9_999))]).len(), 1);
}

#[test]
fn what_no_longer_names_a_thing_does_not_need_it() {
    let mut bed = some();
    let pool = bed.id(DefinitionKind::Pool, "pool");
    let without = JobDraft {
        id: Some(bed.job("a/x")),
        ..sharing("a/x", &["shared"])
    };
    bed.edit([delete(pool), without.edit()]);
    assert_eq!(bed.engine.pools().count(), 0);
    // And nothing can name what the same batch deletes.
    let calendar = bed.id(DefinitionKind::Calendar, "cal");
    let late = ScheduleDraft {
        calendar: Some(named("cal")),
        ..by_time("n", "a")
    };
    let s = bed.id(DefinitionKind::Schedule, "s");
    let faults = bed.faults([delete(calendar), delete(s), late.into()]);
    let field = "calendar".to_owned();
    assert_eq!(faults, [(Some(2), field, unknown("calendar", "cal"))]);
}

#[test]
fn what_a_run_is_pinned_to_stays_until_it_has_ended() {
    let mut bed = some();
    bed.edit([host("h", 1)]);
    bed.hello("h", vec![]);
    bed.start(&["a"]);
    let (pool, param) = (
        bed.id(DefinitionKind::Pool, "pool"),
        bed.id(DefinitionKind::Param, "shared"),
    );
    let plain = JobDraft {
        id: Some(bed.job("a/x")),
        ..job("a/x")
    };
    bed.edit([plain.edit()]);
    let users = vec!["job runs that have not ended".to_owned()];
    let error = E::InUse { users };
    for id in [pool, param] {
        let faults = bed.faults([delete(id)]);
        assert_eq!(faults, [(Some(0), String::new(), error.clone())]);
    }
    bed.begin("a/x");
    bed.finish("a/x", EndCause::Exited(0));
    bed.edit([delete(pool), delete(param)]);
}
