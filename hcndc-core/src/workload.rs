//! Named meshes from a seed, for benches, simulations and examples; the same everywhere, for ever.
//!
//! Each is a batch of edits for an engine that has none of these names. Flows are called `flow0`, `flow1`, …, jobs
//! `job0`, `job1`, … within their flow. Only [`layered`] and [`bank_night`] draw lots.
//!
//! ```
//! use hcndc_core::{engine::*, time::Timestamp, workload};
//!
//! let mut engine = Engine::default();
//! let edits = workload::bank_night(42, 6, 10);
//! assert_eq!(edits, workload::bank_night(42, 6, 10));
//! engine.apply(Timestamp::from_micros(0), Input::Edit(EditBatch { by: "ann".into(), edits }))?;
//! assert_eq!(engine.mesh().size().0, 60);
//! # Ok::<(), Rejected>(())
//! ```

use alloc::{collections::BTreeSet, format, string::String, vec, vec::Vec};

use crate::model::{
    Condition, DependencyDraft, Edit, ExecutorDraft, FlowDraft, FlowRef, JobDraft, JobRef,
};

/// A small generator of numbers: `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014; the constants are those of Sebastiano Vigna's public-domain `splitmix64.c`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The sequence that this seed starts.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    ///
    /// ```
    /// # use hcndc_core::workload::SplitMix64;
    /// // The reference values for this seed.
    /// let mut lots = SplitMix64::new(1_234_567);
    /// assert_eq!(lots.draw(), 6_457_827_717_110_365_317);
    /// assert_eq!(lots.draw(), 3_203_168_211_198_807_973);
    /// ```
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, all nearly equally likely; 0 if `limit` is.
    pub const fn below(&mut self, limit: usize) -> usize {
        // The high half of the product: Lemire's method without its rejection, whose bias is below 2⁻³².
        ((self.draw() as u128 * limit as u128) >> 64) as usize
    }
}

/// `n` jobs in one flow, each after the one before.
///
/// ```
/// # use hcndc_core::workload;
/// assert_eq!(workload::chain(3).len(), 4);
/// ```
#[must_use]
pub fn chain(n: usize) -> Vec<Edit> {
    let jobs = (0..n).map(|at| job(0, at, at.checked_sub(1)));
    one_flow(jobs)
}

/// One job, `n` jobs after it, and one job after all of those.
///
/// ```
/// # use hcndc_core::workload;
/// assert_eq!(workload::fan(1000).len(), 1003);
/// ```
#[must_use]
pub fn fan(n: usize) -> Vec<Edit> {
    let middle = (1..=n).map(|at| job(0, at, [0]));
    let all = core::iter::once(job(0, 0, None));
    one_flow(all.chain(middle).chain([job(0, n + 1, 1..=n)]))
}

/// `layers` layers of `width` jobs in one flow; each job is after `fan_in` jobs of the layer before, which the seed
/// draws, fewer where the lots agree.
///
/// ```
/// # use hcndc_core::workload;
/// assert_eq!(workload::layered(1, 10, 100, 3).len(), 1001);
/// ```
#[must_use]
pub fn layered(seed: u64, layers: usize, width: usize, fan_in: usize) -> Vec<Edit> {
    let mut lots = SplitMix64::new(seed);
    let mut edits = vec![flow(0, None)];
    for layer in 0..layers {
        for at in 0..width {
            let before: BTreeSet<usize> = match layer.checked_sub(1) {
                None => BTreeSet::new(),
                Some(layer) => (0..fan_in)
                    .map(|_| layer * width + lots.below(width))
                    .collect(),
            };
            edits.push(job(0, layer * width + at, before));
        }
    }
    edits
}

/// `n` diamonds in one flow, each of four jobs: one, two after it, one after both; each diamond after the one before.
///
/// ```
/// # use hcndc_core::workload;
/// assert_eq!(workload::diamonds(25).len(), 101);
/// ```
#[must_use]
pub fn diamonds(n: usize) -> Vec<Edit> {
    let four = |at: usize| {
        let first = 4 * at;
        [
            job(0, first, first.checked_sub(1)),
            job(0, first + 1, [first]),
            job(0, first + 2, [first]),
            job(0, first + 3, [first + 1, first + 2]),
        ]
    };
    one_flow((0..n).flat_map(four))
}

