//! The suite of [`ParamResolver`]: [`resolver_contract!`](crate::resolver_contract) makes a `#[test]` of every case here.

use alloc::{
    borrow::ToOwned as _,
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString as _},
    vec,
    vec::Vec,
};
use core::{future::Future, time::Duration};

use futures_util::FutureExt as _;

use crate::{
    engine::{ParamAsk, ResolveError, ResolveErrorKind, ResolveOrder},
    id::{AttemptId, DataSourceId, ExecutionId, JobRunId, ParamId},
    model::ValueType,
    port::ParamResolver,
    time::DataDate,
};

/// Makes resolvers, and queries to give to them. Each case gets its own.
pub trait ResolverFixture {
    /// The adapter under test.
    type Resolver: ParamResolver;

    /// Runs a case to its end, on whatever runtime the adapter needs; panics if that takes minutes.
    fn block_on<F: Future>(&self, case: F) -> F::Output;

    /// Makes a resolver that was asked nothing.
    fn fresh(&self) -> impl Future<Output = Self::Resolver>;

    /// A query that comes to this.
    fn query(&self, comes_to: ComesTo) -> Query;

    /// What stands in the settings of the data sources, and must be told to nobody.
    fn secret(&self) -> String;
}

/// What a query of a case is to come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComesTo {
    /// This value.
    Value(String),
    /// No row.
    NoRow,
    /// A refusal of the data source.
    Refusal,
    /// Nothing, for the data source cannot be reached.
    NoConnection,
    /// Nothing, before its timeout is over; that is to be a short one.
    NoEnd,
    /// Nothing, for the adapter cannot ask such a data source.
    NoWay,
}

/// A query, and where to ask it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Where.
    pub data_source: DataSourceId,
    /// What.
    pub query: String,
    /// How long it may take.
    pub timeout: Duration,
}

/// Makes a `#[test]` of every case in [`contract::resolver`](crate::contract::resolver).
///
/// The argument is an expression that gives a [`ResolverFixture`](crate::contract::resolver::ResolverFixture).
#[macro_export]
macro_rules! resolver_contract {
    ($fixture:expr) => {
        $crate::resolver_contract! { @ $fixture;
            orders_are_taken_while_others_are_open,
            what_is_refused_is_not_answered_as_well,
            every_order_is_answered_once,
            an_answer_has_all_values_that_were_asked_for,
            each_failure_is_told_apart_and_names_its_param,
            a_query_that_takes_too_long_is_given_up,
            what_is_given_again_is_answered_again,
            reasons_tell_no_secret,
            a_dropped_wait_loses_no_answer,
        }
    };
    (@ $fixture:expr; $($case:ident,)*) => {$(
        #[test]
        fn $case() {
            use $crate::contract::resolver::ResolverFixture as _;
            let fixture = $fixture;
            fixture.block_on(async {
                let resolver = fixture.fresh().await;
                $crate::contract::resolver::$case(&fixture, &resolver).await;
            });
        }
    )*};
}

type Answer = Result<BTreeMap<ParamId, String>, ResolveError>;

/// An order that asks these, as params 1, 2, and so on.
fn order<F: ResolverFixture>(fixture: &F, attempt: u64, asks: &[ComesTo]) -> ResolveOrder {
    let asks = asks.iter().zip(1..).map(|(comes_to, param)| {
        let query = fixture.query(comes_to.clone());
        ParamAsk {
            param: ParamId(param),
            name: format!("param{param}"),
            data_source: query.data_source,
            query: query.query,
            timeout: query.timeout,
            column: None,
            value_type: ValueType::Text,
        }
    });
    ResolveOrder {
        attempt: AttemptId(attempt),
        execution: ExecutionId(10),
        job_run: JobRunId(100 + attempt),
        flow: "flow".to_owned(),
        job: format!("job {attempt}"),
        data_date: "2026-11-21".parse::<DataDate>().expect("it is a date"),
        date_format: None,
        calendar: None,
        asks: asks.collect(),
        values: BTreeMap::new(),
        literal: BTreeSet::new(),
    }
}

fn value(text: &str) -> ComesTo {
    ComesTo::Value(text.to_owned())
}

/// Asks, and gives the answer if the order is refused at once.
fn ask<R: ParamResolver>(resolver: &R, order: ResolveOrder) -> Option<(AttemptId, Answer)> {
    let attempt = order.attempt;
    resolver.resolve(order).err().map(|why| (attempt, Err(why)))
}

/// The answer to the only order that is open.
async fn answer_to<R: ParamResolver>(resolver: &R, order: ResolveOrder) -> Answer {
    let attempt = order.attempt;
    let (of, answer) = match ask(resolver, order) {
        Some(refused) => refused,
        None => resolver.recv().await,
    };
    assert_eq!(
        of, attempt,
        "an answer for an attempt that was not asked for"
    );
    answer
}

/// Nothing more is said of what was asked before: only what is asked now is answered.
async fn nothing_is_left<F: ResolverFixture>(fixture: &F, resolver: &F::Resolver) {
    for attempt in 9_001..9_004 {
        let asked = order(fixture, attempt, &[value("last")]);
        assert!(answer_to(resolver, asked).await.is_ok());
    }
}

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident($fixture:ident, $resolver:ident) $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// When the clause does not hold.
        pub async fn $name<F: ResolverFixture>($fixture: &F, $resolver: &F::Resolver) $body
    )*};
}

