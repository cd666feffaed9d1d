//! Webhooks: whether a delivery is genuine, what it says, and what is made of it. All of it is decided from values: nothing is
//! read, stored or started here.
//!
//! ```text
//! headers, body ──► signature: by whom, under which name? ──► reading: filter, date, params ──► Verdict
//! ```

mod reading;
mod reason;
mod signature;

pub(crate) use self::{
    reading::{Reading, Verdict, read},
    reason::Reason,
    signature::{are_secrets, key, verify},
};
