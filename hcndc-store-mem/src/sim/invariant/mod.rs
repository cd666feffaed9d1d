//! Rules that one state of one engine cannot show, a file for each kind.

mod backfill;
mod control;
mod crossing;
mod fence;
mod firing;
mod limit;
mod moves;
mod once;
mod order;
mod promise;
mod same;

pub(crate) use firing::Walk;
pub(crate) use promise::Promise;
