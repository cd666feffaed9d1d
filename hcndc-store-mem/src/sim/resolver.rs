//! Whoever asks data sources: takes time, fails, refuses, loses what it was asked, answers late, twice and otherwise, and
//! forgets values or gives too many.
//!
//! What a query comes to stands in it: `value TEXT`, `no row`, `refusal`, `no connection`, `no end`, `no way`; anything else
//! is drawn.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{ParamAsk, ResolveError, ResolveErrorKind, ResolveOrder},
    id::{AttemptId, DataSourceId, ParamId},
    port::ParamResolver,
    time::Timestamp,
    workload::SplitMix64,
};

use super::{
    lots::Lots as _,
    sabotage::Sabotage,
    world::{Event, Shared, World},
};

/// What was asked for an attempt came to.
pub(crate) type Answer = (AttemptId, Result<BTreeMap<ParamId, String>, ResolveError>);

/// The resolver of one life of a scheduler.
#[derive(Clone, Debug)]
pub(crate) struct SimResolver {
    pub(crate) world: Shared,
    pub(crate) process: usize,
    pub(crate) boot: u64,
}

#[async_trait]
impl ParamResolver for SimResolver {
    fn resolve(&self, order: ResolveOrder) -> Result<(), ResolveError> {
        let mut world = self.world.lock();
        if world.speaks(self.process, self.boot) {
            world.resolve(self.process, self.boot, order)
        } else {
            Ok(())
        }
    }

    async fn recv(&self) -> Answer {
        Answered(self).await
    }
}

struct Answered<'a>(&'a SimResolver);

impl Future for Answered<'_> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Answer> {
        let mut world = self.0.world.lock();
        if !world.lives(self.0.process, self.0.boot) {
            return Poll::Pending;
        }
        match world.processes[self.0.process].answered.pop_front() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }
}

/// Lots of its own: what it draws moves nobody else's.
#[derive(Debug)]
pub(crate) struct Desk {
    lots: SplitMix64,
    /// Values are given once, so that it is seen whose they are.
    given: u64,
    /// Data sources that are out of reach, until when.
    down: BTreeMap<DataSourceId, Timestamp>,
}

impl Desk {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            lots: SplitMix64::new(seed ^ 0x5e1e_c7ed),
            given: 0,
            down: BTreeMap::new(),
        }
    }

    /// What a query comes to.
    fn ask(
        &mut self,
        now: Timestamp,
        ask: &ParamAsk,
        healed: bool,
    ) -> Result<String, ResolveError> {
        let kind = match ask.query.as_str() {
            "no row" => ResolveErrorKind::NoRow,
            "refusal" => ResolveErrorKind::Refused,
            "no connection" => ResolveErrorKind::Unreachable,
            "no end" => ResolveErrorKind::TimedOut,
            "no way" => ResolveErrorKind::Unsupported,
            query => {
                if let Some(value) = query.strip_prefix("value ") {
                    return Ok(value.into());
                }
                self.given += 1;
                let down = self.down.get(&ask.data_source);
                if down.is_some_and(|until| now < *until) && !healed {
                    ResolveErrorKind::Unreachable
                } else if !healed && self.lots.one_in(8) {
                    let kind = self.lots.pick(ResolveErrorKind::ALL);
                    if kind == Some(ResolveErrorKind::Unreachable) {
                        let until = now.after(self.lots.span(5_000, 90_000));
                        self.down.insert(ask.data_source, until);
                    }
                    kind.unwrap_or(ResolveErrorKind::Other)
                } else {
                    return Ok(format!("value {}", self.given));
                }
            }
        };
        Err(ResolveError {
            param: ask.param,
            kind,
            reason: "so it is".into(),
        })
    }

    /// What an order comes to.
    fn answer(&mut self, now: Timestamp, order: &ResolveOrder, healed: bool) -> Answer {
        let asks = order.asks.iter();
        let values = asks.map(|ask| Ok((ask.param, self.ask(now, ask, healed)?)));
        let mut values: Result<BTreeMap<ParamId, String>, ResolveError> = values.collect();
        if let Ok(values) = &mut values
            && !healed
        {
            match self.lots.below(12) {
                0 => drop(values.pop_last()),
                1 => drop(values.insert(ParamId(u64::MAX), "nobody asked".into())),
                _ => {}
            }
        }
        (order.attempt, values)
    }
}

impl World {
    fn resolve(
        &mut self,
        process: usize,
        boot: u64,
        order: ResolveOrder,
    ) -> Result<(), ResolveError> {
        let (now, healed) = (self.now, self.healed);
        self.count("param asked");
        self.oracle.asks(&order);
        let lot = if healed { 19 } else { self.desk.lots.below(20) };
        if lot == 0 {
            // Until its process ends, whose next one asks again.
            self.count("answer lost");
            return Ok(());
        }
        let (attempt, answer) = self.desk.answer(now, &order, healed);
        if let Err(why) = answer
            && (lot == 1 || why.kind == ResolveErrorKind::Unsupported)
        {
            self.count("param refused");
            self.oracle.answers(attempt, &Err(why.clone()));
            return Err(why);
        }
        let times = if lot == 2 { 2 } else { 1 };
        for _ in 0..times {
            let late = !healed && self.desk.lots.one_in(6);
            let span = if late {
                self.count("answer late");
                self.desk.lots.span(10_000, 120_000)
            } else {
                self.desk.lots.span(1, 4_000)
            };
            // Each time it asks, it is answered otherwise.
            let (attempt, answer) = self.desk.answer(now, &order, healed);
            let answer = Box::new((attempt, answer));
            self.after(
                span,
                Event::Answered {
                    process,
                    boot,
                    answer,
                },
            );
        }
        Ok(())
    }

    /// Whoever asked hears of the answer, if it still lives.
    pub(crate) fn on_answered(&mut self, process: usize, boot: u64, answer: Answer) {
        if !self.lives(process, boot) {
            return;
        }
        let (attempt, mut result) = answer;
        self.count(if result.is_ok() {
            "param answered"
        } else {
            "query failed"
        });
        self.oracle.answers(attempt, &result);
        if self.sabotage == Some(Sabotage::ResolverMixesValues)
            && let Ok(values) = &mut result
        {
            for value in values.values_mut() {
                value.push_str(" of another");
            }
        }
        self.processes[process]
            .answered
            .push_back((attempt, result));
    }
}

/// How long a query of the drawn meshes may take; nobody here keeps to it but by saying so.
pub(crate) const QUERY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use hcndc_core::contract::resolver::{ComesTo, Query, ResolverFixture};

    use super::*;
    use crate::sim::world::still;

    /// A resolver in a world without faults.
    struct Fixture(Shared);

    impl ResolverFixture for Fixture {
        type Resolver = SimResolver;

        fn block_on<F: Future>(&self, case: F) -> F::Output {
            self.0.block_on(case)
        }

        async fn fresh(&self) -> SimResolver {
            SimResolver {
                world: self.0.clone(),
                process: 0,
                boot: 0,
            }
        }

        fn query(&self, comes_to: ComesTo) -> Query {
            let query = match comes_to {
                ComesTo::Value(value) => format!("value {value}"),
                ComesTo::NoRow => "no row".into(),
                ComesTo::Refusal => "refusal".into(),
                ComesTo::NoConnection => "no connection".into(),
                ComesTo::NoEnd => "no end".into(),
                ComesTo::NoWay => "no way".into(),
            };
            Query {
                data_source: DataSourceId(1),
                query,
                timeout: QUERY,
            }
        }

        fn secret(&self) -> String {
            "hunter2".into()
        }
    }

    hcndc_core::resolver_contract!(Fixture(still()));
}
