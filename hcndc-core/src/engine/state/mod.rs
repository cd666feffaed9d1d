//! States of executions, flow runs, job runs and attempts: an enum each, with the moves that are legal.

mod machine;

pub use machine::{
    AttemptState, BackfillDateState, BackfillState, ExecutionState, FlowRunState, JobRunState,
};
