//! What is written down of what callers do: the audit trail.
//!
//! The server that carries a change out writes it, before it answers. A change whose entry cannot be written stands, for
//! it is stored; then the log says so loudly.

use std::{sync::Arc, time::Duration};

use hcndc_core::{
    engine::{Engine, Input, Reply, SettledAs},
    model::{Definition, DefinitionId, Edit, Revision, Secret},
    port::{AuditEntry, Clock as _},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    caller::{Caller, Proof, Visitor},
    executors::ExecutorBody,
    flows::FlowBody,
    jobs::JobBody,
};
use crate::{
    app::App,
    causes::with_causes,
    interchange::{secret_field, tell_single},
};

/// How long an answer waits for the trail.
const PATIENCE: Duration = Duration::from_secs(5);

/// What somebody did to something.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    action: &'static str,
    kind: String,
    object: Option<u64>,
    name: String,
    before: Option<String>,
    after: Option<String>,
}

fn to_json<T: Serialize + ?Sized>(value: &T) -> Option<String> {
    // What is told over the API is told here.
    serde_json::to_string(value).ok()
}

impl Deed {
    /// An action on something of this kind.
    pub(super) fn new(action: &'static str, kind: &str) -> Self {
        Self {
            action,
            kind: kind.replace(' ', "_"),
            object: None,
            name: String::new(),
            before: None,
            after: None,
        }
    }

    /// On this one.
    pub(super) fn on(self, id: u64, name: impl Into<String>) -> Self {
        Self {
            object: Some(id),
            name: name.into(),
            ..self
        }
    }

    /// On one of this name, which has no id.
    pub(super) fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// Made or changed by an import.
    pub(super) fn put<V: Serialize>(kind: &str, before: Option<&V>, after: &V) -> Self {
        let action = before.map_or("create", |_| "change");
        Self {
            before: before.and_then(to_json),
            ..Self::new(action, kind).after(after)
        }
    }

    /// Which was this before.
    pub(super) fn before<V: Serialize + ?Sized>(self, before: &V) -> Self {
        Self {
            before: to_json(before),
            ..self
        }
    }

    /// Which is this now.
    pub(super) fn after<V: Serialize + ?Sized>(self, after: &V) -> Self {
        Self {
            after: to_json(after),
            ..self
        }
    }
}

/// A definition as it is told in the trail: in the form of its bodies, so that people find in it what they wrote.
#[derive(Clone, Debug)]
pub(super) struct Told {
    id: DefinitionId,
    name: String,
    /// Where it is filed; a job where its flow is.
    pub(super) directory: String,
    json: Map<String, Value>,
    /// As it is stored, which is sealed: whether it is another one is all that is ever told.
    secret: Secret,
}

/// What stands for a secret.
const SECRET: &str = "***";
/// What stands for one that differs from the one before.
const NEW_SECRET: &str = "*** (new)";

impl Told {
    /// What an edit is about, if that is there already.
    pub(super) fn target(edit: &Edit) -> Option<DefinitionId> {
        let deleted = || edit.deletes().map(|(id, _)| id);
        edit.replaces().or_else(deleted)
    }

