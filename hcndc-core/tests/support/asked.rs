//! Whoever asks queries, as the test plays it: well, badly, late, twice, and about what nobody asked.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{Effect, Input, ResolveError, ResolveErrorKind, ResolveOrder, Step},
    id::{AttemptId, ParamId},
    model::{
        DataSourceDraft, DataSourceKind, DataSourceRef, JobParamDraft, ParamKindDraft, ParamRef,
        SharedParamDraft, ValueType,
    },
};

use super::{play::pick, world::World};

/// A shared param that asks a query, or has no text.
fn param(at: u8, asks: bool) -> SharedParamDraft {
    let kind = if asks {
        ParamKindDraft::Sql {
            data_source: DataSourceRef::Name("source".into()),
            query: format!("select {at}"),
            timeout: Duration::from_secs(1),
            column: None,
            value_type: ValueType::Text,
        }
    } else {
        let value = String::new();
        ParamKindDraft::Static { value }
    };
    SharedParamDraft::new(format!("shared{at}"), kind)
}

/// Values that tell whose they are.
fn values(order: &ResolveOrder) -> BTreeMap<ParamId, String> {
    let asks = order.asks.iter();
    asks.map(|ask| (ask.param, format!("{} of {}", ask.name, order.attempt)))
        .collect()
}

impl World {
    /// Shared params, and the data source that they ask.
    pub(crate) fn build_params(&mut self) {
        let source = DataSourceDraft::new("source", DataSourceKind::Sqlite, "");
        let edits = vec![source.into(), param(0, true).into(), param(1, true).into()];
        self.edit(edits).unwrap();
    }

    /// Params of a job.
    pub(crate) fn shared(&self, which: &[u8]) -> Vec<JobParamDraft> {
        let all: Vec<ParamId> = self.store.params().map(|it| it.id).collect();
        let ids = which.iter().filter_map(|at| all.get(usize::from(*at)));
        let shared = ids.map(|id| JobParamDraft::Shared {
            shared: ParamRef::Id(*id),
        });
        shared.collect()
    }

    pub(crate) fn edit_param(&mut self, at: u8, asks: bool) {
        let all: Vec<ParamId> = self.store.params().map(|it| it.id).collect();
        let which = at % 2;
        if let Some(id) = all.get(usize::from(which)) {
            let id = Some(*id);
            let draft = param(which, asks);
            self.edit(vec![SharedParamDraft { id, ..draft }.into()])
                .unwrap();
        }
    }

    /// Takes note of what is asked; where all is steady it is answered at once.
    pub(crate) fn note_asked(&mut self, step: &Step) {
        for effect in &step.effects {
            let Effect::Resolve(order) = effect else {
                continue;
            };
            self.asked.push(order.clone());
            if self.steady {
                let (attempt, result) = (order.attempt, Ok(values(order)));
                self.send(Input::Resolved { attempt, result }).unwrap();
            }
        }
    }

    /// Answers what waits, or what does not, well or badly.
    pub(crate) fn answer(&mut self, at: u8, how: u8) {
        let asking = self.twin.asking();
        let of = pick(&asking, at);
        // One in eight is late, or comes twice.
        let old = of.is_none() || how >= 224;
        let mut orders = self.asked.iter().rev();
        let order = if old {
            orders.nth(usize::from(at) % self.asked.len().max(1))
        } else {
            orders.find(|order| Some(order.attempt) == of)
        };
        let Some(order) = order else { return };
        let mut attempt = order.attempt;
        let mut good = values(order);
        let error = |kind| {
            Err(ResolveError {
                param: order.asks[usize::from(at) % order.asks.len()].param,
                kind,
                reason: "so it is".into(),
            })
        };
        let result = match how % 16 {
            kind @ 0..=6 => error(ResolveErrorKind::ALL[usize::from(kind)]),
            7 => {
                good.pop_first();
                Ok(good)
            }
            8 => {
                good.insert(ParamId(999_999), "nobody asked".into());
                Ok(good)
            }
            9 => {
                attempt = AttemptId(999_999);
                Ok(good)
            }
            _ => Ok(good),
        };
        self.send(Input::Resolved { attempt, result }).unwrap();
    }

    /// Answers whoever waits first. Tells whether anybody did.
    pub(crate) fn answer_the_first(&mut self) -> bool {
        let Some(&attempt) = self.twin.asking().first() else {
            return false;
        };
        let mut orders = self.asked.iter().rev();
        let order = orders.find(|order| order.attempt == attempt).unwrap();
        let result = Ok(values(order));
        self.send(Input::Resolved { attempt, result }).unwrap();
        true
    }
}
