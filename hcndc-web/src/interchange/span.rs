//! Spans of time as people write them: `500ms`, `1h30m`, or a number of seconds.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A span of time in whole milliseconds, at most 36,500 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    millis: u64,
}

/// Unit names and their milliseconds; the first five are used for writing.
const UNITS: [(&str, u64); 22] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
    ("w", 604_800_000),
    ("week", 604_800_000),
    ("weeks", 604_800_000),
    ("day", 86_400_000),
    ("days", 86_400_000),
    ("hr", 3_600_000),
    ("hour", 3_600_000),
    ("hours", 3_600_000),
    ("min", 60_000),
    ("mins", 60_000),
    ("minute", 60_000),
    ("minutes", 60_000),
    ("sec", 1_000),
    ("secs", 1_000),
    ("second", 1_000),
    ("seconds", 1_000),
    ("msec", 1),
];

const MAX_MILLIS: u64 = 36_500 * 86_400_000;

impl Span {
    /// Name under which readers know the type.
    pub(super) const NAME: &'static str = "Span";

    /// The longest one.
    pub const LONGEST: Self = Self { millis: MAX_MILLIS };

    /// The span of so many milliseconds; `None` beyond 36,500 days.
    pub fn from_millis(millis: u64) -> Option<Self> {
        (millis <= MAX_MILLIS).then_some(Self { millis })
    }

    /// Length in milliseconds.
    pub fn as_millis(self) -> u64 {
        self.millis
    }

    /// The same span as the standard library has it.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.millis)
    }

    /// Whether it has no length.
    pub fn is_zero(self) -> bool {
        self.millis == 0
    }

    /// Parses groups of a whole number and a unit, such as `1h30m` or `1h 30m`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut millis = 0_u64;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let count = rest[..digits].parse::<u64>().ok()?;
            rest = rest[digits..].trim_start();
            let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (_, unit) = UNITS.iter().find(|(name, _)| *name == &rest[..letters])?;
            millis = millis.checked_add(count.checked_mul(*unit)?)?;
            rest = rest[letters..].trim_start();
        }
        Self::from_millis(millis)
    }

    /// Takes a number of seconds; what is finer than a millisecond is refused, not rounded.
    fn from_seconds(seconds: f64) -> Option<Self> {
        let millis = seconds * 1_000.0;
        let whole = millis.round();
        // 0.1 s × 1000 is exact or off by a rounding error of the product, never by more.
        let exact = (millis - whole).abs() <= 1e-9 * millis.max(1.0);
        if !(exact && (0.0..=MAX_MILLIS as f64).contains(&whole)) {
            return None;
        }
        Self::from_millis(whole as u64)
    }
}

/// The shortest way with units from days to milliseconds; `0s` for none.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.millis == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.millis;
        for (name, unit) in &UNITS[..5] {
            if rest >= *unit {
                write!(f, "{}{name}", rest / unit)?;
                rest %= unit;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::NAME, SpanVisitor)
    }
}

struct SpanVisitor;

impl<'de> Visitor<'de> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a span of time such as `10m`, or a number of seconds")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Span, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
        Span::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Span, E> {
        let millis = seconds.checked_mul(1_000).and_then(Span::from_millis);
        millis.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(seconds), &self))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Span, E> {
        match u64::try_from(seconds) {
            Ok(seconds) => self.visit_u64(seconds),
            Err(_) => Err(E::invalid_value(
                serde::de::Unexpected::Signed(seconds),
                &self,
            )),
        }
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Span, E> {
        Span::from_seconds(seconds)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Float(seconds), &self))
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A span of time: groups of a whole number and a unit (ms, s, m, h, d, w), such as \
                `500ms`, `10s` or `1h30m`; or a number of seconds. At most 36500 days; not finer than a millisecond.",
            "anyOf": [
                { "type": "string", "pattern": "^\\s*([0-9]+\\s*[a-z]+\\s*)+$" },
                { "type": "number", "minimum": 0 }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_spans_in_many_ways() {
        for (text, millis) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("1h30m", 5_400_000),
            ("1h 30 min", 5_400_000),
            ("2d", 172_800_000),
            ("1w", 604_800_000),
            ("0s", 0),
        ] {
            assert_eq!(Span::parse(text), Some(Span { millis }), "{text}");
        }
        for text in [
            "",
            "10",
            "s",
            "1.5h",
            "-1s",
            "10 fortnights",
            "99999999999999999999s",
            "36501d",
            "1h30",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_seconds() {
        assert_eq!(
            serde_json::from_str::<Span>("90").unwrap().as_millis(),
            90_000
        );
        assert_eq!(
            serde_json::from_str::<Span>("0.1").unwrap().as_millis(),
            100
        );
        assert_eq!(
            serde_json::from_str::<Span>("1.001").unwrap().as_millis(),
            1_001
        );
        for text in ["-1", "0.0001", "1e300", "true", "\"soon\""] {
            assert!(serde_json::from_str::<Span>(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_parses_to_the_same(millis in 0..=MAX_MILLIS) {
            let span = Span { millis };
            proptest::prop_assert_eq!(Span::parse(&span.to_string()), Some(span));
        }
    }
}