    /// The definition of this id, as it is now.
    pub(super) fn of(engine: &Engine, id: DefinitionId) -> Option<Self> {
        let definition: Definition = match id {
            DefinitionId::Flow(flow) => {
                let flow = engine.flow(flow)?;
                return Some(Self {
                    id,
                    name: flow.name.clone(),
                    directory: flow.directory.clone(),
                    json: with_version(&FlowBody::in_engine(flow, engine), &flow.revision),
                    secret: Secret::default(),
                });
            }
            DefinitionId::Job(job) => {
                let job = engine.job(job)?;
                let flow = engine.flow(job.flow)?;
                let mut json = Map::new();
                json.insert("flow".to_owned(), flow.name.clone().into());
                json.append(&mut with_version(&JobBody::of(job, engine), &job.revision));
                return Some(Self {
                    id,
                    name: format!("{}/{}", flow.name, job.name),
                    directory: flow.directory.clone(),
                    json,
                    secret: Secret::default(),
                });
            }
            DefinitionId::Executor(executor) => {
                let executor = engine.executor(executor)?;
                return Some(Self {
                    id,
                    name: executor.name.clone(),
                    directory: String::from("/"),
                    json: with_version(&ExecutorBody::of(executor), &executor.revision),
                    secret: Secret::default(),
                });
            }
            DefinitionId::Schedule(it) => Arc::clone(engine.schedule(it)?).into(),
            DefinitionId::Calendar(it) => Arc::clone(engine.calendar(it)?).into(),
            DefinitionId::Pool(it) => Arc::clone(engine.pool(it)?).into(),
            DefinitionId::Param(it) => Arc::clone(engine.param(it)?).into(),
            DefinitionId::DataSource(it) => Arc::clone(engine.data_source(it)?).into(),
            DefinitionId::FileServer(it) => Arc::clone(engine.file_server(it)?).into(),
            DefinitionId::FileEvent(it) => Arc::clone(engine.file_event(it)?).into(),
            DefinitionId::AlertChannel(it) => Arc::clone(engine.alert_channel(it)?).into(),
            DefinitionId::AlertRule(it) => Arc::clone(engine.alert_rule(it)?).into(),
            DefinitionId::Webhook(it) => Arc::clone(engine.webhook(it)?).into(),
        };
        let secret = secret_of(&definition);
        let mut json = tell_single(engine, &definition);
        if let Some(field) = secret_field(id.kind()) {
            let stars = if secret.is_empty() { "" } else { SECRET };
            json.insert(field.to_owned(), stars.into());
        }
        json.insert("version".to_owned(), definition.revision().version.into());
        Some(Self {
            id,
            name: definition.name().to_owned(),
            directory: definition.directory().to_owned(),
            json,
            secret,
        })
    }

    /// Beside how it was before: whether its secret is another one.
    fn told_after(mut self, before: Option<&Self>) -> Self {
        let is_new = before.is_some_and(|it| !self.secret.is_empty() && it.secret != self.secret);
        if let Some(field) = secret_field(self.id.kind()).filter(|_| is_new) {
            self.json.insert(field.to_owned(), NEW_SECRET.into());
        }
        self
    }
}

fn with_version<T: Serialize>(body: &T, revision: &Revision) -> Map<String, Value> {
    let mut told = match serde_json::to_value(body) {
        Ok(Value::Object(told)) => told,
        _ => Map::new(),
    };
    told.insert("version".to_owned(), revision.version.into());
    told
}

fn secret_of(definition: &Definition) -> Secret {
    match definition {
        Definition::DataSource(it) => it.password.clone(),
        Definition::FileServer(it) => it.password.clone(),
        Definition::AlertChannel(it) => it.secret.clone(),
        Definition::Webhook(it) => it.secret.clone(),
        Definition::Schedule(_)
        | Definition::Calendar(_)
        | Definition::Pool(_)
        | Definition::Param(_)
        | Definition::FileEvent(_)
        | Definition::AlertRule(_) => Secret::default(),
    }
}

/// What is known of a command before it is carried out, for the trail.
pub(super) enum Before {
    /// Nobody keeps a trail, or it has no place there.
    Nothing,
    /// What the edits are about.
    Edits(Vec<Option<Told>>),
    /// Schedules that are switched on or off.
    Switch {
        /// Which.
        action: &'static str,
        /// How they are.
        schedules: Vec<Told>,
    },
    /// It is told whole.
    Deeds(Vec<Deed>),
}

impl<H, T> App<H, T> {
    /// What is to be known of a command before it is carried out.
    pub(super) async fn before(&self, input: &Input) -> Before {
        if self.auth.is_none() {
            return Before::Nothing;
        }
        match input {
            Input::Edit(batch) => {
                let targets: Vec<_> = batch.edits.iter().map(Told::target).collect();
                let told = self
                    .look(move |engine| {
                        let told = targets.into_iter();
                        told.map(|id| id.and_then(|id| Told::of(engine, id)))
                            .collect()
                    })
                    .await;
                told.map_or(Before::Nothing, Before::Edits)
            }
            Input::PauseSchedules {
                schedules, paused, ..
            } => {
                let action = if *paused { "pause" } else { "resume" };
                let ids: Vec<_> = schedules.iter().copied().map(DefinitionId::from).collect();
                let told = self.look(move |engine| tell_all(engine, ids)).await;
                told.map_or(Before::Nothing, |told| Before::Switch {
                    action,
                    schedules: told.into_iter().flatten().collect(),
                })
            }
            other => Before::Deeds(deeds(other)),
        }
    }

