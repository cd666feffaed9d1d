//! HCNDC's store in memory: for embedding without a database, for tests and for simulation.
//!
//! [`MemStore`] is the reference reading of the contracts of [`Store`](hcndc_core::port::Store),
//! [`History`](hcndc_core::port::History) and [`Reports`](hcndc_core::port::Reports): plain before fast. What it holds ends with the last clone of it.
//!
//! ```
//! use std::time::Duration;
//! use hcndc_core::{port::{Commit, Store as _}, time::Timestamp};
//! use hcndc_store_mem::MemStore;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let store = MemStore::new();
//! let now = Timestamp::from_micros(0);
//! let asked = store.acquire("example", now, Duration::from_secs(3), None).await?;
//! let lease = asked.given().expect("nobody leads yet");
//! store.commit(lease.fence, &Commit { next_id: 7, changes: vec![] }).await?;
//! assert_eq!(store.load().await?.next_id, 7);
//! # Ok::<(), hcndc_store_mem::MemError>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod error;
mod history;
mod page;
mod reports;
#[cfg(feature = "sim")]
pub mod sim;
mod store;
mod tables;

pub use error::MemError;
pub use store::MemStore;