cases! {
    /// Clause 1: asking waits for no answer.
    orders_are_taken_while_others_are_open(fixture, resolver) {
        let mut open: Vec<u64> = (1..=100).collect();
        for &attempt in &open {
            let refused = ask(resolver, order(fixture, attempt, &[value("x")]));
            assert_eq!(refused, None, "what it can ask was refused");
        }
        while !open.is_empty() {
            let (attempt, answer) = resolver.recv().await;
            assert!(answer.is_ok(), "{answer:?}");
            open.retain(|it| *it != attempt.0);
        }
    }

    /// Clause 1: a refusal is an answer, and the only one.
    what_is_refused_is_not_answered_as_well(fixture, resolver) {
        for attempt in 1..4 {
            let asked = order(fixture, attempt, &[ComesTo::NoWay]);
            let why = answer_to(resolver, asked).await.expect_err("nobody can ask it");
            assert_eq!(why.kind, ResolveErrorKind::Unsupported);
            assert_eq!(why.param, ParamId(1));
        }
        nothing_is_left(fixture, resolver).await;
    }

    /// Clause 2: whatever it comes to.
    every_order_is_answered_once(fixture, resolver) {
        let mut answers: BTreeMap<AttemptId, u32> = BTreeMap::new();
        let mut count = |(attempt, _): (AttemptId, Answer)| *answers.entry(attempt).or_default() += 1;
        let mut open = 0;
        for attempt in 1..=40 {
            let comes_to = match attempt % 4 {
                0 => ComesTo::NoRow,
                1 => ComesTo::NoConnection,
                2 => ComesTo::Refusal,
                _ => value("x"),
            };
            match ask(resolver, order(fixture, attempt, &[comes_to])) {
                Some(refused) => count(refused),
                None => open += 1,
            }
        }
        for _ in 0..open {
            count(resolver.recv().await);
        }
        let expected = (1..=40).map(|attempt| (AttemptId(attempt), 1));
        assert_eq!(answers, expected.collect());
        nothing_is_left(fixture, resolver).await;
    }

    /// Clause 2: each param has the value of its own query, and texts come as they are.
    an_answer_has_all_values_that_were_asked_for(fixture, resolver) {
        let texts = ["one", "", " two\n", "三", "'; -- ${date}"];
        let asked = order(fixture, 1, &texts.map(value));
        let answer = answer_to(resolver, asked).await.expect("all have values");
        let expected = texts.iter().zip(1..).map(|(text, param)| (ParamId(param), (*text).to_owned()));
        assert_eq!(answer, expected.collect());
    }

    /// Clause 2: so that people know where to look, and are told of outages.
    each_failure_is_told_apart_and_names_its_param(fixture, resolver) {
        let failures = [
            (ComesTo::NoRow, ResolveErrorKind::NoRow),
            (ComesTo::Refusal, ResolveErrorKind::Refused),
            (ComesTo::NoConnection, ResolveErrorKind::Unreachable),
        ];
        for (attempt, (comes_to, kind)) in (1..).zip(failures) {
            let asked = order(fixture, attempt, &[value("x"), comes_to, value("y")]);
            let why = answer_to(resolver, asked).await.expect_err("one has no value");
            assert_eq!((why.param, why.kind), (ParamId(2), kind));
            assert!(!why.reason.is_empty(), "{why:?}");
        }
    }

    /// Clause 2: and others are answered meanwhile or after it.
    a_query_that_takes_too_long_is_given_up(fixture, resolver) {
        assert_eq!(ask(resolver, order(fixture, 1, &[ComesTo::NoEnd])), None);
        assert_eq!(ask(resolver, order(fixture, 2, &[value("x")])), None);
        let mut answers = BTreeMap::new();
        for _ in 0..2 {
            let (attempt, answer) = resolver.recv().await;
            answers.insert(attempt, answer.map_err(|why| why.kind));
        }
        let values = BTreeMap::from([(ParamId(1), "x".to_owned())]);
        let expected = [
            (AttemptId(1), Err(ResolveErrorKind::TimedOut)),
            (AttemptId(2), Ok(values)),
        ];
        assert_eq!(answers, expected.into());
    }

    /// Clause 3: also while the first order is open.
    what_is_given_again_is_answered_again(fixture, resolver) {
        for _ in 0..2 {
            assert_eq!(ask(resolver, order(fixture, 1, &[value("x")])), None);
        }
        for _ in 0..2 {
            let (attempt, answer) = resolver.recv().await;
            assert_eq!(attempt, AttemptId(1));
            assert!(answer.is_ok(), "{answer:?}");
        }
        let asked = order(fixture, 1, &[value("x")]);
        assert!(answer_to(resolver, asked).await.is_ok());
        nothing_is_left(fixture, resolver).await;
    }

    /// Clause 5: reasons are stored, and shown to many.
    reasons_tell_no_secret(fixture, resolver) {
        let secret = fixture.secret();
        let failures = vec![ComesTo::NoRow, ComesTo::Refusal, ComesTo::NoConnection, ComesTo::NoEnd, ComesTo::NoWay];
        for (attempt, comes_to) in (1..).zip(failures) {
            let asked = order(fixture, attempt, &[comes_to]);
            let why = answer_to(resolver, asked).await.expect_err("it has no value");
            assert!(!why.to_string().contains(&secret), "{why} tells a secret");
        }
    }

    /// Cancel safety: the scheduler drops its wait whenever something else comes first.
    a_dropped_wait_loses_no_answer(fixture, resolver) {
        let mut answered = BTreeSet::new();
        for attempt in 1..=20 {
            assert_eq!(ask(resolver, order(fixture, attempt, &[value("x")])), None);
            // Polled once.
            let early = resolver.recv().now_or_never();
            answered.extend(early.map(|(attempt, _)| attempt));
        }
        while answered.len() < 20 {
            answered.insert(resolver.recv().await.0);
        }
    }
}