    /// Writes down that a command was carried out.
    pub(super) async fn carried_out(&self, caller: &Caller, before: Before, reply: &Reply) {
        let deeds = match before {
            Before::Nothing => return,
            Before::Deeds(mut deeds) => {
                // What was run on its own account has an id only now.
                let started = match reply {
                    Reply::Started(id) => Some(id.0),
                    Reply::BackfillStarted(id) => Some(id.0),
                    Reply::Done | Reply::Edited(_) => None,
                };
                for deed in &mut deeds {
                    deed.object = deed.object.or(started);
                }
                deeds
            }
            Before::Edits(before) => {
                let Reply::Edited(ids) = reply else { return };
                let ids = ids.clone();
                let after = self.look(move |engine| tell_all(engine, ids)).await;
                edited(before, after.unwrap_or_default())
            }
            Before::Switch { action, schedules } => {
                let ids = schedules.iter().map(|it| it.id).collect();
                let after = self.look(move |engine| tell_all(engine, ids)).await;
                let after = after.unwrap_or_default();
                let pairs = schedules.into_iter().zip(after);
                let switched = pairs.filter_map(|(before, after)| {
                    let after = after?;
                    // One that was so already has not changed.
                    if before.json == after.json {
                        return None;
                    }
                    let deed = Deed::new(action, before.id.kind().as_str());
                    let deed = deed.on(before.id.number(), before.name.clone());
                    Some(deed.before(&before.json).after(&after.json))
                });
                switched.collect()
            }
        };
        self.write_down(&caller.visitor, &caller.by, method(&caller.proof), deeds)
            .await;
    }

    /// Writes down what a caller did to what is no engine's.
    pub(super) async fn did(&self, caller: &Caller, deed: Deed) {
        self.did_all(caller, vec![deed]).await;
    }

    /// The same of several things.
    pub(super) async fn did_all(&self, caller: &Caller, deeds: Vec<Deed>) {
        self.write_down(&caller.visitor, &caller.by, method(&caller.proof), deeds)
            .await;
    }

    /// Writes down what somebody at the door did.
    pub(super) async fn write_down(
        &self,
        visitor: &Visitor,
        account: &str,
        method: &'static str,
        deeds: Vec<Deed>,
    ) {
        let Some(auth) = self.auth.as_deref().filter(|_| !deeds.is_empty()) else {
            return;
        };
        let at = self.clock.now();
        let entries: Vec<_> = deeds
            .into_iter()
            .map(|deed| AuditEntry {
                at,
                account: account.chars().take(255).collect(),
                address: visitor.address.clone(),
                method: method.to_owned(),
                action: deed.action.to_owned(),
                kind: deed.kind,
                object: deed.object,
                name: deed.name,
                before: deed.before,
                after: deed.after,
            })
            .collect();
        let written = tokio::time::timeout(PATIENCE, auth.accounts().record(&entries)).await;
        let error = match written {
            Ok(Ok(())) => return,
            Ok(Err(error)) => with_causes(&error),
            Err(_) => String::from("the database does not answer"),
        };
        for entry in &entries {
            let AuditEntry {
                account,
                action,
                kind,
                object,
                ..
            } = entry;
            tracing::error!(
                account,
                action,
                kind,
                object,
                error,
                "NOT in the audit trail"
            );
        }
    }
}

const fn method(proof: &Proof) -> &'static str {
    match proof {
        Proof::Nothing => "open",
        Proof::Session { .. } => "session",
        Proof::Token { .. } => "token",
    }
}

fn tell_all(engine: &Engine, ids: Vec<DefinitionId>) -> Vec<Option<Told>> {
    let ids = ids.into_iter();
    ids.map(|id| Told::of(engine, id)).collect()
}

