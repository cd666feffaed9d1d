//! The definitions in force: by id, by name, and as a mesh.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString as _},
    sync::Arc,
    vec::Vec,
};

use super::table::{Noun, Table};
use crate::{
    id::{FlowId, JobId},
    mesh::{DateTie, Mesh, Node},
    model::{
        AlertChannel, AlertRule, Calendar, DataSource, Definition, DefinitionId, Executor,
        FileEvent, FileServer, Flow, Job, JobParam, Named, Pool, Schedule, SharedParam, Webhook,
    },
    time::DataDate,
};

#[derive(Clone, Debug)]
struct FlowEntry {
    flow: Arc<Flow>,
    data_date: Option<DataDate>,
    jobs: BTreeSet<JobId>,
}

/// All definitions, each checked as a part of the whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions {
    flows: BTreeMap<FlowId, FlowEntry>,
    jobs: BTreeMap<JobId, Arc<Job>>,
    flow_names: BTreeMap<String, FlowId>,
    job_names: BTreeMap<FlowId, BTreeMap<String, JobId>>,
    pub(super) executors: Table<Executor>,
    pub(super) schedules: Table<Schedule>,
    pub(super) calendars: Table<Calendar>,
    pub(super) pools: Table<Pool>,
    pub(super) params: Table<SharedParam>,
    pub(super) data_sources: Table<DataSource>,
    pub(super) file_servers: Table<FileServer>,
    pub(super) file_events: Table<FileEvent>,
    pub(super) alert_channels: Table<AlertChannel>,
    pub(super) alert_rules: Table<AlertRule>,
    pub(super) webhooks: Table<Webhook>,
    /// What is needed, and by what; but for the ties of the mesh.
    users: BTreeSet<(DefinitionId, DefinitionId)>,
    /// Flows and jobs, as far as they wait for each other's runs of one date.
    mesh: Mesh,
    /// Jobs that wait for a job's runs of other dates.
    of_other_dates: BTreeMap<JobId, BTreeSet<JobId>>,
    /// Jobs that wait for runs of later dates.
    ahead: BTreeSet<JobId>,
    /// Jobs that take outputs of others.
    readers: BTreeSet<JobId>,
}

impl Definitions {
    /// Definitions that were checked before they were stored.
    pub(super) fn load(
        flows: Vec<(Arc<Flow>, Option<DataDate>)>,
        jobs: Vec<Arc<Job>>,
        executors: Vec<Arc<Executor>>,
        others: Vec<Definition>,
    ) -> Self {
        let mut definitions = Self::default();
        for executor in executors {
            definitions.put(executor);
        }
        for other in others {
            definitions.put_any(other);
        }
        for (flow, data_date) in flows {
            let id = flow.id;
            definitions.tie_flow(&flow);
            definitions.put_flow(flow);
            if let Some(entry) = definitions.flows.get_mut(&id) {
                entry.data_date = data_date;
            }
        }
        for job in jobs {
            definitions.tie_job(&job);
            definitions.put_job(job);
        }
        definitions
    }

    /// All definitions but flows, jobs and executors, by kind and id.
    pub(super) fn others(&self) -> impl Iterator<Item = Definition> {
        fn all<T: Named>(table: &Table<T>) -> impl Iterator<Item = Definition>
        where
            Definition: From<Arc<T>>,
        {
            table.iter().cloned().map(Definition::from)
        }
        all(&self.schedules)
            .chain(all(&self.calendars))
            .chain(all(&self.pools))
            .chain(all(&self.params))
            .chain(all(&self.data_sources))
            .chain(all(&self.file_servers))
            .chain(all(&self.file_events))
            .chain(all(&self.alert_channels))
            .chain(all(&self.alert_rules))
            .chain(all(&self.webhooks))
    }

    fn put_any(&mut self, definition: Definition) {
        match definition {
            Definition::Schedule(it) => self.put(it),
            Definition::Calendar(it) => self.put(it),
            Definition::Pool(it) => self.put(it),
            Definition::Param(it) => self.put(it),
            Definition::DataSource(it) => self.put(it),
            Definition::FileServer(it) => self.put(it),
            Definition::FileEvent(it) => self.put(it),
            Definition::AlertChannel(it) => self.put(it),
            Definition::AlertRule(it) => self.put(it),
            Definition::Webhook(it) => self.put(it),
        }
    }

    pub(super) fn put<T: Noun>(&mut self, it: Arc<T>) {
        let old = T::table_mut(self).put(Arc::clone(&it));
        let user = it.id().into();
        if let Some(old) = old {
            self.forget_user(user, old.needs());
        }
        let needs = it.needs().into_iter();
        self.users.extend(needs.map(|need| (need, user)));
    }

