//! Searches inputs for [`hcndc_fuzz::wire`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hcndc_fuzz::wire(data));
