//! The suites of notifiers and resolvers, tested: adapters that are each broken in one way, and the case that must catch them.

mod broken {
    pub(crate) mod notifier;
    pub(crate) mod resolver;
}

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll, Waker},
};

use hcndc_core::contract;

/// Runs a case whose adapters wait for nothing but themselves: what is not ready soon never will be.
fn block_on<F: Future>(case: F) -> F::Output {
    let mut case = pin!(case);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000 {
        if let Poll::Ready(output) = case.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("it waits for ever");
}

/// Whether the case panics.
macro_rules! catches {
    ($suite:ident by $fixture_trait:ident: $($case:ident: $($fault:ident),+;)*) => {$(
        mod $case {
            use super::*;
            use contract::$suite::$fixture_trait as _;
            use super::super::broken::$suite::{Fault, Fixture};

            async fn play(fault: Fault) {
                let fixture = Fixture(fault);
                let adapter = fixture.fresh().await;
                contract::$suite::$case(&fixture, &adapter).await;
            }

            #[test]
            fn passes_a_sound_adapter() {
                block_on(play(Fault::None));
            }

            $(
                #[test]
                #[allow(non_snake_case, reason = "named after the fault")]
                fn $fault() {
                    let result = catch_unwind(AssertUnwindSafe(|| block_on(play(Fault::$fault))));
                    assert!(result.is_err(), "{:?} went through", Fault::$fault);
                }
            )+
        }
    )*};
}

mod resolver {
    use super::*;

    catches! { resolver by ResolverFixture:
        orders_are_taken_while_others_are_open: TakesOneAtATime;
        what_is_refused_is_not_answered_as_well: AnswersWhatItRefused, CallsEverythingOther;
        every_order_is_answered_once: LosesSome, AnswersTwice;
        an_answer_has_all_values_that_were_asked_for: TrimsValues, LosesTheLastValue;
        each_failure_is_told_apart_and_names_its_param: BlamesTheFirst, CallsEverythingOther, SaysNoReason;
        a_query_that_takes_too_long_is_given_up: WaitsForEver;
        what_is_given_again_is_answered_again: TakesRepeatsAsOne, AnswersTwice;
        reasons_tell_no_secret: TellsSecrets;
        a_dropped_wait_loses_no_answer: ForgetsWhenDropped;
    }
}

mod notifier {
    use super::*;

    catches! { notifier by NotifierFixture:
        alerts_are_taken_while_others_are_open: TakesOneAtATime;
        an_alert_that_is_given_twice_is_done_with: DropsRepeats, TellsNobody;
        every_alert_is_done_with_once: LosesSome, SaysItTwice;
        people_were_told_of_what_is_done_with: TellsNobody;
        what_nobody_can_be_told_is_done_with_and_says_why: SaysNoReason, TriesForEver;
        a_dropped_wait_loses_nothing: ForgetsWhenDropped;
    }
}
