//! Searches inputs for [`hcndc_fuzz::wfcommons`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hcndc_fuzz::wfcommons(data));
