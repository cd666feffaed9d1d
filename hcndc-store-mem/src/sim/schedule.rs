//! Schedules and calendars, drawn.

use std::{collections::BTreeSet, time::Duration};

use hcndc_core::{
    model::{
        AlertRuleRef, CalendarDraft, CalendarRef, Deadline, FileEventRef, FlowRef, Missed, Overlap,
        ScheduleDraft, TriggerDraft,
    },
    time::{DataDate, Timestamp},
    trigger::{
        TimeOfDay, Timing, Weekdays,
        calendar::{BusinessDays, DayFilter, DayRule},
        cron::{Cron, Dialect},
        interval::Interval,
    },
    workload::SplitMix64,
};

use super::lots::Lots as _;

/// The calendars that there are from the beginning.
pub(crate) const CALENDARS: [&str; 3] = ["bank", "plant", "spare"];

/// When everything begins: late on Monday, 30 November 2026. In the east the next day, and the next month, begin in the
/// middle of the run.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_micros(1_796_054_050_000_000);

/// A business date; those of numbers that follow each other do too. The third is the day on which everything happens, and the
/// first two lie on a weekend.
pub(crate) fn date(at: usize) -> DataDate {
    let dates = [
        "2026-11-28",
        "2026-11-29",
        "2026-11-30",
        "2026-12-01",
        "2026-12-02",
    ];
    match dates[at % dates.len()].parse() {
        Ok(date) => date,
        Err(_) => unreachable!("these are dates"),
    }
}

/// Some of the dates.
fn some_dates(lots: &mut SplitMix64) -> BTreeSet<DataDate> {
    (0..5).filter(|_| lots.one_in(2)).map(date).collect()
}

/// A local time of the minutes in which everything happens, and whether it is one of the next day.
fn moment(lots: &mut SplitMix64, east: bool) -> Option<(TimeOfDay, bool)> {
    let minutes = if east { 24 * 60 } else { 16 * 60 };
    let at = (minutes - 5 + lots.below(14)) as u32;
    let (day, at) = (at / (24 * 60), at % (24 * 60));
    Some((TimeOfDay::new(at / 60, at % 60, 0)?, day > 0))
}

fn deadline(lots: &mut SplitMix64, east: bool) -> Option<Deadline> {
    let (at, next_day) = moment(lots, east)?;
    let days = u16::from(next_day && lots.one_in(2));
    lots.one_in(3).then_some(Deadline { days, at })
}

/// Times of a minute or so, by an interval, a cron expression, or at some times of the days of a rule.
fn timing(lots: &mut SplitMix64, east: bool) -> Timing {
    let drawn = match lots.below(5) {
        0 | 1 => {
            let anchor = Timestamp::from_micros(lots.below(90_000_000) as i64);
            Interval::new(lots.span(20_000, 150_000), anchor)
                .map(Timing::Interval)
                .ok()
        }
        2 | 3 => {
            let texts = [
                "*/40 * * * * *",
                "30 * * * * *",
                "*/2 * * * *",
                "15,50 */2 * * * *",
            ];
            Cron::parse(Dialect::Unix, texts[lots.below(texts.len())])
                .map(Timing::Cron)
                .ok()
        }
        _ => {
            let rule = match lots.below(6) {
                0 | 1 => DayRule::Business,
                2 => DayRule::NonBusiness,
                3 => DayRule::NthDay {
                    n: [-1, 1][lots.below(2)],
                },
                4 => DayRule::NthBusiness {
                    n: [-1, 1][lots.below(2)],
                },
                _ => DayRule::Listed {
                    dates: [date(2), date(3 + lots.below(2))].into(),
                },
            };
            let times = (0..5 + lots.below(5)).filter_map(|_| moment(lots, east));
            let at = times.map(|(at, _)| at).collect();
            Some(Timing::Calendar { rule, at })
        }
    };
    let Some(timing) = drawn else {
        unreachable!("these are intervals and cron expressions");
    };
    timing
}

/// A schedule of one of these flows that fires every minute or so, or when a file arrives, or when others reach a date.
pub(crate) fn draw_schedule(
    lots: &mut SplitMix64,
    name: String,
    flows: &[FlowRef],
) -> ScheduleDraft {
    let east = lots.one_in(3);
    let own = lots.below(flows.len());
    let timing = timing(lots, east);
    let mut draft = ScheduleDraft::new(name, flows[own].clone(), TriggerDraft::Time(timing));
    let others = (0..flows.len()).filter(|at| *at != own && lots.one_in(2));
    let others: Vec<FlowRef> = others.map(|at| flows[at].clone()).collect();
    match lots.below(10) {
        0 | 1 => draft.trigger = TriggerDraft::File(FileEventRef::Name("event".into())),
        2..=5 if !others.is_empty() => draft.trigger = TriggerDraft::DataDate(others),
        _ => {}
    }
    if lots.one_in(2) {
        draft.calendar = Some(CalendarRef::Name(CALENDARS[lots.below(2)].into()));
    }
    draft.filter = match lots.below(10) {
        0 | 1 => Some(DayFilter::OnlyBusiness),
        2 => Some(DayFilter::NotBusiness),
        3 => Some(DayFilter::Only {
            dates: some_dates(lots),
        }),
        4 => Some(DayFilter::AllBut {
            dates: some_dates(lots),
        }),
        _ => None,
    };
    draft.start_by = deadline(lots, east);
    draft.finish_by = deadline(lots, east);
    if lots.one_in(2) {
        draft.alerts = vec![AlertRuleRef::Name("some".into())];
    }
    if east {
        draft.zone = "Asia/Shanghai".parse().unwrap_or(draft.zone);
    }
    draft.downstream = lots.one_in(3);
    draft.misfire_grace = [lots.span(0, 60_000), Duration::from_secs(3_600)][lots.below(2)];
    draft.missed = [Missed::Coalesce, Missed::CatchUp][lots.below(2)];
    draft.max_instances = 1 + lots.below(2) as u32;
    draft.overlap = [Overlap::Skip, Overlap::Queue][lots.below(2)];
    draft.date_offset = -(lots.below(3) as i32);
    draft.paused = lots.one_in(8);
    draft
}

/// A calendar in which the weekend, some holidays and some make-up workdays lie where everything happens.
pub(crate) fn draw_calendar(lots: &mut SplitMix64, name: String) -> CalendarDraft {
    let weekend = [Weekdays::WEEKEND, Weekdays::default()][lots.below(2)];
    let holidays = some_dates(lots).into_iter().filter(|_| lots.one_in(2));
    let days = BusinessDays {
        weekend,
        holidays: holidays.collect(),
        workdays: some_dates(lots),
    };
    CalendarDraft::new(name, days)
}
