//! Who is meant: ids for what is new, and names that the batch gives and takes away.

use alloc::{borrow::ToOwned as _, string::String, sync::Arc, vec::Vec};

use super::{
    Plan,
    nouns::{Draft, Planned, of_any_draft, of_any_id},
};
use crate::{
    engine::{DefinitionId, table::Noun},
    id::{FlowId, JobId},
    model::{DefinitionError, Edit, FlowRef, JobDraft, JobRef, Named as _, Ref},
};

impl<'a> Plan<'a> {
    pub(super) fn delete(&mut self) {
        let batch = self.batch;
        for (at, edit) in batch.edits.iter().enumerate() {
            let Some((id, version)) = edit.deletes() else {
                continue;
            };
            of_any_id!(
                id,
                flow flow => self.delete_flow(at, flow, version),
                job job => self.delete_job(at, job, version),
                self.delete_named(id, at, version)
            );
        }
    }

    fn delete_flow(&mut self, at: usize, flow: FlowId, version: Option<u32>) {
        let Some(old) = self.base.flow(flow) else {
            return self.unknown(at, "id", "flow", flow);
        };
        self.check_version(at, version, old.revision.version);
        self.gone.flows.insert(flow);
        let its = self.base.jobs_of(flow).map(|job| job.id);
        self.gone.jobs.extend(its);
    }

    fn delete_job(&mut self, at: usize, job: JobId, version: Option<u32>) {
        let Some(old) = self.base.job(job) else {
            return self.unknown(at, "id", "job", job);
        };
        self.check_version(at, version, old.revision.version);
        self.gone.jobs.insert(job);
    }

    fn delete_named<T: Planned>(&mut self, id: T::Id, at: usize, version: Option<u32>) {
        let Some(old) = T::table(self.base).get(id) else {
            return self.unknown(at, "id", T::KIND.as_str(), id);
        };
        self.check_version(at, version, old.revision().version);
        let its = T::puts_mut(&mut self.nouns);
        its.gone.insert(id);
        its.names.freed.insert(old.name().to_owned());
    }

    /// Names of what is deleted or replaced are free for others of the same batch.
    pub(super) fn free_names(&mut self) {
        let mut flows: Vec<FlowId> = self.gone.flows.iter().copied().collect();
        let mut jobs: Vec<JobId> = self.gone.jobs.iter().copied().collect();
        let batch = self.batch;
        for edit in &batch.edits {
            match edit {
                Edit::PutFlow(draft) => flows.extend(draft.id),
                Edit::PutJob(draft) => jobs.extend(draft.id),
                Edit::PutExecutor(draft) => self.free_name(draft),
                Edit::Put(draft) => of_any_draft!(draft, it => self.free_name(it)),
                Edit::DeleteFlow { .. }
                | Edit::DeleteJob { .. }
                | Edit::DeleteExecutor { .. }
                | Edit::Delete { .. } => {}
            }
        }
        let flows = flows.into_iter().filter_map(|id| self.base.flow(id));
        self.flow_names
            .freed
            .extend(flows.map(|flow| flow.name.as_str()));
        for job in jobs.into_iter().filter_map(|id| self.base.job(id)) {
            self.job_names
                .entry(job.flow)
                .or_default()
                .freed
                .insert(&job.name);
        }
    }

    fn free_name<D: Draft>(&mut self, draft: &D) {
        let id = draft.header().id;
        if let Some(old) = id.and_then(|id| <D::Noun as Noun>::table(self.base).get(id)) {
            let its = D::Noun::puts_mut(&mut self.nouns);
            its.names.freed.insert(old.name().to_owned());
        }
    }

    pub(super) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    pub(super) fn give_id(&mut self, at: usize, edit: &'a Edit) {
        let id = match edit {
            Edit::PutFlow(draft) => {
                let id = draft.id.unwrap_or_else(|| FlowId(self.take_id()));
                let in_force = self.base.flow_named(&draft.name).map(|flow| flow.id);
                if self.flow_names.find(&draft.name, in_force).is_some() {
                    self.fault(at, "name", DefinitionError::NameTaken);
                }
                self.flow_names.given.insert(&draft.name, id);
                DefinitionId::Flow(id)
            }
            Edit::PutExecutor(draft) => self.give_named_id(at, draft),
            Edit::Put(draft) => of_any_draft!(draft, it => self.give_named_id(at, it)),
            Edit::PutJob(draft) => {
                DefinitionId::Job(draft.id.unwrap_or_else(|| JobId(self.take_id())))
            }
            Edit::DeleteFlow { flow, .. } => DefinitionId::Flow(*flow),
            Edit::DeleteJob { job, .. } => DefinitionId::Job(*job),
            Edit::DeleteExecutor { executor, .. } => DefinitionId::Executor(*executor),
            Edit::Delete { definition, .. } => *definition,
        };
        self.ids.push(id);
    }

