//! A pure, deterministic scheduler of meshes of jobs.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;

#[cfg(feature = "contract-tests")]
pub mod contract;
pub mod engine;
pub mod id;
pub mod mesh;
pub mod model;
pub mod port;
pub mod scheduler;
pub mod time;
#[cfg(feature = "workload")]
pub mod workload;
