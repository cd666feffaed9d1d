//! Days of a zone.

use chrono::{Duration, NaiveDate, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use hcndc_core::time::Timestamp;

/// The first moment of a day. `None` where the zone leaves the whole day out, as Samoa's did once.
#[must_use]
pub(crate) fn first_moment(day: NaiveDate, zone: Tz) -> Option<Timestamp> {
    let midnight = day.and_time(NaiveTime::MIN);
    // Where the clock jumps over midnight, the day begins within the hours after it.
    let first = (0..=4).find_map(|half_hours| {
        let at = midnight + Duration::minutes(30 * half_hours);
        zone.from_local_datetime(&at).earliest()
    });
    first.map(|at| at.to_utc().into())
}

/// The same, by UTC where the zone has no such day.
#[must_use]
pub(crate) fn first_moment_or_utc(day: NaiveDate, zone: Tz) -> Timestamp {
    first_moment(day, zone).unwrap_or_else(|| day.and_time(NaiveTime::MIN).and_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_its_zone_says_also_where_there_is_no_first_moment() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let shanghai = first_moment(day("2026-11-21"), Tz::Asia__Shanghai);
        assert_eq!(shanghai, at("2026-11-20T16:00:00Z"));
        // The clock went from midnight to one.
        let gap = first_moment(day("2018-11-04"), Tz::America__Sao_Paulo);
        assert_eq!(gap, at("2018-11-04T03:00:00Z"));
    }

    #[test]
    fn a_day_that_a_zone_leaves_out_has_no_first_moment_but_one_by_utc() {
        let day: NaiveDate = "2011-12-30".parse().unwrap();
        assert_eq!(first_moment(day, Tz::Pacific__Apia), None);
        let by_utc: Timestamp = "2011-12-30T00:00:00Z".parse().unwrap();
        assert_eq!(first_moment_or_utc(day, Tz::Pacific__Apia), by_utc);
    }
}