    pub(super) fn remove<T: Noun>(&mut self, id: T::Id) {
        if let Some(old) = T::table_mut(self).remove(id) {
            self.forget_user(id.into(), old.needs());
        }
    }

    fn forget_user(&mut self, user: DefinitionId, needs: Vec<DefinitionId>) {
        for need in needs {
            self.users.remove(&(need, user));
        }
    }

    /// What needs this, but for the ties of the mesh; by kind and id.
    pub(super) fn users(&self, need: DefinitionId) -> impl Iterator<Item = DefinitionId> {
        let first = (need, DefinitionId::Flow(FlowId(0)));
        let its = self.users.range(first..);
        its.take_while(move |(needed, _)| *needed == need)
            .map(|(_, user)| *user)
    }

    pub(super) fn flows(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.flows.values().map(|entry| &entry.flow)
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &Arc<Job>> {
        self.jobs.values()
    }

    pub(super) fn flow(&self, id: FlowId) -> Option<&Arc<Flow>> {
        self.flows.get(&id).map(|entry| &entry.flow)
    }

    pub(super) fn job(&self, id: JobId) -> Option<&Arc<Job>> {
        self.jobs.get(&id)
    }

    /// The jobs of a flow, by id.
    pub(super) fn jobs_of(&self, flow: FlowId) -> impl Iterator<Item = &Arc<Job>> {
        let ids = self
            .flows
            .get(&flow)
            .into_iter()
            .flat_map(|entry| &entry.jobs);
        ids.filter_map(|id| self.jobs.get(id))
    }

    pub(super) fn flow_named(&self, name: &str) -> Option<&Arc<Flow>> {
        self.flow_names.get(name).and_then(|id| self.flow(*id))
    }

    pub(super) fn job_named(&self, flow: FlowId, name: &str) -> Option<&Arc<Job>> {
        self.job_names
            .get(&flow)?
            .get(name)
            .and_then(|id| self.jobs.get(id))
    }

    pub(super) fn data_date(&self, flow: FlowId) -> Option<DataDate> {
        self.flows.get(&flow)?.data_date
    }

    pub(super) const fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// R3: the flow succeeded for this date. Tells whether its data date moved.
    pub(super) fn succeed(&mut self, flow: FlowId, date: DataDate) -> bool {
        let Some(entry) = self.flows.get_mut(&flow) else {
            return false;
        };
        let later = entry.data_date.is_none_or(|last| last < date);
        if later {
            entry.data_date = Some(date);
        }
        later
    }

    /// These flows, and if asked all flows behind them; by id. Flows that are not enabled pass nothing on.
    pub(super) fn selection(&self, flows: &[FlowId], downstream: bool) -> BTreeSet<FlowId> {
        let mut chosen: BTreeSet<FlowId> = flows.iter().copied().collect();
        let mut work: Vec<FlowId> = if downstream {
            flows.to_vec()
        } else {
            Vec::new()
        };
        while let Some(flow) = work.pop() {
            for next in self
                .mesh
                .flows_behind(flow, |job| self.jobs.get(&job).map(|job| job.flow))
            {
                if self.flow(next).is_some_and(|flow| flow.enabled) && chosen.insert(next) {
                    work.push(next);
                }
            }
        }
        chosen
    }

    fn tie_flow(&mut self, flow: &Flow) {
        self.mesh.put_flow(flow.id, flow.parents.iter().copied());
    }

    fn tie_job(&mut self, job: &Job) {
        let before = job.dependencies.iter();
        let before = before.filter(|it| it.is_of_same_date()).map(|it| it.job);
        self.mesh.put_job(job.id, job.flow, before);
    }

    /// Takes a flow that is tied into the mesh already.
    pub(super) fn put_flow(&mut self, flow: Arc<Flow>) {
        if let Some(old) = self.flow(flow.id).map(|old| old.name.clone())
            && self.flow_names.get(&old) == Some(&flow.id)
        {
            self.flow_names.remove(&old);
        }
        self.flow_names.insert(flow.name.clone(), flow.id);
        let (user, needs) = (flow.id.into(), flow.needs());
        match self.flows.get_mut(&flow.id) {
            Some(entry) => {
                let old = core::mem::replace(&mut entry.flow, flow);
                self.forget_user(user, old.needs());
            }
            None => {
                let entry = FlowEntry {
                    data_date: None,
                    jobs: BTreeSet::new(),
                    flow: Arc::clone(&flow),
                };
                self.flows.insert(flow.id, entry);
            }
        }
        self.users
            .extend(needs.into_iter().map(|need| (need, user)));
    }

    /// Takes a job that is tied into the mesh already.
    pub(super) fn put_job(&mut self, job: Arc<Job>) {
        let old = self.jobs.insert(job.id, Arc::clone(&job));
        let names = self.job_names.entry(job.flow).or_default();
        if let Some(old) = &old
            && old.name != job.name
            && names.get(&old.name) == Some(&job.id)
        {
            names.remove(&old.name);
        }
        if old.as_ref().is_none_or(|old| old.name != job.name) {
            names.insert(job.name.clone(), job.id);
        }
        if let Some(old) = old {
            self.forget_other_dates(&old);
            self.forget_user(job.id.into(), old.needs());
        } else if let Some(entry) = self.flows.get_mut(&job.flow) {
            entry.jobs.insert(job.id);
        }
        let needs = job.needs().into_iter();
        self.users.extend(needs.map(|need| (need, job.id.into())));
        for before in job.dependencies.iter().filter(|it| !it.is_of_same_date()) {
            let after = self.of_other_dates.entry(before.job).or_default();
            after.insert(job.id);
        }
        if looks_ahead(&job) {
            self.ahead.insert(job.id);
        }
        if read_by(&job).next().is_some() {
            self.readers.insert(job.id);
        }
    }

    /// Forgets a flow that is untied already.
    pub(super) fn remove_flow(&mut self, id: FlowId) {
        self.job_names.remove(&id);
        let Some(entry) = self.flows.remove(&id) else {
            return;
        };
        self.forget_user(id.into(), entry.flow.needs());
        if self.flow_names.get(&entry.flow.name) == Some(&id) {
            self.flow_names.remove(&entry.flow.name);
        }
    }

    /// Forgets a job that is untied already.
    pub(super) fn remove_job(&mut self, id: JobId) {
        let Some(job) = self.jobs.remove(&id) else {
            return;
        };
        self.forget_other_dates(&job);
        self.forget_user(id.into(), job.needs());
        if let Some(entry) = self.flows.get_mut(&job.flow) {
            entry.jobs.remove(&id);
        }
        if let Some(names) = self.job_names.get_mut(&job.flow)
            && names.get(&job.name) == Some(&id)
        {
            names.remove(&job.name);
        }
    }

    fn forget_other_dates(&mut self, job: &Job) {
        self.ahead.remove(&job.id);
        self.readers.remove(&job.id);
        for before in job.dependencies.iter().filter(|it| !it.is_of_same_date()) {
            if let Some(after) = self.of_other_dates.get_mut(&before.job) {
                after.remove(&job.id);
                if after.is_empty() {
                    self.of_other_dates.remove(&before.job);
                }
            }
        }
    }

    /// Jobs that depend on this one, for whatever date; by id.
    pub(super) fn dependents(&self, job: JobId) -> BTreeSet<JobId> {
        let of_other_dates = self.of_other_dates.get(&job).into_iter().flatten().copied();
        let mut dependents: BTreeSet<_> = of_other_dates.collect();
        dependents.extend(self.mesh.dependents(job));
        dependents
    }

    /// Ties flows and jobs as these say and unties those that go, finds out whether that makes a cycle, and if it does
    /// leaves all as it was; the same if a job takes outputs of one that it does not wait for. If not, the caller puts and removes the definitions themselves.
    pub(super) fn try_mesh(
        &mut self,
        gone_flows: &BTreeSet<FlowId>,
        gone_jobs: &BTreeSet<JobId>,
        flows: &[Arc<Flow>],
        jobs: &[Arc<Job>],
    ) -> Result<(), Untied> {
        // First, for a way through what goes is no cycle. Flows before jobs and new jobs before old ones: so the edges
        // of a flow to its jobs are found without a walk over all of them.
        for &flow in gone_flows {
            self.mesh.remove_flow(flow);
        }
        for &job in gone_jobs.iter().rev() {
            self.mesh.remove_job(job);
        }
        for flow in flows {
            self.tie_flow(flow);
        }
        for job in jobs {
            self.tie_job(job);
        }
        let changed: Vec<Node> = flows
            .iter()
            .map(|flow| Node::FlowStart(flow.id))
            .chain(jobs.iter().map(|job| Node::Job(job.id)))
            .collect();
        let cycle = match changed.as_slice() {
            // No changed node at all would ask for a look at everything.
            [] => None,
            changed => match self.mesh.find_cycle(changed) {
                Some(cycle) => Some(cycle.into_iter().map(|node| (node, 0)).collect()),
                None => self.find_circle_over_dates(gone_jobs, jobs),
            },
        };
        let untied = match cycle {
            Some(cycle) => Untied::Cycle(cycle),
            None => match self.find_blind_readers(gone_jobs, jobs) {
                readers if readers.is_empty() => return Ok(()),
                readers => Untied::NotUpstream(readers),
            },
        };
        // New ones go before old ones come back, which could be tied to their nodes otherwise.
        let new = |job: &&Arc<Job>| !self.jobs.contains_key(&job.id);
        for job in jobs.iter().rev().filter(new) {
            self.mesh.remove_job(job.id);
        }
        for flow in flows.iter().filter(|it| !self.flows.contains_key(&it.id)) {
            self.mesh.remove_flow(flow.id);
        }
        let flows = flows.iter().map(|flow| flow.id).chain(gone_flows.clone());
        let flows: Vec<_> = flows.filter_map(|id| self.flow(id).cloned()).collect();
        for old in flows {
            self.tie_flow(&old);
        }
        let jobs = jobs.iter().map(|job| job.id).chain(gone_jobs.clone());
        let jobs: Vec<_> = jobs.filter_map(|id| self.job(id).cloned()).collect();
        for old in jobs {
            self.tie_job(&old);
        }
        Err(untied)
    }

    /// Jobs that take outputs of jobs which they do not wait for, once all is tied: pairs of who takes and of whom.
    ///
    /// # Complexity
    /// O(readers * what comes before each), of all readers there are: any tie that goes may be one that a reader rests on.
    fn find_blind_readers(&self, gone: &BTreeSet<JobId>, jobs: &[Arc<Job>]) -> Vec<(JobId, JobId)> {
        // The jobs are sorted by id.
        let put = |id: &JobId| jobs.binary_search_by_key(id, |job| job.id).is_ok();
        let stays = |id: &&JobId| !gone.contains(id) && !put(id);
        let old = self.readers.iter().filter(stays);
        let old = old.filter_map(|id| self.jobs.get(id));
        let mut blind = Vec::new();
        for job in old.chain(jobs.iter()) {
            let of: BTreeSet<JobId> = read_by(job).collect();
            if of.is_empty() {
                continue;
            }
            let seen = self.mesh.find_before(Node::Job(job.id), &of);
            blind.extend(of.difference(&seen).map(|&upstream| (job.id, upstream)));
        }
        blind
    }

    /// The same for dependencies on other dates, once all is tied.
    fn find_circle_over_dates(
        &self,
        gone: &BTreeSet<JobId>,
        jobs: &[Arc<Job>],
    ) -> Option<Vec<(Node, i32)>> {
        // The jobs are sorted by id.
        let put = |id: &JobId| jobs.binary_search_by_key(id, |job| job.id).is_ok();
        let stays = |id: &&JobId| !gone.contains(id) && !put(id);
        let old = self.ahead.iter().filter(stays).count();
        if old == 0 && !jobs.iter().any(|job| looks_ahead(job)) {
            return None;
        }
        let waiting: BTreeSet<&JobId> = self.of_other_dates.values().flatten().collect();
        let waiting = waiting.into_iter().filter(stays);
        let waiting = waiting.filter_map(|id| self.jobs.get(id)).chain(jobs);
        let ties = waiting.flat_map(|job| {
            let its = job.dependencies.iter().filter(|it| !it.is_of_same_date());
            its.map(|it| DateTie {
                before: it.job,
                after: job.id,
                offset_days: it.offset_days,
            })
        });
        self.mesh.find_circle_over_dates(&ties.collect::<Vec<_>>())
    }

    /// A job as people name it.
    pub(super) fn job_label(&self, job: &Job) -> String {
        let flow = self
            .flow(job.flow)
            .map_or_else(|| job.flow.to_string(), |flow| flow.name.clone());
        alloc::format!("{flow}/{}", job.name)
    }
}

/// Why flows and jobs cannot be tied as they are to be.
pub(super) enum Untied {
    /// They would wait for themselves; with the distance of dates between a node and the one before it.
    Cycle(Vec<(Node, i32)>),
    /// Jobs take outputs of jobs that they do not wait for: who, and of whom.
    NotUpstream(Vec<(JobId, JobId)>),
}

/// The jobs whose outputs a job takes.
fn read_by(job: &Job) -> impl Iterator<Item = JobId> {
    job.params.iter().filter_map(|param| match param {
        JobParam::Own(_) | JobParam::Shared { .. } => None,
        JobParam::Output { output, .. } => Some(output.job),
    })
}

/// Whether a job waits for a run of a later date.
fn looks_ahead(job: &Job) -> bool {
    job.dependencies.iter().any(|it| it.offset_days > 0)
}
