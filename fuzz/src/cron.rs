//! Cron expressions.

use hcndc_core::{
    time::Timestamp,
    trigger::cron::{Cron, Dialect, Language},
};

/// The first byte chooses a dialect and a zone, the next four a moment, the rest is an expression. It is read, or refused
/// at a place within it; what is read prints the same, and its times are in order in both directions.
///
/// # Panics
/// If that is not so.
pub fn cron(data: &[u8]) {
    let Some((&[choice, a, b, c, d], text)) = data.split_first_chunk::<5>() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let dialect = Dialect::ALL[usize::from(choice) % 3];
    let zones = chrono_tz::TZ_VARIANTS;
    let zone = zones[usize::from(choice) * 7 % zones.len()];
    // From 1902 to 2038, which holds every change of a zone's clock.
    let seconds = i64::from(i32::from_be_bytes([a, b, c, d]));
    let start = Timestamp::from_micros(seconds * 1_000_000);
    let cron = match Cron::parse(dialect, text) {
        Ok(cron) => cron,
        Err(error) => {
            assert!(text.get(error.range.clone()).is_some(), "{error:?}");
            return;
        }
    };
    assert_eq!(cron.to_string(), text);
    for language in [Language::En, Language::Zh] {
        assert!(!cron.words(language).is_empty(), "no words");
    }
    let mut at = start;
    for _ in 0..8 {
        let Some(next) = cron.next(zone, at) else {
            break;
        };
        assert!(next > at, "{cron:?} stands still at {at} in {zone}");
        let after = Timestamp::from_micros(next.as_micros() + 1);
        assert_eq!(
            cron.prev(zone, after),
            Some(next),
            "{cron:?} in {zone}: {next} is not found from behind"
        );
        if at != start {
            assert_eq!(
                cron.prev(zone, next),
                Some(at),
                "{cron:?} in {zone}: something before {next} is found only from behind"
            );
        }
        at = next;
    }
}
