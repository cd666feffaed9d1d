//! HCNDC's server and command line: every other room put together.
//!
//! - [`interchange`]: mesh files and imports, checked with all faults at once
//! - [`handle`], [`clock`], [`live`], [`names`]: what ties a scheduler to a process

pub mod clock;
pub mod handle;
pub mod interchange;
pub mod live;
pub mod names;
