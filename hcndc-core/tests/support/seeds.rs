//! How properties are played: the same cases each time, so that a check of a change is repeatable; others on demand.
//!
//! `HCNDC_TEST_SLOW=1` plays many more, and new ones each time. `HCNDC_TEST_SEED=n` plays those of one seed,
//! `HCNDC_TEST_CASES=n` so many.

use std::{env, hash::BuildHasher as _};

use proptest::{
    prelude::ProptestConfig,
    test_runner::{FileFailurePersistence, RngSeed},
};

/// Plays `cases` cases of a test file, or `slow` times as many; keeps what failed in `regressions`.
pub(crate) fn config(
    test: &str,
    cases: u32,
    slow: u32,
    regressions: Option<&'static str>,
) -> ProptestConfig {
    let is_slow = env::var_os("HCNDC_TEST_SLOW").is_some();
    let seed = match env::var("HCNDC_TEST_SEED") {
        Ok(seed) => seed.parse().expect("HCNDC_TEST_SEED is a number"),
        Err(_) if is_slow => std::hash::RandomState::new().hash_one(cases),
        Err(_) => cases.into(),
    };
    eprintln!("replay: HCNDC_TEST_SEED={seed} cargo test -p hcndc-core --test {test}");
    let few = env::var("HCNDC_TEST_CASES").ok();
    ProptestConfig {
        cases: match few.and_then(|few| few.parse().ok()) {
            Some(few) => few,
            None if is_slow => cases * slow,
            None => cases,
        },
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: regressions
            .map(|file| Box::new(FileFailurePersistence::Direct(file)) as _),
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    }
}
