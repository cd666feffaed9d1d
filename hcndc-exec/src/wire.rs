//! The protocol as generated from `proto/hcndc.proto`.
#![allow(
    missing_docs,
    unused_qualifications,
    elided_lifetimes_in_paths,
    clippy::all,
    clippy::use_self,
    clippy::large_futures,
    clippy::or_fun_call,
    clippy::missing_errors_doc,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]

tonic::include_proto!("hcndc.executor.v1");
