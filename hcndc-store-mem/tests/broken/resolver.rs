//! A resolver in memory that is broken in one way.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::{Future, poll_fn},
    sync::Mutex,
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    contract::resolver::{ComesTo, Query, ResolverFixture},
    engine::{ParamAsk, ResolveError, ResolveErrorKind, ResolveOrder},
    id::{AttemptId, DataSourceId, ParamId},
    port::ParamResolver,
};

/// What is wrong with a resolver; the name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    TakesOneAtATime,
    AnswersWhatItRefused,
    CallsEverythingOther,
    LosesSome,
    AnswersTwice,
    TrimsValues,
    LosesTheLastValue,
    BlamesTheFirst,
    SaysNoReason,
    WaitsForEver,
    TakesRepeatsAsOne,
    TellsSecrets,
    ForgetsWhenDropped,
}

const SECRET: &str = "hunter2";

pub(crate) struct Fixture(pub(crate) Fault);

impl ResolverFixture for Fixture {
    type Resolver = Broken;

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        crate::block_on(case)
    }

    async fn fresh(&self) -> Broken {
        Broken {
            fault: self.0,
            state: Mutex::default(),
        }
    }

    /// The query says what it comes to.
    fn query(&self, comes_to: ComesTo) -> Query {
        let query = match comes_to {
            ComesTo::Value(value) => format!("value {value}"),
            other => format!("{other:?}"),
        };
        Query {
            data_source: DataSourceId(1),
            query,
            timeout: Duration::from_millis(10),
        }
    }

    fn secret(&self) -> String {
        SECRET.into()
    }
}

type Answer = (AttemptId, Result<BTreeMap<ParamId, String>, ResolveError>);

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    asked: BTreeSet<AttemptId>,
}

pub(crate) struct Broken {
    fault: Fault,
    state: Mutex<State>,
}

impl Broken {
    fn error(&self, ask: &ParamAsk, first: ParamId) -> Option<ResolveError> {
        let kind = match ask.query.as_str() {
            "NoRow" => ResolveErrorKind::NoRow,
            "Refusal" => ResolveErrorKind::Refused,
            "NoConnection" => ResolveErrorKind::Unreachable,
            "NoEnd" => ResolveErrorKind::TimedOut,
            "NoWay" => ResolveErrorKind::Unsupported,
            _ => return None,
        };
        let reason = match self.fault {
            Fault::SaysNoReason => String::new(),
            Fault::TellsSecrets => format!("as root with {SECRET}"),
            _ => "as root".into(),
        };
        Some(ResolveError {
            param: if self.fault == Fault::BlamesTheFirst {
                first
            } else {
                ask.param
            },
            kind: if self.fault == Fault::CallsEverythingOther {
                ResolveErrorKind::Other
            } else {
                kind
            },
            reason,
        })
    }

    fn value(&self, ask: &ParamAsk) -> String {
        let value = ask.query.strip_prefix("value ").unwrap_or_default();
        match self.fault {
            Fault::TrimsValues => value.trim().into(),
            _ => value.into(),
        }
    }
}

#[async_trait]
impl ParamResolver for Broken {
    fn resolve(&self, order: ResolveOrder) -> Result<(), ResolveError> {
        let mut state = self.state.lock().expect("no case panics while it holds it");
        let first = order.asks[0].param;
        let error = order.asks.iter().find_map(|ask| self.error(ask, first));
        let mut values: BTreeMap<ParamId, String> = order
            .asks
            .iter()
            .map(|ask| (ask.param, self.value(ask)))
            .collect();
        if self.fault == Fault::LosesTheLastValue {
            values.pop_last();
        }
        let answer = (order.attempt, error.map_or(Ok(values), Err));
        let refusal = match &answer.1 {
            Err(why) if order.asks[0].query == "NoWay" => Some(why.clone()),
            _ if self.fault == Fault::TakesOneAtATime && !state.answers.is_empty() => {
                Some(ResolveError {
                    param: first,
                    kind: ResolveErrorKind::Other,
                    reason: "one at a time".into(),
                })
            }
            _ => None,
        };
        let repeated = !state.asked.insert(order.attempt);
        let times = match self.fault {
            Fault::AnswersTwice => 2,
            Fault::LosesSome if order.attempt.0.is_multiple_of(7) => 0,
            Fault::WaitsForEver if order.asks[0].query == "NoEnd" => 0,
            Fault::TakesRepeatsAsOne if repeated => 0,
            Fault::AnswersWhatItRefused => 1,
            _ if refusal.is_some() => 0,
            _ => 1,
        };
        for _ in 0..times {
            state.answers.push_back(answer.clone());
        }
        refusal.map_or(Ok(()), Err)
    }

    async fn recv(&self) -> Answer {
        let next = || {
            let mut state = self.state.lock().expect("no case panics while it holds it");
            state.answers.pop_front()
        };
        let answer = poll_fn(|_| next().map_or(Poll::Pending, Poll::Ready)).await;
        if self.fault == Fault::ForgetsWhenDropped {
            // It holds what it took while it waits for something else.
            let mut waited = false;
            poll_fn(|_| match std::mem::replace(&mut waited, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
        }
        answer
    }
}
