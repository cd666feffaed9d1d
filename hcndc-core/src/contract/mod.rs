//! Contract suites: what every adapter of a port proves about itself (feature `contract-tests`).

pub mod log;
pub mod transport;
