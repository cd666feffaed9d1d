//! What an expression may do to its author's surprise: local times that a year skips or shows twice, and fields that say
//! something else than they seem to.

use alloc::vec::Vec;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

use super::{
    Cron, Dialect, Field,
    days::{Bits, DayRule},
    parse::{self, Base},
};
use crate::{
    time::Timestamp,
    trigger::zone::{Clock, DAY, LocalTimes, Reached, moment},
};

/// Something that may surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "kind"))]
#[non_exhaustive]
pub enum LintFinding {
    /// The expression names a local time that the clock jumps over.
    Skipped {
        /// That time.
        local: NaiveDateTime,
        /// When it is due instead: the end of the gap. `None` if it is left out, because the expression follows elapsed
        /// time or the date does not exist.
        at: Option<Timestamp>,
    },
    /// The expression names a local time that the clock shows twice.
    Doubled {
        /// That time.
        local: NaiveDateTime,
        /// The first moment that shows it; it is due then.
        first: Timestamp,
        /// The second moment that shows it.
        second: Timestamp,
        /// True if it is due then too, because the expression follows elapsed time.
        twice: bool,
    },
    /// There is no date that it names.
    Never,
    /// Both day fields say something, and a day counts that either names. Many expect that it must be named by both.
    EitherDay,
    /// A day field begins with `*` and has a step; so a day counts only if the other day field names it too.
    BothDays {
        /// The field with the step.
        field: Field,
    },
    /// A step that leads past the end of its field at once: only one value is left.
    WideStep {
        /// The field.
        field: Field,
        /// The step.
        step: u16,
    },
    /// A step over all of a field that does not divide it: the last one is shorter than the others.
    UnevenStep {
        /// The field.
        field: Field,
        /// The step.
        step: u16,
        /// The last one.
        last: u16,
    },
    /// A day that some of the named months do not have; those are left out.
    ShortMonth {
        /// The day of the month.
        day: u16,
    },
}

impl Cron {
    /// What may surprise: first what the expression is, then each local time of a year that a change of the zone's clock
    /// skips or shows twice, in order. A year outside of 1 to 9999 has none.
    ///
    /// ```
    /// use hcndc_core::trigger::cron::{Cron, LintFinding};
    /// let cron: Cron = "30 2 * * *".parse()?;
    /// let findings = cron.lint(chrono_tz::Europe::Berlin, 2026);
    /// assert_eq!(findings.len(), 2);
    /// assert!(matches!(findings[0], LintFinding::Skipped { at: Some(_), .. }));
    /// assert!(matches!(findings[1], LintFinding::Doubled { twice: false, .. }));
    /// # Ok::<(), hcndc_core::trigger::cron::CronError>(())
    /// ```
    #[must_use]
    pub fn lint(&self, zone: Tz, year: i32) -> Vec<LintFinding> {
        let mut findings = self.lint_fields();
        self.lint_changes(zone, year, &mut findings);
        findings
    }

    /// What the fields say.
    fn lint_fields(&self) -> Vec<LintFinding> {
        let mut findings = Vec::new();
        let dates = &self.compiled.dates;
        if dates.is_never() {
            findings.push(LintFinding::Never);
        }
        // It has been read before.
        let fields = parse::parse(self.dialect, &self.text).unwrap_or_default();
        if dates.rule == DayRule::Either {
            findings.push(LintFinding::EitherDay);
        }
        let says = |wanted: Field| {
            let mut items = fields.iter().filter(|it| it.field == wanted);
            items.any(|it| {
                it.items.iter().any(|item| {
                    item.step.is_some() || !matches!(item.base, Base::Every | Base::Unset)
                })
            })
        };
        let both = says(Field::DayOfMonth) && says(Field::DayOfWeek);
        for field in &fields {
            let (least, greatest) = field.field.span(self.dialect);
            for item in &field.items {
                let Some(step) = item.step else {
                    continue;
                };
                let is_day = matches!(field.field, Field::DayOfMonth | Field::DayOfWeek);
                if both && is_day && self.dialect == Dialect::Unix && item.base == Base::Every {
                    findings.push(LintFinding::BothDays { field: field.field });
                }
                let (first, last) = match item.base {
                    Base::Range(first, last) if first <= last => (first, last),
                    Base::Range(first, last) => (first, last + (greatest - least + 1)),
                    Base::One(first) | Base::ToLast(first) => (first, greatest.max(first)),
                    Base::Every
                    | Base::Unset
                    | Base::BeforeLast { .. }
                    | Base::Near(_)
                    | Base::Nth { .. }
                    | Base::LastWeekday(_) => (least, greatest),
                };
                let count = greatest - least + 1;
                let is_clock = matches!(field.field, Field::Hour | Field::Minute | Field::Second);
                if last - first < step {
                    findings.push(LintFinding::WideStep {
                        field: field.field,
                        step,
                    });
                } else if is_clock && item.base == Base::Every && count % step != 0 {
                    findings.push(LintFinding::UnevenStep {
                        field: field.field,
                        step,
                        last: count % step,
                    });
                }
            }
        }
        if dates.rule == DayRule::Both && !dates.is_never() {
            let shortest = |month: u32| match month {
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            let set = dates.of_month;
            let lone = set.days & 0x0fff_fffe == 0
                && set.before_last | set.near | set.near_before_last == 0
                && set.nth == [0; 5]
                && set.last == 0;
            let first = Bits(set.days).next().filter(|_| lone);
            let short =
                |&day: &u32| Bits(u32::from(dates.months)).any(|month| shortest(month) < day);
            findings.extend(
                first
                    .filter(short)
                    .map(|day| LintFinding::ShortMonth { day: day as u16 }),
            );
        }
        findings
    }

    /// What a year's changes of the clock do.
    fn lint_changes(&self, zone: Tz, year: i32, findings: &mut Vec<LintFinding>) {
        let start =
            |year| NaiveDate::from_ymd_opt(year, 1, 1).filter(|_| (1..=10_000).contains(&year));
        let (Some(start), Some(end)) = (start(year), start(year.saturating_add(1))) else {
            return;
        };
        let clock = Clock(zone);
        let times = &self.compiled;
        let day = |date: NaiveDate| i64::from(date.to_epoch_days()) * DAY;
        for change in clock.changes(day(start) - DAY, day(end) + DAY) {
            let (old, new) = (clock.offset(change - 1), clock.offset(change));
            let (mut local, until) = (change + old.min(new), change + old.max(new));
            while let Some(found) = times.at_or_after(local).filter(|&it| it < until) {
                local = found + 1;
                let Some(shown) = DateTime::from_timestamp(found, 0).map(|it| it.naive_utc())
                else {
                    continue;
                };
                if !(start..end).contains(&shown.date()) {
                    continue;
                }
                if new > old {
                    let at = match clock.reach(found) {
                        Reached::Jumped(at) | Reached::Shown(at)
                            if !times.follows_elapsed_time() =>
                        {
                            moment(at)
                        }
                        Reached::Jumped(_) | Reached::Shown(_) | Reached::NoSuchDate => None,
                    };
                    findings.push(LintFinding::Skipped { local: shown, at });
                } else if let (Some(first), Some(second)) =
                    (moment(found - old), moment(found - new))
                {
                    findings.push(LintFinding::Doubled {
                        local: shown,
                        first,
                        second,
                        twice: times.follows_elapsed_time(),
                    });
                }
            }
        }
    }
}
