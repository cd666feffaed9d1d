//! What executors say.

use hcndc_core::engine::{AttemptState, EndCause, JobRunState};

use crate::bed::{Bed, JobWords as _, flow, host, job};

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
