//! The twin's part of params whose values queries give: who waits for which, and what the engine must ask and tell.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::{Effect, EndCause, Order, ResolveError, Step},
    id::{AttemptId, ExecutorId, JobRunId, ParamId},
    model::{JobParam, ParamKind},
};

use super::{store::Store, twin::Twin};

/// What the engine must ask, or tell an executor to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Ask(AttemptId, Vec<ParamId>),
    /// With these values among its params, in their order.
    Run(ExecutorId, AttemptId, Vec<String>),
}

impl Twin {
    /// An attempt begins, or waits until it can.
    pub(crate) fn set_going(&mut self, id: AttemptId, store: &Store) {
        let attempt = &self.attempts[&id];
        let its = &self.executions[&attempt.execution];
        let run = its.jobs.iter().find(|it| it.id == attempt.job_run).unwrap();
        let shared = run.job.params.iter().filter_map(|param| match param {
            JobParam::Shared { shared } => Some(*shared),
            JobParam::Own(_) | JobParam::Output { .. } => None,
        });
        let asks = shared.filter(|id| {
            let param = store.params().find(|it| it.id == *id).unwrap();
            matches!(param.kind, ParamKind::Sql { .. })
        });
        let asks: Vec<ParamId> = asks.collect();
        let attempt = self.attempts.get_mut(&id).unwrap();
        if asks.is_empty() {
            let run = Expected::Run(attempt.executor, id, Vec::new());
            self.expected.push(run);
        } else {
            self.expected.push(Expected::Ask(id, asks.clone()));
            attempt.asks = Some(asks);
        }
    }

    /// An answer comes, wanted or not.
    pub(crate) fn resolved(
        &mut self,
        id: AttemptId,
        result: &Result<BTreeMap<ParamId, String>, ResolveError>,
    ) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let Some(asks) = attempt.asks.take() else {
            return;
        };
        let given = result.as_ref().ok();
        let values: Option<Vec<String>> =
            given.and_then(|given| asks.iter().map(|it| given.get(it).cloned()).collect());
        match values {
            Some(values) => {
                let run = Expected::Run(attempt.executor, id, values);
                self.expected.push(run);
            }
            None => self.finish(id, &EndCause::NotStarted(String::new())),
        }
    }

    /// What was killed as it waited ends at once.
    pub(crate) fn end_cut(&mut self) {
        let cut = self.attempts.iter();
        let cut = cut.filter(|(_, it)| it.kill && it.asks.is_some());
        let cut: Vec<AttemptId> = cut.map(|(id, _)| *id).collect();
        for id in cut {
            self.finish(id, &EndCause::Killed);
        }
    }

    /// Nothing else was asked or told to run, and no executor was given an order without its values.
    pub(crate) fn check_asked(&mut self, step: &Step) {
        let told = step.effects.iter().filter_map(|effect| match effect {
            Effect::Resolve(order) => {
                let asks = order.asks.iter().map(|ask| ask.param);
                Some(Expected::Ask(order.attempt, asks.collect()))
            }
            Effect::Tell {
                executor,
                order: Order::Run(order),
            } => {
                // Texts are empty; only what was asked for has a value.
                let values = order.args.iter().map(|it| it.value.clone());
                let values = values.filter(|it| !it.is_empty()).collect();
                Some(Expected::Run(*executor, order.attempt, values))
            }
            _ => None,
        });
        let told: Vec<Expected> = told.collect();
        assert_eq!(told, std::mem::take(&mut self.expected));
    }

    /// Whether a job run's attempt waits for values.
    pub(crate) fn asks_for(&self, job_run: JobRunId) -> bool {
        let mut its = self.attempts.values().filter(|it| it.job_run == job_run);
        its.any(|it| it.asks.is_some())
    }

    /// Attempts that wait for values.
    pub(crate) fn asking(&self) -> Vec<AttemptId> {
        let asking = self.attempts.iter().filter(|(_, it)| it.asks.is_some());
        asking.map(|(id, _)| *id).collect()
    }
}
