//! The suites themselves, tested: stores that are each broken in one way, and the case that must catch them.

mod broken {
    pub(crate) mod fault;
    pub(crate) mod history;
    pub(crate) mod reports;
    pub(crate) mod store;
}

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll, Waker},
};

use broken::{fault::Fault, store::Broken};
use hcndc_core::contract::{self, Opened, StoreFixture};

/// Opens stores with this fault.
struct BrokenFixture(Fault);

impl StoreFixture for BrokenFixture {
    type Store = Broken;
    type Guard = ();

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        // Stores that are torn in the middle of a commit yield there; nothing ever waits for anything else.
        let mut case = pin!(case);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = case.as_mut().poll(&mut context) {
                return output;
            }
        }
    }

    async fn fresh(&self) -> Opened<Broken, ()> {
        Opened {
            store: Broken::new(self.0),
            guard: (),
        }
    }

    async fn reopen(&self, opened: &Opened<Broken, ()>) -> Broken {
        opened.store.reopen()
    }
}

/// Whether the case panics.
macro_rules! catches {
    ($($suite:ident::$case:ident: $($fault:ident),+;)*) => {$(
        mod $case {
            use super::*;

            #[test]
            fn passes_a_sound_store() {
                let fixture = BrokenFixture(Fault::None);
                fixture.block_on(async {
                    let opened = fixture.fresh().await;
                    contract::$suite::$case(&fixture, &opened).await;
                });
            }

            $(
                #[test]
                #[allow(non_snake_case, reason = "named after the fault")]
                fn $fault() {
                    let fixture = BrokenFixture(Fault::$fault);
                    let result = catch_unwind(AssertUnwindSafe(|| {
                        fixture.block_on(async {
                            let opened = fixture.fresh().await;
                            contract::$suite::$case(&fixture, &opened).await;
                        });
                    }));
                    assert!(result.is_err(), "{:?} went through", Fault::$fault);
                }
            )+
        }
    )*};
}

