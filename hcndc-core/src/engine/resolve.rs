//! Params whose values queries give: what is asked before an attempt's order goes out, and what came of it.
//!
//! ```text
//!   dispatched ──► Effect::Resolve ──► whoever asks queries ──► Input::Resolved ─┬─► Order::Run, with all values
//!                                                                                └─► the attempt is not_started
//! ```
//!
//! Values may be secret: they are in no row and no snapshot, and are gone from here once the order is out. Inputs hold them, and
//! so does whoever records inputs.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString as _},
    sync::Arc,
    vec::Vec,
};
use core::{fmt, time::Duration};

use super::{Effect, EndCause, Engine, Hold, Order, RunOrder, Step};
use crate::{
    id::{AttemptId, DataSourceId, ExecutionId, JobRunId, ParamId},
    model::{Calendar, ValueType},
    time::{DataDate, DateFormat},
};

/// What has to be asked before an attempt can run: complete, but for how its data sources are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveOrder {
    /// The key: what goes into [`Input::Resolved`](super::Input::Resolved).
    pub attempt: AttemptId,
    /// The execution that it belongs to: whoever asks may give all of its jobs the same answer.
    pub execution: ExecutionId,
    /// The job run that it belongs to.
    pub job_run: JobRunId,
    /// Name of the flow.
    pub flow: String,
    /// Name of the job.
    pub job: String,
    /// The date that it is for.
    pub data_date: DataDate,
    /// How dates are written where a placeholder does not say so itself, as in a [`RunOrder`].
    pub date_format: Option<DateFormat>,
    /// Whose business days placeholders count, as in a [`RunOrder`].
    pub calendar: Option<Arc<Calendar>>,
    /// What is asked, in the order of the job's params; not empty, and no param twice.
    pub asks: Vec<ParamAsk>,
    /// All values that are known, by name (execution's over job's over flow's), for placeholders in queries. They may hold
    /// placeholders themselves, as in a [`RunOrder`].
    pub values: BTreeMap<String, String>,
    /// Names of values that are taken as they are, as in a [`RunOrder`].
    pub literal: BTreeSet<String>,
}

/// A param whose value a query gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamAsk {
    /// Which.
    pub param: ParamId,
    /// Its name.
    pub name: String,
    /// Where to ask.
    pub data_source: DataSourceId,
    /// What to ask; may hold placeholders.
    pub query: String,
    /// How long it may take; not zero.
    pub timeout: Duration,
    /// Which column of the first row is the value; `None` for the first.
    pub column: Option<String>,
    /// What the value has to be. It goes on in the form that [`ValueType::read`] gives it.
    pub value_type: ValueType,
}

/// Why a param has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[error("{kind}: {reason}")]
pub struct ResolveError {
    /// Which param.
    pub param: ParamId,
    /// What went wrong.
    pub kind: ResolveErrorKind,
    /// In the words of whoever asked; no secret.
    pub reason: String,
}

/// What went wrong as a query was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ResolveErrorKind {
    /// No connection to the data source can be had: people are told that it is down.
    Unreachable,
    /// The data source refused the query.
    Refused,
    /// The query gave no row, or a row without a value as it has to be: of that column, of that type.
    NoRow,
    /// The query took longer than it may.
    TimedOut,
    /// Nobody here can ask such a data source.
    Unsupported,
    /// The answer leaves the param out.
    Missing,
    /// Anything else.
    Other,
}

impl ResolveErrorKind {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::Unreachable,
        Self::Refused,
        Self::NoRow,
        Self::TimedOut,
        Self::Unsupported,
        Self::Missing,
        Self::Other,
    ];

    /// Whether the data source itself has said so, and is up.
    #[must_use]
    pub const fn is_from_source(self) -> bool {
        matches!(self, Self::Refused | Self::NoRow)
    }
}

impl fmt::Display for ResolveErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "its data source cannot be reached",
            Self::Refused => "its data source refused the query",
            Self::NoRow => "its query gave no value",
            Self::TimedOut => "its query took too long",
            Self::Unsupported => "its data source cannot be asked",
            Self::Missing => "the answer leaves it out",
            Self::Other => "it could not be asked",
        })
    }
}

/// An order to run that waits for values.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    order: RunOrder,
    pub(super) asks: Vec<ParamAsk>,
}

impl Waiting {
    /// The order, with these values in their places. Values that nobody asked for are passed over.
    pub(super) fn fill(
        self,
        mut given: BTreeMap<ParamId, String>,
    ) -> Result<RunOrder, ResolveError> {
        let mut order = self.order;
        for ask in self.asks {
            let value = given.remove(&ask.param).ok_or_else(|| ResolveError {
                param: ask.param,
                kind: ResolveErrorKind::Missing,
                reason: "there are only values of others".to_string(),
            })?;
            order.set(ask.name, value);
        }
        Ok(order)
    }
}

