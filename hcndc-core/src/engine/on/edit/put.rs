//! What is put: each draft becomes a definition, or faults.

use alloc::{
    borrow::ToOwned as _, collections::BTreeMap, collections::BTreeSet, string::ToString as _,
    sync::Arc, vec, vec::Vec,
};

use super::{LIVE_ATTEMPTS, Plan};
use crate::{
    engine::DefinitionId,
    id::{ExecutorId, FlowId},
    model::{
        Calendar, DataSource, DefinitionError, Dependency, Edit, Executor, ExecutorDraft, Flow,
        FlowDraft, Job, JobDraft, MOST_OUTSIDE_DEPENDENCIES, Placement, PlacementDraft, Pool,
        Revision,
    },
};

impl Plan<'_> {
    pub(super) fn revision(&self, old: Option<&Revision>) -> Revision {
        let by = &self.batch.by;
        match old {
            Some(old) => Revision {
                version: old.version.saturating_add(1),
                updated_at: self.now,
                updated_by: by.clone(),
                ..old.clone()
            },
            None => Revision {
                version: 1,
                created_at: self.now,
                created_by: by.clone(),
                updated_at: self.now,
                updated_by: by.clone(),
            },
        }
    }

    pub(super) fn put_flow(&mut self, at: usize, draft: &FlowDraft) {
        let DefinitionId::Flow(id) = self.ids[at] else {
            return;
        };
        let old = self
            .base
            .flow(id)
            .filter(|_| !self.gone.flows.contains(&id))
            .cloned();
        if draft.id.is_some() {
            match &old {
                Some(old) => self.check_version(at, draft.version, old.revision.version),
                None => self.unknown(at, "id", "flow", id),
            }
        }
        self.check_name(at, &draft.name, true);
        self.check_directory(at, &draft.directory);
        self.check_params(at, &draft.params);
        self.check_env(at, &draft.env);
        self.check_text(at, "workdir", &draft.workdir);
        self.check_text(at, "description", &draft.description);
        self.check_text(at, "owner", &draft.owner);
        if let Some(max_runs) = draft.max_runs {
            self.check_range(at, "max_runs", i64::from(max_runs), 1, 10_000);
        }
        self.check_not_zero(at, "timeout", draft.timeout);
        let retries = i64::from(draft.restart_retries);
        self.check_range(at, "restart_retries", retries, 0, 100);
        let mut parents = Vec::with_capacity(draft.parents.len());
        for parent in &draft.parents {
            match self.find_flow(parent) {
                Some(parent) => parents.push(parent),
                None => self.unknown(at, "parents", "flow", parent),
            }
        }
        self.sort_unique(at, "parents", &mut parents);
        let calendar = draft.calendar.as_ref();
        let calendar = calendar.and_then(|it| self.named::<Calendar>(at, "calendar", it));
        let flow = Flow {
            id,
            name: draft.name.clone(),
            directory: draft.directory.clone(),
            description: draft.description.clone(),
            owner: draft.owner.clone(),
            enabled: draft.enabled,
            priority: draft.priority,
            parents,
            params: draft.params.clone(),
            env: draft.env.clone(),
            workdir: draft.workdir.clone(),
            max_runs: draft.max_runs,
            timeout: draft.timeout,
            restart_retries: draft.restart_retries,
            restart_delay: draft.restart_delay,
            calendar,
            revision: self.revision(old.as_ref().map(|old| &old.revision)),
        };
        let same = |old: &Flow| {
            Flow {
                revision: flow.revision.clone(),
                ..old.clone()
            } == flow
        };
        if !old.as_deref().is_some_and(same) && self.flows.insert(id, Arc::new(flow)).is_some() {
            self.fault(
                at,
                "id",
                DefinitionError::Duplicate {
                    value: id.to_string(),
                },
            );
        }
    }

    pub(super) fn put_job(&mut self, at: usize, draft: &JobDraft) {
        let DefinitionId::Job(id) = self.ids[at] else {
            return;
        };
        let old = self
            .base
            .job(id)
            .filter(|_| !self.gone.jobs.contains(&id))
            .cloned();
        if draft.id.is_some() {
            match &old {
                Some(old) => self.check_version(at, draft.version, old.revision.version),
                None => self.unknown(at, "id", "job", id),
            }
        }
        let flow = self.job_flows[at];
        if flow.is_none() {
            self.unknown(at, "flow", "flow", &draft.flow);
        }
        if let (Some(old), Some(flow)) = (&old, flow)
            && old.flow != flow
        {
            self.fault(at, "flow", DefinitionError::FlowChanged);
        }
        self.check_name(at, &draft.name, false);
        self.check_range(at, "slots", i64::from(draft.slots), 1, 1000);
        self.check_range(at, "retry.max", i64::from(draft.retry.max), 0, 100);
        let backoff = i64::from(draft.retry.backoff_permille);
        self.check_range(at, "retry.backoff_permille", backoff, 1000, 100_000);
        for (field, error) in draft.kind.faults(&draft.command) {
            self.fault(at, &field, error);
        }
        for (field, text) in draft.kind.texts() {
            self.check_text(at, &field, text);
        }
        self.check_not_zero(at, "timeout", draft.timeout);
        self.check_not_zero(at, "expected", draft.expected);
        self.check_range(at, "pool_slots", i64::from(draft.pool_slots), 1, 1000);
        self.check_text(at, "command", &draft.command);
        self.check_text(at, "workdir", &draft.workdir);
        self.check_text(at, "description", &draft.description);
        self.check_env(at, &draft.env);
        let placement = self.placement(at, &draft.placement);
        let params = self.job_params(at, draft, flow);
        let pool = draft.pool.as_ref();
        let pool = pool.and_then(|pool| self.named::<Pool>(at, "pool", pool));
        let kind = draft
            .kind
            .with_source(|it| self.named::<DataSource>(at, "sql.data_source", it));
        let dependencies = self.dependencies(at, draft, flow);
        let mut success_codes = draft.success_codes.clone();
        success_codes.sort_unstable();
        success_codes.dedup();
        if success_codes.is_empty() {
            success_codes.push(0);
        }
        let (Some(flow), Some(kind)) = (flow, kind) else {
            return;
        };
        let job = Job {
            id,
            flow,
            name: draft.name.clone(),
            description: draft.description.clone(),
            enabled: draft.enabled,
            priority: draft.priority,
            dependencies,
            placement,
            slots: draft.slots,
            kind,
            command: draft.command.clone(),
            params,
            env: draft.env.clone(),
            workdir: draft.workdir.clone(),
            success_codes,
            retry: draft.retry,
            timeout: draft.timeout,
            pool,
            pool_slots: draft.pool_slots,
            expected: draft.expected,
            revision: self.revision(old.as_ref().map(|old| &old.revision)),
        };
        let same = |old: &Job| {
            Job {
                revision: job.revision.clone(),
                ..old.clone()
            } == job
        };
        if !old.as_deref().is_some_and(same) && self.jobs.insert(id, Arc::new(job)).is_some() {
            self.fault(
                at,
                "id",
                DefinitionError::Duplicate {
                    value: id.to_string(),
                },
            );
        }
    }

    pub(super) fn put_executor(
        &mut self,
        at: usize,
        draft: &ExecutorDraft,
        busy: &BTreeSet<ExecutorId>,
    ) {
        self.put_named(at, draft, |plan, put| {
            plan.check_range(at, "slots", i64::from(draft.slots), 1, 100_000);
            if draft.address.trim().is_empty() {
                plan.fault(at, "address", DefinitionError::Empty);
            }
            plan.check_text(at, "address", &draft.address);
            let moved = |old: &Arc<Executor>| old.address != draft.address;
            // Who answers at the new address does not hold them: they would count as lost, and run a second time.
            if busy.contains(&put.id) && put.old.is_some_and(moved) {
                let users = vec![LIVE_ATTEMPTS.to_owned()];
                plan.fault(at, "address", DefinitionError::InUse { users });
            }
            if draft.labels.keys().any(|key| key.trim().is_empty()) {
                plan.fault(at, "labels", DefinitionError::Empty);
            }
            Some(Executor {
                id: put.id,
                name: draft.name.clone(),
                description: draft.description.clone(),
                address: draft.address.clone(),
                labels: draft.labels.clone(),
                slots: draft.slots,
                enabled: draft.enabled,
                revision: put.revision,
            })
        });
    }

    /// What a job of this flow waits for.
    fn dependencies(
        &mut self,
        at: usize,
        from: &JobDraft,
        flow: Option<FlowId>,
    ) -> Vec<Dependency> {
        let mut dependencies = Vec::with_capacity(from.dependencies.len());
        let mut outside = 0;
        for draft in &from.dependencies {
            let offset = i64::from(draft.offset_days);
            self.check_range(at, "dependencies.offset_days", offset, -366, 366);
            self.check_not_zero(at, "dependencies.wait_limit", draft.wait_limit);
            let Some((job, its_flow)) = self.find_job(from, flow, &draft.job) else {
                self.unknown(at, "dependencies", "job", &draft.job);
                continue;
            };
            let dependency = Dependency {
                job,
                condition: draft.condition,
                offset_days: draft.offset_days,
                wait_limit: draft.wait_limit,
            };
            if !dependency.is_of_same_date() || Some(its_flow) != flow {
                outside += 1;
            }
            dependencies.push(dependency);
        }
        if outside > MOST_OUTSIDE_DEPENDENCIES {
            let (count, max) = (outside, MOST_OUTSIDE_DEPENDENCIES);
            self.fault(at, "dependencies", DefinitionError::TooMany { count, max });
        }
        dependencies.sort_unstable_by_key(|it| (it.job, it.offset_days, it.condition));
        let same = |pair: &&[Dependency]| {
            (pair[0].job, pair[0].offset_days) == (pair[1].job, pair[1].offset_days)
        };
        let twice = dependencies.windows(2).filter(same).map(|pair| pair[0].job);
        for job in twice.collect::<BTreeSet<_>>() {
            let value = job.to_string();
            self.fault(at, "dependencies", DefinitionError::Duplicate { value });
        }
        dependencies
    }

    pub(super) fn placement(&mut self, at: usize, draft: &PlacementDraft) -> Placement {
        match draft {
            PlacementDraft::Any => Placement::Any,
            PlacementDraft::Executor(executor) => self
                .named::<Executor>(at, "executor", executor)
                .map_or(Placement::Any, Placement::Executor),
            PlacementDraft::Labels(labels) => {
                if labels.is_empty() {
                    self.fault(at, "labels", DefinitionError::Empty);
                }
                Placement::Labels(labels.clone())
            }
        }
    }

    /// Two executors at one address would each end the other's attempts as strangers, and count its slots twice.
    pub(super) fn check_addresses(&mut self) {
        let puts = |edit: &Edit| matches!(edit, Edit::PutExecutor(_));
        if !self.batch.edits.iter().any(puts) {
            return;
        }
        let mut at_address: BTreeMap<&str, Vec<&Arc<Executor>>> = BTreeMap::new();
        let its = &self.nouns.executors;
        let stay = self.base.executors.iter().filter(|executor| {
            !its.gone.contains(&executor.id) && !its.puts.contains_key(&executor.id)
        });
        for executor in stay.chain(its.puts.values()) {
            at_address
                .entry(executor.address.trim())
                .or_default()
                .push(executor);
        }
        let mut taken = Vec::new();
        for (at, edit) in self.batch.edits.iter().enumerate() {
            if let (Edit::PutExecutor(draft), DefinitionId::Executor(id)) = (edit, self.ids[at])
                && let address = draft.address.trim()
                && !address.is_empty()
                && let Some(there) = at_address.get(address)
                && let Some(other) = there.iter().find(|other| other.id != id)
            {
                taken.push((at, other.name.clone()));
            }
        }
        for (at, by) in taken {
            self.fault(at, "address", DefinitionError::AddressTaken { by });
        }
    }
}
