//! Lots: what a simulation draws, all from one seed.

use std::time::Duration;

use hcndc_core::workload::SplitMix64;

/// More to draw.
pub(crate) trait Lots {
    /// A time between two numbers of milliseconds, short ones more often than long ones.
    fn span(&mut self, from_millis: usize, to_millis: usize) -> Duration;

    /// True once in so many times.
    fn one_in(&mut self, times: usize) -> bool;

    /// One of these; `None` if there are none.
    fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T>;
}

impl Lots for SplitMix64 {
    fn span(&mut self, from_millis: usize, to_millis: usize) -> Duration {
        let width = to_millis.saturating_sub(from_millis) + 1;
        let width = self.below(width) + 1;
        let micros = self.below(1_000);
        Duration::from_millis((from_millis + self.below(width)) as u64)
            + Duration::from_micros(micros as u64)
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(self.below(all.len())).copied()
    }
}
