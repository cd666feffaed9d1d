//! Calendars that flows name: their jobs count business days by them.

use std::sync::Arc;

use hcndc_core::{
    model::{CalendarDraft, DefinitionError as E, DefinitionId, Edit, FlowDraft, Ref},
    trigger::calendar::BusinessDays,
};

use crate::bed::{Bed, JobWords as _, flow_draft, host, job, unknown};

fn by(calendar: &str) -> Edit {
    Edit::PutFlow(FlowDraft {
        calendar: Some(Ref::Name(calendar.into())),
        ..flow_draft("a", &[])
    })
}

fn bed() -> Bed {
    let days = BusinessDays {
        holidays: ["2026-10-01".parse().unwrap()].into(),
        ..BusinessDays::default()
    };
    let calendar = CalendarDraft::new("cn", days);
    Bed::new([host("h", 9), calendar.into(), by("cn"), job("a/x").edit()])
}

#[test]
fn an_order_has_the_calendar_of_its_flow() {
    let mut bed = bed();
    bed.start(&["a"]);
    let order = bed.order.take().unwrap();
    let calendar = bed.engine.find_calendar("cn").unwrap();
    assert_eq!(order.calendar, Some(Arc::clone(calendar)));
    bed.fail("a/x");
    let mut other = flow_draft("b", &[]);
    other.calendar = Some(Ref::Name("nobody's".into()));
    assert_eq!(
        bed.faults([Edit::PutFlow(other)]),
        [(
            Some(0),
            "calendar".to_owned(),
            unknown("calendar", "nobody's")
        )]
    );
}

#[test]
fn a_calendar_stays_while_a_flow_or_a_run_needs_it() {
    let mut bed = bed();
    let id = bed.engine.find_calendar("cn").unwrap().id;
    let delete = || Edit::Delete {
        definition: DefinitionId::Calendar(id),
        version: None,
    };
    let in_use = |user: &str| {
        let users = vec![user.to_owned()];
        [(Some(0), String::new(), E::InUse { users })]
    };
    assert_eq!(bed.faults([delete()]), in_use("flow a"));
    bed.start(&["a"]);
    let plain = FlowDraft {
        id: bed.engine.find_flow("a").map(|it| it.id),
        ..flow_draft("a", &[])
    };
    bed.edit([Edit::PutFlow(plain)]);
    assert_eq!(
        bed.faults([delete()]),
        in_use("job runs that have not ended")
    );
    bed.succeed("a/x");
    bed.edit([delete()]);
    assert!(bed.engine.find_calendar("cn").is_none());
}

#[test]
fn a_calendar_stays_while_a_run_may_be_taken_up_again() {
    let mut bed = bed();
    bed.edit([job("a/y").edit()]);
    let id = bed.engine.find_calendar("cn").unwrap().id;
    let execution = bed.start(&["a"]);
    let plain = FlowDraft {
        id: bed.engine.find_flow("a").map(|it| it.id),
        ..flow_draft("a", &[])
    };
    bed.edit([Edit::PutFlow(plain)]);
    bed.fail("a/x");
    let delete = || Edit::Delete {
        definition: DefinitionId::Calendar(id),
        version: None,
    };
    let users = vec!["job runs that have not ended".to_owned()];
    let in_use = [(Some(0), String::new(), E::InUse { users })];
    assert_eq!(bed.faults([delete()]), in_use, "{execution:?}");
    bed.succeed("a/y");
    bed.edit([delete()]);
}