/// A bank's night: flows of `jobs_per_flow` jobs in four stages (take in, clean, join, report). A flow has up to two
/// parents among the flows before it, and one job in ten is also after a job of an earlier flow; the seed draws which.
/// One job in twenty reports a failure and runs only then.
///
/// Of a start, all flows must take part: jobs wait for jobs of other flows.
#[must_use]
pub fn bank_night(seed: u64, flows: usize, jobs_per_flow: usize) -> Vec<Edit> {
    let mut lots = SplitMix64::new(seed);
    let mut edits = Vec::with_capacity(flows * (jobs_per_flow + 1));
    for at in 0..flows {
        let mut parents = BTreeSet::new();
        // The first flows of a night take data in, and wait for nobody.
        if at >= flows / 4 && at > 0 {
            for _ in 0..lots.below(3) {
                parents.insert(lots.below(at));
            }
        }
        edits.push(flow(at, parents));
        let stage = jobs_per_flow.div_ceil(4).max(1);
        for number in 0..jobs_per_flow {
            let mut draft = draft(at, number);
            if let Some(first) = (number / stage).checked_sub(1).map(|before| before * stage) {
                let before: BTreeSet<usize> = (0..2).map(|_| first + lots.below(stage)).collect();
                let condition = if lots.below(20) == 0 {
                    Condition::Failure
                } else {
                    Condition::Success
                };
                let after = before.into_iter().map(|job| dependency(at, job, condition));
                draft.dependencies.extend(after);
            }
            if at > 0 && lots.below(10) == 0 {
                let other = dependency(lots.below(at), lots.below(jobs_per_flow), Condition::Done);
                draft.dependencies.push(other);
            }
            edits.push(Edit::PutJob(draft));
        }
    }
    edits
}

/// `n` executors of this many slots, called `host0`, `host1`, ….
///
/// ```
/// # use hcndc_core::workload;
/// assert_eq!(workload::executors(2, 8).len(), 2);
/// ```
#[must_use]
pub fn executors(n: usize, slots: u32) -> Vec<Edit> {
    let draft = |at| ExecutorDraft::new(format!("host{at}"), format!("host{at}:7890"), slots);
    (0..n).map(|at| Edit::PutExecutor(draft(at))).collect()
}

fn one_flow(jobs: impl Iterator<Item = Edit>) -> Vec<Edit> {
    core::iter::once(flow(0, None)).chain(jobs).collect()
}

fn flow_name(at: usize) -> String {
    format!("flow{at}")
}

fn flow(at: usize, parents: impl IntoIterator<Item = usize>) -> Edit {
    let mut draft = FlowDraft::new(flow_name(at));
    let parents = parents.into_iter();
    draft.parents = parents.map(|at| FlowRef::Name(flow_name(at))).collect();
    Edit::PutFlow(draft)
}

fn draft(flow: usize, at: usize) -> JobDraft {
    JobDraft::new(FlowRef::Name(flow_name(flow)), format!("job{at}"), "true")
}

fn dependency(flow: usize, job: usize, condition: Condition) -> DependencyDraft {
    let (flow, job) = (flow_name(flow), format!("job{job}"));
    DependencyDraft::new(JobRef::Name { flow, job }, condition)
}

fn job(flow: usize, at: usize, after: impl IntoIterator<Item = usize>) -> Edit {
    let mut draft = draft(flow, at);
    let after = after.into_iter();
    draft.dependencies = after
        .map(|job| dependency(flow, job, Condition::Success))
        .collect();
    Edit::PutJob(draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{EditBatch, Engine, Input},
        time::Timestamp,
    };

    fn built(edits: Vec<Edit>) -> Engine {
        let mut engine = Engine::default();
        let by = String::from("ann");
        let batch = Input::Edit(EditBatch { by, edits });
        engine.apply(Timestamp::from_micros(0), batch).unwrap();
        engine
    }

    #[test]
    fn every_workload_is_a_mesh() {
        assert_eq!(built(chain(10)).mesh().size(), (10, 9));
        assert_eq!(built(fan(10)).mesh().size(), (12, 20));
        assert_eq!(built(diamonds(3)).mesh().size(), (12, 14));
        assert_eq!(built(layered(1, 5, 8, 1)).mesh().size(), (40, 32));
        for seed in 0..20 {
            let engine = built(bank_night(seed, 12, 13));
            assert_eq!(engine.mesh().size().0, 156);
            assert_eq!(engine.mesh().find_cycle(&[]), None);
        }
        for jobs in 0..6 {
            built(bank_night(7, 3, jobs));
        }
    }

    #[test]
    fn another_seed_is_another_night() {
        assert_ne!(bank_night(1, 8, 8), bank_night(2, 8, 8));
        assert_ne!(layered(1, 4, 8, 2), layered(2, 4, 8, 2));
    }
}
