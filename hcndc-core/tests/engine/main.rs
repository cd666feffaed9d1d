//! The engine, step by step: a state, one input, everything that it led to, and nothing left over.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod alert;
mod backfill;
mod bed;
mod calendar;
mod control;
mod dates;
mod edit;
mod explain;
mod flow_time;
mod kinds;
mod limits;
mod load;
mod nouns;
mod outputs;
mod outside;
mod partial;
mod pause;
mod pool;
mod report;
mod resolve;
mod schedule;
mod settle;
mod start;
#[path = "../support/store.rs"]
mod store;
