//! Rules that one state of one engine cannot show, a file for each kind.

mod alert;
mod backfill;
mod control;
mod crossing;
mod fence;
mod firing;
mod limit;
mod moves;
mod once;
mod order;
mod outputs;
mod promise;
mod reaching;
mod same;
mod values;

pub(crate) use alert::Wanted;
pub(crate) use firing::Walk;
pub(crate) use promise::Promise;
pub(crate) use reaching::Reach;
pub(crate) use values::Values;
