//! The engine: one struct that holds the live state and decides.

mod change;
mod effect;
mod input;
mod rejected;
mod settings;
mod state;

pub use change::{
    AttemptRow, Change, ExecutionRow, ExecutionSnapshot, FlowRunRow, JobRunRow, Snapshot,
    TriggerKind,
};
pub use effect::{Effect, Order};
pub use input::{EditBatch, End, EndCause, Held, HostFigures, Input, Report, RunOrder, Start};
pub use rejected::Rejected;
pub use settings::Settings;
pub use state::{AttemptState, ExecutionState, FlowRunState, JobRunState};
