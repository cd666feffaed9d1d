//! Searches inputs for [`hcndc_fuzz::template`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hcndc_fuzz::template(data));