/// Why an attempt that asked this cannot begin, in words.
pub(super) fn trouble(asks: &[ParamAsk], error: &ResolveError) -> String {
    let ask = asks.iter().find(|ask| ask.param == error.param);
    let name = ask.map_or_else(|| error.param.to_string(), |ask| ask.name.clone());
    format!("param {name}: {error}")
}

/// Attempts that wait for values.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolving {
    waiting: BTreeMap<AttemptId, Waiting>,
    /// Attempts that a kill has reached as they waited, until they are ended.
    cut: Vec<AttemptId>,
    /// Attempts that cannot begin, for another job put out no value for a param; until they are ended.
    unable: Vec<(AttemptId, String)>,
}

impl Resolving {
    pub(super) fn get(&self, attempt: AttemptId) -> Option<&Waiting> {
        self.waiting.get(&attempt)
    }

    /// This attempt waits no more.
    pub(super) fn take(&mut self, attempt: AttemptId) -> Option<Waiting> {
        self.waiting.remove(&attempt)
    }

    /// This attempt is to be killed. Tells whether it waits, so that nobody holds it.
    pub(super) fn cut(&mut self, attempt: AttemptId) -> bool {
        let waits = self.waiting.contains_key(&attempt);
        if waits {
            self.cut.push(attempt);
        }
        waits
    }

    /// Attempts to be killed that nobody holds.
    pub(super) fn take_cut(&mut self) -> Vec<AttemptId> {
        core::mem::take(&mut self.cut)
    }

    /// Attempts that cannot begin, and why not.
    pub(super) fn take_unable(&mut self) -> Vec<(AttemptId, String)> {
        core::mem::take(&mut self.unable)
    }

    /// All that wait, for checks.
    pub(super) fn attempts(&self) -> impl Iterator<Item = AttemptId> {
        self.waiting.keys().copied()
    }

    /// Whether nothing is left of a step, for checks.
    pub(super) const fn is_settled(&self) -> bool {
        self.cut.is_empty() && self.unable.is_empty()
    }
}

impl Engine {
    /// Has a live attempt run. What its params ask is asked first, once at a time.
    pub(super) fn set_going(&mut self, id: AttemptId, step: &mut Step) {
        if self.resolving.get(id).is_some() {
            return;
        }
        let (order, asks) = match self.run_order(id) {
            Some(Ok(all)) => all,
            // Ended later: whoever sends it is in the middle of something.
            Some(Err(why)) => return self.resolving.unable.push((id, why)),
            None => return,
        };
        if asks.is_empty() {
            self.tell_to_run(order, step);
            return;
        }
        step.effects.push(Effect::Resolve(ResolveOrder {
            attempt: id,
            execution: order.execution,
            job_run: order.job_run,
            flow: order.flow.clone(),
            job: order.job.clone(),
            data_date: order.data_date,
            date_format: order.date_format.clone(),
            calendar: order.calendar.clone(),
            asks: asks.clone(),
            values: order.values.clone(),
            literal: order.literal.clone(),
        }));
        self.resolving.waiting.insert(id, Waiting { order, asks });
    }

    /// Ends what cannot begin for want of an output. It is not tried again: what another job has put out stays as it is. Tells
    /// whether there was any.
    pub(super) fn end_unable(&mut self, step: &mut Step) -> bool {
        let unable = self.resolving.take_unable();
        let any = !unable.is_empty();
        for (id, why) in unable {
            let end = self.end_unseen(EndCause::NotStarted(why));
            self.end_attempt(id, end, false, step);
        }
        any
    }

    /// Tells the executor of a live attempt to run it.
    pub(super) fn tell_to_run(&self, order: RunOrder, step: &mut Step) {
        if let Some(attempt) = self.attempts.get(&order.attempt) {
            step.effects.push(Effect::Tell {
                executor: attempt.row.executor,
                order: Order::Run(alloc::boxed::Box::new(order)),
            });
        }
    }

    /// What keeps a dispatched attempt from beginning: values that were asked for.
    pub(super) fn explain_dispatched(&self, attempt: Option<AttemptId>, holds: &mut Vec<Hold>) {
        let waiting = attempt.and_then(|id| self.resolving.get(id));
        let asks = waiting.into_iter().flat_map(|waiting| &waiting.asks);
        holds.extend(asks.map(|ask| {
            let source = self.definitions.data_sources.get(ask.data_source);
            Hold::Param {
                param: ask.param,
                name: ask.name.clone(),
                data_source: ask.data_source,
                source: source.map_or_else(String::new, |it| it.name.clone()),
            }
        }));
    }
}
