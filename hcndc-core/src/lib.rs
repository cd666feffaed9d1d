//! A pure, deterministic scheduler of meshes of jobs.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "contract-tests")]
pub mod contract;
pub mod engine;
pub mod id;
pub mod model;
pub mod port;
pub mod time;
