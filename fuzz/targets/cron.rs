//! Searches inputs for [`hcndc_fuzz::cron`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hcndc_fuzz::cron(data));
