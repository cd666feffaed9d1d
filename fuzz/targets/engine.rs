//! Searches inputs for [`hcndc_fuzz::engine`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hcndc_fuzz::engine(data));
