//! What callers were promised: an accepted command is stored when it is answered; a refused one has left no trace.

use hcndc_core::{
    engine::{ActionKind, Change, DefinitionId, Input, Rejected, Reply, SettledAs, TriggerKind},
    id::{FileEventId, JobId},
    model::{Edit, Revision},
};

use super::super::oracle::Oracle;

/// Something that was asked.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    /// Whoever asked: a name that nobody else has.
    pub(crate) by: String,
    /// Whether what is done carries that name.
    pub(crate) signed: bool,
    /// What is recorded that they did to an execution.
    pub(crate) kind: Option<ActionKind>,
    /// For starts: the jobs that alone are asked for.
    pub(crate) only: Option<Vec<JobId>>,
    /// For files: which came.
    pub(crate) file: Option<(FileEventId, String)>,
    /// For edits: which of them delete something.
    pub(crate) deletes: Vec<bool>,
}

impl Promise {
    pub(crate) fn new(by: String, signed: bool, input: &Input) -> Self {
        let edits: &[Edit] = match input {
            Input::Edit(batch) => &batch.edits,
            _ => &[],
        };
        Self {
            by,
            signed,
            kind: action_of(input),
            file: match input {
                Input::FileArrived { event, key, .. } => Some((*event, key.clone())),
                _ => None,
            },
            only: match input {
                Input::Start(start) => start.jobs.clone(),
                _ => None,
            },
            deletes: edits.iter().map(|edit| edit.deletes().is_some()).collect(),
        }
    }
}

/// What a command does to an execution.
const fn action_of(input: &Input) -> Option<ActionKind> {
    Some(match input {
        Input::Stop { .. } => ActionKind::Stop,
        Input::Pause { .. } => ActionKind::Pause,
        Input::Unpause { .. } => ActionKind::Unpause,
        Input::Resume { .. } => ActionKind::Resume,
        Input::Rerun { .. } => ActionKind::Rerun,
        Input::Reset { .. } => ActionKind::Reset,
        Input::Kill { .. } => ActionKind::Kill,
        Input::Settle { settled, .. } => match settled {
            SettledAs::Skipped => ActionKind::Skip,
            SettledAs::Succeeded => ActionKind::MarkSucceeded,
        },
        _ => return None,
    })
}

/// What an edit in mid-run does; `None` if it is of no interest.
const fn edit_of(definition: &DefinitionId, deletes: bool) -> Option<&'static str> {
    Some(match (definition, deletes) {
        (DefinitionId::Pool(_), false) => "pool edited",
        (DefinitionId::Pool(_), true) => "pool deleted",
        (DefinitionId::Calendar(_), false) => "calendar edited",
        (DefinitionId::Calendar(_), true) => "calendar deleted",
        (DefinitionId::AlertRule(_), false) => "alert rule edited",
        (DefinitionId::AlertRule(_), true) => "alert rule deleted",
        (DefinitionId::AlertChannel(_), false) => "alert channel edited",
        (DefinitionId::AlertChannel(_), true) => "alert channel deleted",
        _ => return None,
    })
}

impl Oracle {
    /// Notes who did what is stored.
    pub(crate) fn note_doers(&mut self, change: &Change) {
        let mut signed = |revision: &Revision| {
            self.doers.insert(revision.updated_by.clone());
        };
        match change {
            Change::FlowPut(flow) => {
                signed(&flow.revision);
                self.put.insert(DefinitionId::Flow(flow.id));
            }
            Change::JobPut(job) => {
                signed(&job.revision);
                self.put.insert(DefinitionId::Job(job.id));
            }
            Change::ExecutorPut(executor) => {
                signed(&executor.revision);
                self.put.insert(DefinitionId::Executor(executor.id));
            }
            Change::DefinitionPut(definition) => {
                signed(definition.revision());
                let new = self.put.insert(definition.id());
                if let Some(what) = edit_of(&definition.id(), false).filter(|_| !new) {
                    *self.seen.entry(what).or_default() += 1;
                }
            }
            Change::DefinitionDeleted(id) => {
                if let Some(what) = edit_of(id, true) {
                    *self.seen.entry(what).or_default() += 1;
                }
            }
            Change::Execution(row) => {
                let new = !self.rows.executions.contains_key(&row.id);
                // What schedules and backfills start is started by the same again and again.
                let doubled = new
                    && row.trigger == TriggerKind::Manual
                    && self.doers.contains(&row.started_by);
                let (id, by) = (row.id, row.started_by.clone());
                self.holds("promise", !doubled, || {
                    format!("execution {id} is the second that {by} started")
                });
                let names = [&row.stopped_by, &row.paused_by, &row.resumed_by];
                self.doers.extend(names.into_iter().flatten().cloned());
                self.doers.insert(row.started_by.clone());
            }
            Change::Backfill(row) => {
                let names = [&row.stopped_by, &row.restarted_by];
                self.doers.extend(names.into_iter().flatten().cloned());
                self.doers.insert(row.started_by.clone());
            }
            _ => {}
        }
    }

    /// `promise`: an answer is true when it is given.
    pub(crate) fn answered(&mut self, promise: &Promise, answer: &Result<Reply, Rejected>) {
        let by = &promise.by;
        let is_done = self.doers.contains(by);
        let acted = self.acted.get(by).copied();
        let kept = match answer {
            Err(_) => !is_done && acted.is_none(),
            Ok(Reply::Started(id)) => {
                let row = self.rows.executions.get(id);
                row.is_some_and(|row| row.started_by == *by)
            }
            Ok(Reply::Edited(ids)) => {
                let is_there = |id: &DefinitionId| match id {
                    DefinitionId::Flow(id) => self.rows.flows.contains_key(id),
                    DefinitionId::Job(id) => self.rows.jobs.contains_key(id),
                    DefinitionId::Executor(id) => self.rows.executors.contains_key(id),
                    other => self.rows.definitions.contains_key(other),
                };
                // Nothing is stored of an edit that leaves a definition as it is, and of one that another undid at once.
                let kept = |(id, deletes): (&DefinitionId, &bool)| {
                    if *deletes {
                        !is_there(id)
                    } else {
                        is_done || is_there(id) || self.put.contains(id)
                    }
                };
                ids.len() == promise.deletes.len() && ids.iter().zip(&promise.deletes).all(kept)
            }
            Ok(Reply::BackfillStarted(_)) => is_done,
            Ok(Reply::Done) => {
                let file = promise.file.as_ref();
                let came = file.is_none_or(|file| self.rows.files.contains_key(file));
                (is_done || !promise.signed)
                    && came
                    && (promise.kind.is_none() || promise.kind == acted)
            }
        };
        let detail = format!("{by} was answered {answer:?}; stored: {is_done}, {acted:?}");
        self.holds("promise", kept, || detail);
    }
}
