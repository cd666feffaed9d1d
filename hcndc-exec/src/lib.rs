//! HCNDC's executor, its protocol, and the scheduler's side of it.

mod checksum;
pub mod executor;
mod file_log;
pub mod ledger;
pub mod link;

pub mod transport;

pub use file_log::{FileLog, FileLogError};
