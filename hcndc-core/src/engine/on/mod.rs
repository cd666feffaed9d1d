//! What each kind of input does, a file each.

mod backfill;
mod control;
mod edit;
mod report;
mod start;
mod wake;
