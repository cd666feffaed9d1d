//! What several definitions share must suit each of them after the batch.

use alloc::{
    borrow::ToOwned as _,
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::Plan;
use crate::{
    engine::DefinitionId,
    id::{DataSourceId, FlowId, JobId, ParamId, PoolId},
    model::{
        DataSource, DataSourceKind, DefinitionError, Edit, Job, JobDraft, JobKind, JobParam,
        JobParamDraft, OutputSource, OutputSourceDraft, Param, Pool, SharedParam,
    },
    outputs,
};

impl Plan<'_> {
    /// A job's params, without regard to the names of those that it shares: they may change in the same batch.
    pub(super) fn job_params(
        &mut self,
        at: usize,
        from: &JobDraft,
        flow: Option<FlowId>,
    ) -> Vec<JobParam> {
        let drafts = &from.params;
        let own = drafts.iter().filter_map(|draft| match draft {
            JobParamDraft::Own(param) => Some(param.clone()),
            JobParamDraft::Shared { .. } => None,
            JobParamDraft::Output { name, output } => Some(Param {
                name: name.clone(),
                value: output.default.clone().unwrap_or_default(),
            }),
        });
        self.check_params(at, &own.collect::<Vec<_>>());
        let mut params = Vec::with_capacity(drafts.len());
        for draft in drafts {
            match draft {
                JobParamDraft::Own(param) => params.push(JobParam::Own(param.clone())),
                JobParamDraft::Shared { shared } => {
                    let shared = self.named::<SharedParam>(at, "params", shared);
                    params.extend(shared.map(|shared| JobParam::Shared { shared }));
                }
                JobParamDraft::Output { name, output } => {
                    self.check_output(at, output);
                    let Some((job, _)) = self.find_job(from, flow, &output.job) else {
                        self.unknown(at, "params", "job", &output.job);
                        continue;
                    };
                    params.push(JobParam::Output {
                        name: name.clone(),
                        output: OutputSource {
                            job,
                            name: output.name.clone(),
                            default: output.default.clone(),
                        },
                    });
                }
            }
        }
        params
    }

    /// Whether a job could put out such a value. Whose it is is looked at when all is tied.
    fn check_output(&mut self, at: usize, output: &OutputSourceDraft) {
        let value = output.name.clone();
        if !outputs::is_name(&value) {
            self.fault(at, "params", DefinitionError::BadOutputName { value });
        } else if outputs::is_secret_name(&value) {
            self.fault(at, "params", DefinitionError::SecretOutput { value });
        }
    }

    /// Checks pools and shared params against the jobs that use them, where either changes.
    pub(super) fn check_shared(&mut self) {
        let batch = self.batch;
        for (at, edit) in batch.edits.iter().enumerate() {
            match (edit, self.ids[at]) {
                (Edit::PutJob(_), DefinitionId::Job(job)) => self.check_job(at, job),
                (Edit::Put(_), DefinitionId::Pool(pool)) => self.check_pool(at, pool),
                (Edit::Put(_), DefinitionId::Param(param)) => self.check_param(at, param),
                (Edit::Put(_), DefinitionId::DataSource(source)) => self.check_source(at, source),
                _ => {}
            }
        }
    }

    fn check_job(&mut self, at: usize, job: JobId) {
        let Some(job) = self.jobs.get(&job).cloned() else {
            return;
        };
        if let Some(pool) = job.pool.and_then(|pool| self.after::<Pool>(pool)) {
            let slots = i64::from(pool.slots.min(1_000));
            // A number that is wrong in itself has been named.
            if job.pool_slots <= 1_000 && slots >= 1 && i64::from(job.pool_slots) > slots {
                self.check_range(at, "pool_slots", i64::from(job.pool_slots), 1, slots);
            }
        }
        let source = job.kind.data_source();
        let source = source.and_then(|source| self.after::<DataSource>(*source));
        if let Some(kind) = source.map(|it| it.kind) {
            self.check_statements(at, "sql.data_source", kind);
            if is_whole(&job) {
                self.check_transaction(at, "sql.transaction", kind);
            }
        }
        for value in self.shared_names_twice(&job) {
            self.fault(at, "params", DefinitionError::Duplicate { value });
        }
    }

    /// Jobs that stay as they are must still fit into a pool that shrinks.
    fn check_pool(&mut self, at: usize, pool: PoolId) {
        let (Some(new), Some(old)) = (self.nouns.pools.puts.get(&pool), self.base.pools.get(pool))
        else {
            return;
        };
        let (slots, shrinks) = (new.slots, new.slots < old.slots);
        if !shrinks || slots == 0 {
            return;
        }
        let largest = self.jobs_that_stay(pool.into());
        let largest = largest.map(|job| job.pool_slots).max().unwrap_or(0);
        if largest > slots {
            let (value, min) = (i64::from(slots), i64::from(largest));
            self.check_range(at, "slots", value, min, 100_000);
        }
    }

    /// Jobs that stay as they are must still have names that differ.
    fn check_param(&mut self, at: usize, param: ParamId) {
        let Some(new) = self.nouns.params.puts.get(&param) else {
            return;
        };
        let value = new.name.clone();
        let twice = self
            .jobs_that_stay(param.into())
            .any(|job| self.shared_names_twice(job).contains(&value));
        if twice {
            self.fault(at, "name", DefinitionError::Duplicate { value });
        }
    }

    /// Jobs that stay as they are must still be able to run their statements.
    fn check_source(&mut self, at: usize, source: DataSourceId) {
        let Some(kind) = self.nouns.data_sources.puts.get(&source).map(|it| it.kind) else {
            return;
        };
        if self.jobs_that_stay(source.into()).next().is_some() {
            self.check_statements(at, "kind", kind);
        }
        if self.jobs_that_stay(source.into()).any(is_whole) {
            self.check_transaction(at, "kind", kind);
        }
    }

    fn check_transaction(&mut self, at: usize, field: &str, kind: DataSourceKind) {
        if !kind.has_transactions() {
            let kind = kind.as_str().to_owned();
            self.fault(at, field, DefinitionError::NoTransaction { kind });
        }
    }

    fn check_statements(&mut self, at: usize, field: &str, kind: DataSourceKind) {
        if !kind.runs_statements() {
            let kind = kind.as_str().to_owned();
            self.fault(at, field, DefinitionError::NoStatements { kind });
        }
    }

    /// Jobs that need this and that the batch leaves alone.
    fn jobs_that_stay(&self, need: DefinitionId) -> impl Iterator<Item = &Job> {
        self.base.users(need).filter_map(|user| {
            let DefinitionId::Job(job) = user else {
                return None;
            };
            let touched = self.jobs.contains_key(&job) || self.gone.jobs.contains(&job);
            self.base.job(job).filter(|_| !touched).map(|job| &**job)
        })
    }

    fn shared<'b>(&'b self, job: &'b Job) -> impl Iterator<Item = &'b SharedParam> {
        job.params.iter().filter_map(|param| match param {
            JobParam::Own(_) | JobParam::Output { .. } => None,
            JobParam::Shared { shared } => self.after::<SharedParam>(*shared).map(|it| &**it),
        })
    }

    /// Names of shared params that another of the job's params has too.
    fn shared_names_twice(&self, job: &Job) -> BTreeSet<String> {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for param in &job.params {
            match param {
                JobParam::Own(Param { name, .. }) | JobParam::Output { name, .. } => {
                    counts.insert(name, 1);
                }
                JobParam::Shared { .. } => {}
            }
        }
        let mut twice = BTreeSet::new();
        for shared in self.shared(job) {
            let count = counts.entry(&shared.name).or_default();
            *count += 1;
            if *count == 2 {
                twice.insert(shared.name.clone());
            }
        }
        twice
    }
}

/// Whether a job's statements are to count all or none.
fn is_whole(job: &Job) -> bool {
    matches!(&job.kind, JobKind::Sql(script) if script.transaction)
}