/// What edits did: ids of what was put stand in the order of the edits that put something.
fn edited(before: Vec<Option<Told>>, after: Vec<Option<Told>>) -> Vec<Deed> {
    let mut after = after.into_iter();
    let deeds = before.into_iter().map(|before| {
        let after = after.next().flatten();
        // Without a change there is nothing to be told.
        if let (Some(before), Some(after)) = (&before, &after)
            && before.json == after.json
        {
            return None;
        }
        let action = match (&before, &after) {
            (None, Some(_)) => "create",
            (Some(_), Some(_)) => "change",
            (Some(_), None) => "delete",
            (None, None) => return None,
        };
        let after = after.map(|it| it.told_after(before.as_ref()));
        let it = after.as_ref().or(before.as_ref())?;
        Some(Deed {
            before: before.as_ref().and_then(|it| to_json(&it.json)),
            after: after.as_ref().and_then(|it| to_json(&it.json)),
            ..Deed::new(action, it.id.kind().as_str()).on(it.id.number(), it.name.clone())
        })
    });
    deeds.flatten().collect()
}

/// What a command other than edits does, as far as people give it.
fn deeds(input: &Input) -> Vec<Deed> {
    let execution = |action, id: &hcndc_core::id::ExecutionId| {
        vec![Deed::new(action, "execution").on(id.0, String::new())]
    };
    let numbers = |ids: &[hcndc_core::id::JobRunId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
    let with = |mut deeds: Vec<Deed>, after: Value| {
        for deed in &mut deeds {
            deed.after = to_json(&after);
        }
        deeds
    };
    match input {
        Input::Start(start) => {
            let flows: Vec<_> = start.flows.iter().map(|id| id.0).collect();
            let jobs = start.jobs.as_ref();
            let jobs = jobs.map(|jobs| jobs.iter().map(|id| id.0).collect::<Vec<_>>());
            let after = json!({
                "flows": flows,
                "jobs": jobs,
                "downstream": start.downstream,
                "data_date": start.data_date.to_string(),
                "date_format": start.date_format,
            });
            with(vec![Deed::new("start", "execution")], after)
        }
        Input::Stop { execution: id, .. } => execution("stop", id),
        Input::Pause { execution: id, .. } => execution("pause", id),
        Input::Unpause { execution: id, .. } => execution("unpause", id),
        Input::Kill { job_run, .. } => {
            vec![Deed::new("kill", "job run").on(job_run.0, String::new())]
        }
        Input::Settle {
            execution: id,
            job_runs,
            settled,
            ..
        } => {
            let action = match settled {
                SettledAs::Skipped => "skip",
                SettledAs::Succeeded => "mark_succeeded",
            };
            with(
                execution(action, id),
                json!({"job_runs": numbers(job_runs)}),
            )
        }
        Input::Resume { execution: id, .. } => execution("resume", id),
        Input::Rerun {
            execution: id,
            from,
            ..
        } => with(execution("rerun", id), json!({"from": numbers(from)})),
        Input::Reset { execution: id, .. } => execution("reset", id),
        Input::Backfill(request) => {
            let after = json!({
                "flow": request.flow.0,
                "downstream": request.downstream,
                "from": request.from.to_string(),
                "to": request.to.to_string(),
                "parallel": request.parallel,
                "date_format": request.date_format,
            });
            with(vec![Deed::new("start", "backfill")], after)
        }
        Input::StopBackfill { backfill, .. } => {
            vec![Deed::new("stop", "backfill").on(backfill.0, String::new())]
        }
        Input::RestartBackfill { backfill, .. } => {
            vec![Deed::new("restart", "backfill").on(backfill.0, String::new())]
        }
        Input::RunSchedule {
            schedule,
            data_date,
            date_format,
            ..
        } => {
            let deed = Deed::new("run", "schedule").on(schedule.0, String::new());
            let date = data_date.map(|date| date.to_string());
            with(
                vec![deed],
                json!({"data_date": date, "date_format": date_format}),
            )
        }
        Input::Acknowledge { alerts, .. } => {
            let each = alerts.iter();
            let each = each.map(|id| Deed::new("acknowledge", "alert").on(id.0, String::new()));
            each.collect()
        }
        Input::Edit(_)
        | Input::PauseSchedules { .. }
        | Input::FileArrived { .. }
        | Input::Notified { .. }
        | Input::Report { .. }
        | Input::Resolved { .. }
        | Input::Configure(_)
        | Input::Wake => Vec::new(),
    }
}