    fn give_named_id<D: Draft>(&mut self, at: usize, draft: &D) -> DefinitionId {
        let header = draft.header();
        let id = match header.id {
            Some(id) => id,
            None => D::Noun::new_id(self.take_id()),
        };
        let in_force = D::Noun::table(self.base).named(header.name);
        let in_force = in_force.map(|it| it.id());
        let names = &mut D::Noun::puts_mut(&mut self.nouns).names;
        let taken = names.find(header.name, in_force).is_some();
        names.given.insert(header.name.clone(), id);
        if taken {
            self.fault(at, "name", DefinitionError::NameTaken);
        }
        id.into()
    }

    pub(super) fn give_job_id(&mut self, at: usize, draft: &'a JobDraft) {
        let DefinitionId::Job(id) = self.ids[at] else {
            return;
        };
        let Some(flow) = self.flow_of_draft(draft) else {
            return;
        };
        self.job_flows[at] = Some(flow);
        let in_force = self.base.job_named(flow, &draft.name).map(|job| job.id);
        let names = self.job_names.entry(flow).or_default();
        let taken = names.find(&draft.name, in_force).is_some();
        names.given.insert(&draft.name, id);
        if taken {
            self.fault(at, "name", DefinitionError::NameTaken);
        }
    }

    /// The flow that a job says. Most jobs of a large batch come after one of the same flow.
    fn flow_of_draft(&mut self, draft: &'a JobDraft) -> Option<FlowId> {
        match (&draft.flow, self.last_flow) {
            (FlowRef::Name(name), Some((last, flow))) if name == last => Some(flow),
            (FlowRef::Name(name), _) => {
                let flow = self.flow_named(name)?;
                self.last_flow = Some((name, flow));
                Some(flow)
            }
            (FlowRef::Id(_), _) => self.find_flow(&draft.flow),
        }
    }

    pub(super) fn find_flow(&self, flow: &FlowRef) -> Option<FlowId> {
        match flow {
            FlowRef::Id(id) => {
                // Ids of what this batch makes are not known to its author.
                let id = self.base.flow(*id)?.id;
                (!self.gone.flows.contains(&id)).then_some(id)
            }
            FlowRef::Name(name) => self.flow_named(name),
        }
    }

    fn flow_named(&self, name: &str) -> Option<FlowId> {
        let in_force = self.base.flow_named(name).map(|flow| flow.id);
        let id = self.flow_names.find(name, in_force)?;
        (!self.gone.flows.contains(&id)).then_some(id)
    }

    /// A job that another one of the batch names, and its flow.
    pub(super) fn find_job(
        &self,
        from: &JobDraft,
        from_flow: Option<FlowId>,
        job: &JobRef,
    ) -> Option<(JobId, FlowId)> {
        let (id, flow) = match job {
            JobRef::Id(id) => self.base.job(*id).map(|job| (job.id, job.flow))?,
            JobRef::Name { flow, job } => {
                // Most of them are of its own flow.
                let own = matches!(&from.flow, FlowRef::Name(own) if own == flow);
                let flow = from_flow
                    .filter(|_| own)
                    .or_else(|| self.flow_named(flow))?;
                let in_force = self.base.job_named(flow, job).map(|job| job.id);
                let id = match self.job_names.get(&flow) {
                    Some(names) => names.find(job, in_force)?,
                    None => in_force?,
                };
                (id, flow)
            }
        };
        (!self.gone.jobs.contains(&id)).then_some((id, flow))
    }

    pub(super) fn find<T: Planned>(&self, reference: &Ref<T::Id>) -> Option<T::Id> {
        let its = T::puts(&self.nouns);
        let id = match reference {
            Ref::Id(id) => T::table(self.base).get(*id)?.id(),
            Ref::Name(name) => {
                let in_force = T::table(self.base).named(name).map(|it| it.id());
                its.names.find(name, in_force)?
            }
        };
        (!its.gone.contains(&id)).then_some(id)
    }

    /// The id of what a field names, or a fault.
    pub(super) fn named<T: Planned>(
        &mut self,
        at: usize,
        field: &str,
        reference: &Ref<T::Id>,
    ) -> Option<T::Id> {
        let found = self.find::<T>(reference);
        if found.is_none() {
            self.unknown(at, field, T::KIND.as_str(), reference);
        }
        found
    }

    /// A definition as it was before the batch, unless the batch deletes it.
    pub(super) fn before<T: Planned>(&self, id: T::Id) -> Option<&Arc<T>> {
        let gone = T::puts(&self.nouns).gone.contains(&id);
        T::table(self.base).get(id).filter(|_| !gone)
    }

    /// A definition as it is after the batch, as far as that has been put; `None` if the batch deletes it.
    pub(super) fn after<T: Planned>(&self, id: T::Id) -> Option<&Arc<T>> {
        let put = T::puts(&self.nouns).puts.get(&id);
        put.or_else(|| self.before(id))
    }

    /// What people call the thing that an edit deletes.
    pub(super) fn label(&self, id: DefinitionId) -> String {
        of_any_id!(
            id,
            flow flow => self.flow_label(flow),
            job job => self.base.job(job).map_or_else(
                || alloc::format!("{job}"),
                |job| self.base.job_label(job),
            ),
            self.named_label(id)
        )
    }

    fn named_label<T: Planned>(&self, id: T::Id) -> String {
        let found = T::table(self.base).get(id);
        found.map_or_else(|| alloc::format!("{id}"), |it| it.name().to_owned())
    }
}
