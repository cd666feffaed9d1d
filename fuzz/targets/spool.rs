//! Searches inputs for [`hcndc_fuzz::spool`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hcndc_fuzz::spool(data));
