//! A test for each case. The lists stand here once; a case that is not in one is not run.

/// Makes a `#[test]` of every case in [`contract::store`](mod@crate::contract::store).
///
/// The argument is an expression that gives a [`StoreFixture`](crate::contract::StoreFixture).
#[macro_export]
macro_rules! store_contract {
    ($fixture:expr) => {
        $crate::contract_cases! { $fixture, store:
            a_commit_stores_every_kind_of_row,
            a_commit_without_changes_stores_the_next_id,
            the_next_id_never_goes_back,
            of_one_row_the_last_change_wins,
            thousands_of_rows_go_in_one_commit,
            names_can_be_swapped_in_one_commit,
            extreme_values_come_back,
            a_commit_is_seen_whole_or_not_at_all,
            only_the_newest_fence_commits,
            a_refused_commit_stores_nothing,
            nobody_commits_before_a_lease_was_acquired,
            of_two_commits_at_once_the_newest_fence_stores,
            a_commit_against_a_takeover_stores_all_or_nothing,
            what_was_stored_is_loaded_when_opened_again,
            the_same_commit_again_changes_nothing,
            an_empty_store_loads_as_nothing,
            lists_are_loaded_sorted_by_id,
            an_ended_execution_is_not_loaded,
            a_resumed_execution_is_loaded_again,
            an_ended_attempt_is_not_loaded,
            outputs_replace_each_other,
            a_new_version_keeps_the_data_date,
            a_replaced_version_is_loaded_for_its_runs,
            a_deleted_version_is_loaded_for_its_runs,
            a_version_put_and_deleted_in_one_commit_stays,
            a_deleted_name_can_be_given_again,
            a_deleted_flow_takes_its_data_date_along,
            dates_and_outcomes_come_and_go,
            of_one_date_the_last_change_wins,
            any_stored_execution_can_be_loaded,
            an_unknown_execution_is_none,
            a_lease_in_force_keeps_others_out,
            a_lease_that_was_outlasted_can_be_taken,
            a_lease_that_shows_life_is_not_outlasted,
            the_same_holder_gets_a_greater_fence_at_once,
            fences_grow_over_every_term,
            of_many_asking_at_once_one_leads,
            of_many_that_take_over_at_once_one_leads,
            renewing_extends_the_lease_and_keeps_its_fence,
            renewing_after_a_takeover_is_fenced,
            renewing_a_released_lease_is_fenced,
            releasing_lets_others_in_at_once,
            releasing_a_lost_lease_does_nothing,
            texts_come_back_as_given,
            long_texts_come_back_whole,
            names_that_look_alike_stay_apart,
            a_backfill_is_loaded_until_it_succeeds,
            what_schedules_used_is_loaded,
            every_outcome_of_a_firing_comes_back,
            an_alert_is_loaded_while_it_is_open,
            any_stored_alert_can_be_loaded,
        }
    };
}

/// Makes a `#[test]` of every case in [`contract::history`](mod@crate::contract::history).
///
/// The argument is an expression that gives a [`StoreFixture`](crate::contract::StoreFixture).
#[macro_export]
macro_rules! history_contract {
    ($fixture:expr) => {
        $crate::contract_cases! { $fixture, history:
            flows_are_paged_in_every_sort_and_direction,
            jobs_are_paged_in_every_sort_and_direction,
            executors_are_paged_in_every_sort_and_direction,
            every_kind_of_definition_is_shown_whole,
            definitions_are_paged_in_every_sort_and_direction,
            definitions_are_filtered,
            definitions_come_and_go,
            runs_are_paged_in_both_directions,
            rows_that_come_and_go_disturb_no_walk,
            a_cursor_of_a_deleted_item_leads_on,
            the_last_page_leads_nowhere,
            limits_are_brought_into_range,
            a_cursor_beyond_all_ids_is_a_place_too,
            a_cursor_of_another_sort_is_refused,
            flows_are_filtered,
            jobs_are_filtered,
            executors_are_filtered,
            executions_are_filtered,
            job_runs_are_filtered,
            actions_are_listed_by_execution_and_job_run,
            what_matches_nothing_is_an_empty_page,
            a_text_filter_takes_every_character_as_itself,
            a_text_filter_ignores_the_case_of_ascii_letters_only,
            a_read_sees_the_commit_before_it,
            definitions_are_shown_whole,
            unknown_ids_are_no_errors,
            an_execution_shows_its_flows_and_counts,
            flow_runs_are_shown_by_id_with_counts,
            the_latest_run_of_each_date_is_found,
            runs_of_a_flow_are_paged_with_their_waits,
            executions_of_a_time_are_counted,
            job_runs_are_shown_with_names_and_attempts,
            what_failed_first_is_found_with_its_last_attempt,
            deleted_definitions_are_not_listed,
            runs_keep_the_names_that_they_had,
            firings_are_paged_and_filtered,
            alerts_are_paged_and_filtered,
            backfills_are_paged_and_filtered,
            a_backfill_shows_its_dates,
            executions_are_filtered_by_what_started_them,
            a_key_leads_to_what_was_started_under_it,
        }
    };
}

/// Makes a `#[test]` of every case in [`contract::reports`](mod@crate::contract::reports).
///
/// The argument is an expression that gives a [`StoreFixture`](crate::contract::StoreFixture).
#[macro_export]
macro_rules! reports_contract {
    ($fixture:expr) => {
        $crate::contract_cases! { $fixture, reports:
            ends_come_in_the_order_of_commits,
            each_end_of_an_execution_is_kept,
            an_end_that_was_none_is_not_told,
            an_end_that_is_stored_again_is_one,
            ends_of_one_commit_come_together,
            from_the_last_position_on_all_is_seen,
            marks_only_go_forward,
            job_runs_are_told_with_versions_and_attempts,
        }
    };
}

/// What the macros of the suites are made of.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_cases {
    ($fixture:expr, $suite:ident: $($case:ident,)*) => {$(
        #[test]
        fn $case() {
            use $crate::contract::StoreFixture as _;

            let fixture = $fixture;
            if let Some(reason) = fixture.absent() {
                let ci = ::std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
                assert!(!ci, "cannot be skipped where HCNDC_CI is 1: {reason}");
                // Straight to the stream: what a passing test prints is not shown.
                let line = ::std::format!("skipped: {}: {reason}\n", ::std::concat!(
                    ::core::module_path!(), "::", ::core::stringify!($case)));
                let _ = ::std::io::Write::write_all(&mut ::std::io::stderr(), line.as_bytes());
                return;
            }
            fixture.block_on(async {
                let opened = fixture.fresh().await;
                $crate::contract::$suite::$case(&fixture, &opened).await;
            });
        }
    )*};
}
