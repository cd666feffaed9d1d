//! HCNDC's server and command line: every other room put together.
//!
//! - `hook`: what comes to webhooks, and what is made of it
//! - [`interchange`]: mesh files and imports, checked with all faults at once
//! - [`api`], [`app`]: the REST API, and what it works with
//! - [`cron_text`]: what is wrong or odd about a cron expression, in both languages
//! - [`layout`]: layered drawings of graphs
//! - [`metrics`]: figures for Prometheus
//! - `day`: when days of a zone begin
//! - [`handle`], [`clock`], [`live`], [`names`], [`causes`]: what ties a scheduler to a process
//! - [`lead`], [`peers`]: one server of several, and who leads
//! - [`connect`]: the ways to people, data sources and files
//! - [`recording`]: what goes into a scheduler, in files
//! - [`driving`], [`server`], [`cli`]: all of it put together
//! - [`https`]: TLS of the server itself
//! - [`retention`]: old history goes
//! - [`vault`]: passwords of definitions, sealed
//! - [`database`], [`local_executor`]: what a host has of its own

// What a command waits for is nested deeper than the compiler's usual limit once it is optimized.
#![recursion_limit = "256"]

pub mod api;
pub mod app;
pub mod auth;
pub use hcndc_exec::causes;
pub mod cli;
pub mod clock;
pub mod commits;
pub mod connect;
pub mod cron_text;
pub mod database;
mod day;
mod definition_text;
pub mod driving;
mod forecast_report;
pub mod handle;
mod hook;
pub mod https;
pub mod interchange;
pub mod layout;
pub mod lead;
pub mod live;
pub mod local_executor;
pub mod metrics;
pub mod names;
pub mod peers;
mod rates;
pub mod recording;
pub mod retention;
pub mod server;
pub mod vault;
