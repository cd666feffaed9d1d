//! Values of params that queries give: an order has those that were answered for its attempt, and none goes out before.
//! And data sources: people are told once of each outage.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::{AlertRow, ResolveError, ResolveErrorKind, ResolveOrder, RunOrder},
    id::{AttemptId, DataSourceId, ParamId},
    model::{AlertEvent, Definition, JobParam, ParamKind},
};

use super::super::oracle::Oracle;

/// What was asked, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// By attempt, all answers that had values.
    answers: BTreeMap<AttemptId, Vec<BTreeMap<ParamId, String>>>,
    /// The data source that each param of an attempt asks.
    sources: BTreeMap<(AttemptId, ParamId), DataSourceId>,
    /// How often each could not be reached.
    unreachable: BTreeMap<DataSourceId, u32>,
}

impl Oracle {
    /// A scheduler asks.
    pub(crate) fn asks(&mut self, order: &ResolveOrder) {
        for ask in &order.asks {
            let of = (order.attempt, ask.param);
            self.values.sources.insert(of, ask.data_source);
        }
    }

    /// It is answered.
    pub(crate) fn answers(
        &mut self,
        attempt: AttemptId,
        result: &Result<BTreeMap<ParamId, String>, ResolveError>,
    ) {
        match result {
            Ok(values) => {
                let answers = self.values.answers.entry(attempt).or_default();
                answers.push(values.clone());
            }
            Err(why) if why.kind == ResolveErrorKind::Unreachable => {
                if let Some(source) = self.values.sources.get(&(attempt, why.param)) {
                    *self.values.unreachable.entry(*source).or_default() += 1;
                }
            }
            Err(_) => {}
        }
    }

    /// `values`: an executor gets an order.
    pub(crate) fn check_values(&mut self, order: &RunOrder) {
        let run = self.rows.job_runs.get(&order.job_run);
        let job = run.and_then(|run| self.rows.job_versions.get(&(run.job, run.job_version)));
        let Some(job) = job else { return };
        let mut asks = Vec::new();
        for param in &job.params {
            if let JobParam::Shared { shared } = param
                && let Some(Definition::Param(param)) = self.rows.definitions.get(&(*shared).into())
                && matches!(param.kind, ParamKind::Sql { .. })
            {
                asks.push((*shared, param.name.clone()));
            }
        }
        if asks.is_empty() {
            return;
        }
        let answers = self.values.answers.get(&order.attempt);
        let was_answered = answers.is_some();
        let fits = answers.into_iter().flatten().any(|answer| {
            asks.iter().all(|(id, name)| {
                let value = answer.get(id);
                let arg = order.args.iter().find(|arg| arg.name == *name);
                value.is_some()
                    && value == order.values.get(name)
                    && value == arg.map(|arg| &arg.value)
            })
        });
        *self.seen.entry("values given").or_default() += u64::from(fits);
        self.holds("values", was_answered, || {
            format!("attempt {} is ordered before it is answered", order.attempt)
        });
        self.holds("values", !was_answered || fits, || {
            format!("{order:?} has values that nobody answered: {asks:?}")
        });
    }

    /// `outage`: an alert tells of a data source that could not be reached, and of no outage that the rule has told of.
    pub(crate) fn check_outage(&mut self, row: &AlertRow) {
        let old = self.rows.alerts.get(&row.id);
        if row.event != AlertEvent::DataSourceDown || old.is_some() || row.escalates.is_some() {
            return;
        }
        *self.seen.entry("outage told").or_default() += 1;
        let down = row.data_source.is_some_and(|source| {
            self.values
                .unreachable
                .get(&source)
                .is_some_and(|times| *times > 0)
        });
        self.holds("outage", down, || {
            format!("{row:?} tells of a data source that can be reached")
        });
        let mut alerts = self.rows.alerts.values();
        let told = alerts.find(|it| {
            it.lasts
                && it.event == row.event
                && it.rule == row.rule
                && it.data_source == row.data_source
        });
        let told = told.map(|it| it.id);
        self.holds("outage", told.is_none(), || {
            format!("{row:?} tells of what {told:?} has told, and that lasts")
        });
    }
}
