//! HCNDC's server and command line: the one crate that knows every room and puts them together.

pub mod interchange;
