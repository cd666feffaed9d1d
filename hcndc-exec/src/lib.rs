//! HCNDC's executor, its protocol, and the scheduler's side of it.
//!
//! ```text
//!  scheduler                                                    host
//!  Transport ◀─ Lines ◀─ Dial ══ wire, convert ══ ExecutorServer ─▶ Supervisor ─▶ processes
//!                          ╰─────────── in this process ───────────────╯  ╰─▶ spool, FileLog
//! ```
//!
//! - [`transport`] implements the core's port [`Transport`](hcndc_core::port::Transport).
//! - [`executor`] runs attempts; [`executor::run`] is the whole program, [`executor::Supervisor`] the part to embed.
//! - [`link`] and [`ledger`] hold the rules of the protocol, without IO.
//! - [`work`] does what jobs do beside running commands, in a process of its own for each; [`trust`] and [`causes`] serve it, and others.
//! - `platform` is what the operating system has to give, the only room that knows which one it is.
//! - [`FileLog`] implements the core's port [`LogStore`](hcndc_core::port::LogStore); [`LogArchive`] keeps what is complete, compressed.

mod archive;
pub mod causes;
mod checksum;
pub mod convert;
pub mod executor;
mod file_log;
pub mod ledger;
pub mod link;
mod platform;
mod protocol;
mod tls;
mod token;
pub mod transport;
pub mod trust;
pub mod wire;
pub mod work;

pub use archive::{Deposit, LogArchive, LogObjects};
pub use file_log::{FileLog, FileLogError};
pub use tls::{ExecutorTls, SchedulerTls, TlsError, TlsFiles};
pub use token::{Token, TokenError};
