//! What each kind of input does, a file each.

mod alert;
mod backfill;
mod control;
mod edit;
mod fire;
mod report;
mod resolved;
mod start;
mod wake;

pub(super) use fire::RunChanged;
