//! What changes of definitions have in common.

use std::future::Future;

use hcndc_core::{engine::Rejected, model::DefinitionError};

use super::problem::Problem;

/// Tries of a change that was made to what somebody else changed meanwhile.
const TRIES: usize = 5;

/// The default of `enabled`.
pub(super) const fn yes() -> bool {
    true
}

/// A refusal of an edit, as that nothing has the id in the path if so it is.
pub(super) fn or_unknown(problem: Problem, id: impl Into<Problem>) -> Problem {
    match &problem {
        Problem::Refused(Rejected::Definition { faults })
            if faults.iter().any(|fault| {
                fault.field == "id" && matches!(fault.error, DefinitionError::Unknown { .. })
            }) =>
        {
            id.into()
        }
        _ => problem,
    }
}

/// Reads and changes a definition, and again if somebody else was faster; unless the caller named a `version`.
pub(super) async fn retry_stale<R, F: Future<Output = Result<R, Problem>>>(
    named: bool,
    mut change: impl FnMut() -> F,
) -> Result<R, Problem> {
    let mut tries = 1;
    loop {
        match change().await {
            Err(problem) if problem.code() == "stale" && !named && tries < TRIES => tries += 1,
            other => return other,
        }
    }
}
