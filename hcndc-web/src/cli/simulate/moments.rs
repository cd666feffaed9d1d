//! Moments and spans, as briefly as a forecast allows.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _};
use chrono_tz::Tz;
use hcndc_core::time::Timestamp;

/// How the moments of a table are written: alike in all of its rows, so that they stand under each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    zone: Tz,
    has_years: bool,
    has_seconds: bool,
}

impl Moments {
    /// Years are written if there are several, seconds if any moment has some.
    pub(super) fn of(zone: Tz, moments: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut found = Self {
            zone,
            has_years: false,
            has_seconds: false,
        };
        let mut year = None;
        for at in moments {
            let local = found.local(at);
            found.has_years |= *year.get_or_insert_with(|| local.year()) != local.year();
            found.has_seconds |= local.second() != 0;
        }
        found
    }

    fn local(self, at: Timestamp) -> DateTime<Tz> {
        at.to_utc().with_timezone(&self.zone)
    }

    /// The date in the table's zone.
    pub(super) fn date(self, at: Timestamp) -> NaiveDate {
        self.local(at).date_naive()
    }

    /// A moment with its date; nothing if there is none.
    pub(super) fn moment(self, at: Option<Timestamp>) -> String {
        let date = if self.has_years { "%Y-%m-%d" } else { "%m-%d" };
        at.map_or_else(String::new, |at| {
            format!("{} {}", self.local(at).format(date), self.time(at))
        })
    }

    /// A moment after another: with its date only if that is another.
    pub(super) fn end(self, from: Option<Timestamp>, to: Option<Timestamp>) -> String {
        match (from, to) {
            (Some(from), Some(to)) if self.date(from) == self.date(to) => self.time(to),
            _ => self.moment(to),
        }
    }

    fn time(self, at: Timestamp) -> String {
        let time = if self.has_seconds {
            "%H:%M:%S"
        } else {
            "%H:%M"
        };
        self.local(at).format(time).to_string()
    }
}

/// A span as people say it, without the units that are zero at its end: `1h`, `1h02m`, `2m05s`. Nothing is empty.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, seconds) {
        (0, 0, 0) if span.is_zero() => String::new(),
        (0, 0, 0) => "<1s".to_owned(),
        (0, 0, _) => format!("{seconds}s"),
        (0, _, 0) => format!("{minutes}m"),
        (0, _, _) => format!("{minutes}m{seconds:02}s"),
        (_, 0, 0) => format!("{hours}h"),
        (_, _, 0) => format!("{hours}h{minutes:02}m"),
        _ => format!("{hours}h{minutes:02}m{seconds:02}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn moments_are_as_brief_as_all_of_them_allow() {
        let (one, other) = (at("2026-11-19T18:00:00Z"), at("2026-11-20T18:00:05Z"));
        let zone = Tz::Asia__Shanghai;
        let brief = Moments::of(zone, [one]);
        assert_eq!(brief.moment(Some(one)), "11-20 02:00");
        let exact = Moments::of(zone, [one, other]);
        assert_eq!(exact.moment(Some(one)), "11-20 02:00:00");
        assert_eq!(exact.end(Some(one), Some(other)), "11-21 02:00:05");
        let years = Moments::of(zone, [one, at("2027-01-01T00:00:00Z")]);
        assert_eq!(years.moment(Some(one)), "2026-11-20 02:00");
        assert_eq!(years.end(Some(one), Some(one)), "02:00");
        assert_eq!(
            (years.moment(None), years.end(Some(one), None)),
            Default::default()
        );
    }

    #[test]
    fn spans_leave_out_what_is_zero_at_their_end() {
        let spans = [0, 5, 60, 65, 3600, 3660, 3605, 90_000];
        let texts = spans.map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(
            texts,
            ["", "5s", "1m", "1m05s", "1h", "1h01m", "1h00m05s", "25h"]
        );
        assert_eq!(span(Duration::from_millis(3)), "<1s");
    }
}
