//! HCNDC's store on SQL: MySQL and MariaDB for a company, SQLite for one machine, by the same code.
//!
//! ```text
//!             Change rows                        queries
//!                  │                                │
//!   fence ──► commit: one transaction        load, history: one snapshot each
//!                  │  multi-row upserts             ▲
//!                  ▼                                │
//!            entity: rows ↔ columns      keyset: pages by sort key and id
//!                  │                                │
//!                  └──────── writer ── database ── readers
//! ```
//!
//! [`Upkeep`] is for those who look after the database.
//!
//! [`SqlStore`] is [`Store`](hcndc_core::port::Store), [`History`](hcndc_core::port::History) and
//! [`Reports`](hcndc_core::port::Reports). It must not know what
//! states mean: it stores what the engine says and answers what pages ask.

#![forbid(unsafe_code)]

#[cfg(not(any(feature = "mysql", feature = "sqlite")))]
compile_error!("a store needs a database: enable the feature `mysql`, `sqlite` or both");

mod accounts;
mod address;
mod commit;
mod connect;
mod deliveries;
mod dialect;
mod entity;
mod error;
mod fence;
mod history;
mod keyset;
mod load;
mod migration;
mod realm;
mod reports;
mod retention;
mod retry;
mod servers;
mod store;
mod upkeep;
mod upsert;
mod writing;

pub use connect::{Durability, SqlOptions, SqlStore};
pub use error::SqlError;
pub use migration::MigrationStatus;
pub use retention::{Keep, Pruned};
pub use servers::{KnownServer, KnownServers, ServerEntry, Signed};
pub use upkeep::{
    DatabaseStatus, Finding, LeaderStatus, Product, Reference, TableRows, Upkeep, Weight,
};
