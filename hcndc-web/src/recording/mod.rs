//! Recordings: what goes into the scheduler's engine, in files, to be played back (see [`hcndc_core::replay`]).
//!
//! ```text
//!   Scheduler ─► Recorder (an observer: masks, makes lines) ─► a thread ─► DIR/recording-000001.jsonl, -000002, …
//!                   └─ wants anew ─► the driver loads its engine again, which begins the next file
//! ```
//!
//! A file begins with a line that names the format and the version that wrote it; each further line is a [`Record`] as JSON.
//! The first of them holds all that the engine was loaded from, so each file can be played by itself. What an engine knows
//! besides (who is connected, how busy hosts are) nobody can write down; so a file cannot begin in mid-life, and where one is
//! full the driver loads its engine anew, as it does when it comes back to the lead.
//!
//! Secrets are not written: see [`Mask`]. All else is, commands, params and environment of jobs too.
//!
//! [`Record`]: hcndc_core::replay::Record

mod files;
mod mask;
mod read;
mod recorder;

use serde::{Deserialize, Serialize};

pub use self::{
    mask::Mask,
    read::{ReadError, Reader, recordings},
    recorder::{RecordTo, Recorder},
};

/// The format that this version writes, and the only one that it reads.
pub const FORMAT: u32 = 1;

/// The first line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The number of the format.
    pub hcndc_recording: u32,
    /// The version of this crate that wrote it. Another one may come to something else.
    pub version: String,
}

impl Header {
    /// That of files that this version writes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hcndc_recording: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl Default for Header {
    fn default() -> Self {
        Self::new()
    }
}
