//! Searches inputs for [`hcndc_fuzz::mesh_file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hcndc_fuzz::mesh_file(data));
