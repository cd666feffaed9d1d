//! Contract suites: what every adapter of a port proves about itself (feature `contract-tests`).
//!
//! A suite is a list of cases, one for each thing that a clause of the port's *Contract* promises, and a macro that
//! makes a `#[test]` of each, on a store of its own:
//!
//! ```text
//! impl StoreFixture for MyFixture { … }      how to open a fresh store, and the same one again
//! hcndc_core::store_contract!(MyFixture);    one test for each case of `contract::store`
//! hcndc_core::history_contract!(MyFixture);  one test for each case of `contract::history`
//! hcndc_core::reports_contract!(MyFixture);  one test for each case of `contract::reports`
//! ```
//!
//! The cases know nothing of an adapter but its port; they panic when a clause does not hold. Their documentation
//! gives the clause by its number.

mod fixture;
mod macros;

pub mod history;
pub mod log;
pub mod notifier;
pub mod probe;
pub mod reports;
pub mod resolver;
pub mod sample;
pub mod store;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a case names what it expects"
)]
pub mod transport;

pub use fixture::{Opened, StoreFixture};