catches! {
    store::a_commit_stores_every_kind_of_row: LosesMicroseconds, LosesAttempts;
    store::a_commit_without_changes_stores_the_next_id: ForgetsNextId;
    store::the_next_id_never_goes_back: TakesAnyNextId;
    store::of_one_row_the_last_change_wins: FirstChangeWins;
    store::thousands_of_rows_go_in_one_commit: CutsLongCommits;
    store::names_can_be_swapped_in_one_commit: RefusesTakenNames;
    store::extreme_values_come_back: ClampsNumbers;
    store::a_commit_is_seen_whole_or_not_at_all: TearsCommits;
    store::only_the_newest_fence_commits: TakesAnyFence, TakesFutureFences;
    store::a_refused_commit_stores_nothing: StoresHalfOfRefused;
    store::nobody_commits_before_a_lease_was_acquired: NeedsNoLease;
    store::of_two_commits_at_once_the_newest_fence_stores: TakesAnyFence;
    store::a_commit_against_a_takeover_stores_all_or_nothing: ChecksTheFenceTooEarly;
    store::what_was_stored_is_loaded_when_opened_again: ForgetsWhenClosed;
    store::the_same_commit_again_changes_nothing: RefusesRepeats, CountsRepeats;
    store::an_empty_store_loads_as_nothing: StartsWithSomething;
    store::lists_are_loaded_sorted_by_id: SortsIdsAsText;
    store::an_ended_execution_is_not_loaded: LoadsEndedExecutions, LosesStopping;
    store::a_resumed_execution_is_loaded_again: NeverUnends;
    store::an_ended_attempt_is_not_loaded: LosesAttempts;
    store::a_new_version_keeps_the_data_date: NewVersionsLoseDates;
    store::a_replaced_version_is_loaded_for_its_runs: PinsNothing;
    store::a_deleted_version_is_loaded_for_its_runs: DeletesVersions;
    store::a_version_put_and_deleted_in_one_commit_stays: DeletesVersions;
    store::a_deleted_name_can_be_given_again: RefusesTakenNames;
    store::a_deleted_flow_takes_its_data_date_along: KeepsDatesOfDeleted;
    store::dates_and_outcomes_come_and_go: KeepsWhatIsPast;
    store::of_one_date_the_last_change_wins: FirstChangeWins;
    store::any_stored_execution_can_be_loaded: FindsLiveOnly, PinsNothing;
    store::an_unknown_execution_is_none: FindsAnyExecution;
    store::a_lease_in_force_keeps_others_out: GivesEveryoneALease, FoldsHolders;
    store::a_lease_that_was_outlasted_can_be_taken: LeasesNeverEnd;
    store::a_lease_that_shows_life_is_not_outlasted: HidesSignsOfLife, OutlastsAnyMark;
    store::the_same_holder_gets_a_greater_fence_at_once: KeepsTheFence, LocksItselfOut;
    store::fences_grow_over_every_term: ForgetsTheFence;
    store::of_many_asking_at_once_one_leads: GivesEveryoneALease;
    store::of_many_that_take_over_at_once_one_leads: OutlastsAnyMark;
    store::renewing_extends_the_lease_and_keeps_its_fence: RenewsAsNewTerm, RenewsNothing;
    store::renewing_after_a_takeover_is_fenced: RenewsAnyLease;
    store::renewing_a_released_lease_is_fenced: ReleasesNothing;
    store::releasing_lets_others_in_at_once: ReleasesNothing;
    store::releasing_a_lost_lease_does_nothing: ReleasesAnyLease;
    store::texts_come_back_as_given: TrimsTexts, LosesFourByteCharacters;
    store::long_texts_come_back_whole: CutsTexts;
    store::names_that_look_alike_stay_apart: TrimsTexts, FoldsNames;
    store::a_backfill_is_loaded_until_it_succeeds: LosesBackfillDates, LoadsEndedBackfills;
    store::what_schedules_used_is_loaded: LosesFirings, KeepsWhatDeletedUsed;
    store::every_outcome_of_a_firing_comes_back: LosesFirings;
    store::an_alert_is_loaded_while_it_is_open: NeverClosesAlerts;
    store::any_stored_alert_can_be_loaded: LoadsAlertsAlone;
    history::firings_are_paged_and_filtered: OnlyAscends, IgnoresFilters;
    history::alerts_are_paged_and_filtered: OnlyAscends, IgnoresFilters;
    history::flows_are_paged_in_every_sort_and_direction: FoldsNamesWhenSorting, RepeatsTies, SkipsTies;
    history::jobs_are_paged_in_every_sort_and_direction: FoldsNamesWhenSorting, RepeatsTies, SkipsTies;
    history::executors_are_paged_in_every_sort_and_direction: FoldsNamesWhenSorting, RepeatsTies, SkipsTies;
    history::every_kind_of_definition_is_shown_whole: LosesSecrets;
    history::definitions_are_paged_in_every_sort_and_direction: FoldsNamesWhenSorting, RepeatsTies, SkipsTies;
    history::definitions_are_filtered: IgnoresFilters;
    history::definitions_come_and_go: ListsDeleted;
    history::runs_are_paged_in_both_directions: OnlyAscends;
    history::rows_that_come_and_go_disturb_no_walk: PagesByOffset;
    history::a_cursor_of_a_deleted_item_leads_on: PagesByOffset;
    history::the_last_page_leads_nowhere: AlwaysLeadsOn;
    history::limits_are_brought_into_range: TakesAnyLimit;
    history::a_cursor_beyond_all_ids_is_a_place_too: RefusesLargeCursors;
    history::a_cursor_of_another_sort_is_refused: TakesAnyCursor;
    history::flows_are_filtered: IgnoresFilters, MatchesPartsOfDirectories, MatchesEither;
    history::jobs_are_filtered: IgnoresFilters, MatchesEither;
    history::executors_are_filtered: IgnoresFilters;
    history::executions_are_filtered: IgnoresFilters, LeavesOutTheLastDay;
    history::job_runs_are_filtered: IgnoresFilters;
    history::what_matches_nothing_is_an_empty_page: AlwaysLeadsOn;
    history::a_text_filter_takes_every_character_as_itself: TakesTextsAsPatterns;
    history::a_text_filter_ignores_the_case_of_ascii_letters_only: FoldsAllLetters, FoldsNothing;
    history::a_read_sees_the_commit_before_it: ReadsLag;
    history::definitions_are_shown_whole: LosesMicroseconds;
    history::unknown_ids_are_no_errors: FindsAnyExecution;
    history::an_execution_shows_its_flows_and_counts: CountsEverything;
    history::flow_runs_are_shown_by_id_with_counts: CountsEverything;
    history::the_latest_run_of_each_date_is_found: IgnoresFilters;
    history::runs_of_a_flow_are_paged_with_their_waits: OnlyAscends, AlwaysLeadsOn;
    history::executions_of_a_time_are_counted: LeavesOutTheLastDay;
    history::job_runs_are_shown_with_names_and_attempts: SortsAttemptsById;
    history::what_failed_first_is_found_with_its_last_attempt: IgnoresFilters, SortsAttemptsById;
    history::deleted_definitions_are_not_listed: ListsDeleted;
    history::runs_keep_the_names_that_they_had: ShowsNewNames;
    history::backfills_are_paged_and_filtered: OnlyAscends, IgnoresFilters;
    history::a_backfill_shows_its_dates: LosesBackfillDates, CountsEverything;
    history::executions_are_filtered_by_what_started_them: IgnoresFilters;
    history::a_key_leads_to_what_was_started_under_it: ForgetsKeys;

    reports::ends_come_in_the_order_of_commits: OrdersEndsByTime;
    reports::each_end_of_an_execution_is_kept: KeepsOneEnd;
    reports::an_end_that_was_none_is_not_told: TellsEndsOfEveryCommit;
    reports::an_end_that_is_stored_again_is_one: TellsEndsOfEveryCommit;
    reports::ends_of_one_commit_come_together: TearsCommitsApart;
    reports::from_the_last_position_on_all_is_seen: StandsStill;
    reports::marks_only_go_forward: MarksGoBack, ForgetsWhenClosed;
    reports::job_runs_are_told_with_versions_and_attempts: ShowsNewNames, SortsAttemptsById;
}
