//! Fire times as other implementations compute them (`testdata/cron`). Where they agree, ours are theirs; where they do
//! not, ours are one of theirs; or a rule of ours says why not. `docs/CRON.md` tells of each rule.

use std::iter::successors;

use chrono_tz::Tz;
use hcndc_core::{
    time::Timestamp,
    trigger::cron::{Cron, Dialect},
};
use serde_json::Value;

/// croniter, alone, counts on from a wrong number where a range with a step wraps: `Apr-Mar/2` skips February and March
/// follows December after three months.
const WRAPPED_STEPS: [&str; 2] = ["u1074", "u1120"];

/// APScheduler fires a fixed time of an overlap in both passes, one of a gap later by its length, or not at all if the
/// gap starts at midnight. By our rule: in the first pass, and at the end of the gap.
const APSCHEDULER_CHANGES: [&str; 15] = [
    "a0169", "a0181", "a0184", "a0192", "a0201", "a0207", "a0210", "a0227", "a0232", "a0237",
    "a0246", "a0255", "a0259", "a0263", "a0280",
];

/// APScheduler, where the clocks change off the hour (Chatham), leaves out the second pass of `*/15`. By our rule steps
/// follow elapsed time.
const APSCHEDULER_OFF_HOUR: [&str; 1] = ["a0278"];

/// Quartz, alone, leaves out the first pass of an overlap in `0/15`: an hour without a run. By our rule steps follow
/// elapsed time.
const QUARTZ_FIRST_PASS: [&str; 15] = [
    "q0013", "q0029", "q0047", "q0062", "q0075", "q0092", "q0110", "q0136", "q0149", "q0162",
    "q0175", "q0195", "q0208", "q0234", "q0256",
];

fn file() -> Value {
    serde_json::from_str(include_str!("../../../testdata/cron/vectors.json")).unwrap()
}

fn dialect(name: &str) -> Dialect {
    match name {
        "unix5" => Dialect::Unix,
        other => Dialect::from_name(other).unwrap(),
    }
}

fn times(list: &Value) -> Vec<Timestamp> {
    let texts = list.as_array().unwrap().iter();
    texts
        .map(|it| it.as_str().unwrap().parse().unwrap())
        .collect()
}

/// As many of our times as there are in another's answer; one if that is empty.
fn ours(cron: &Cron, zone: Tz, after: Timestamp, other: &[Timestamp]) -> Vec<Timestamp> {
    let times = successors(Some(after), |&last| cron.next(zone, last)).skip(1);
    times.take(other.len().max(1)).collect()
}

#[test]
fn times_are_those_of_others_or_a_rule_says_why_not() {
    let file = file();
    let mut differ = Vec::new();
    let vectors = file["vectors"].as_array().unwrap();
    for vector in vectors {
        let id = vector["id"].as_str().unwrap();
        let text = vector["expr"].as_str().unwrap();
        let zone = vector["tz"].as_str().unwrap().parse().unwrap();
        let after = vector["after"].as_str().unwrap().parse().unwrap();
        let dialect = dialect(vector["dialect"].as_str().unwrap());
        let cron = Cron::parse(dialect, text).unwrap_or_else(|error| panic!("{id}: {error}"));
        let answers: Vec<_> = match vector.get("next") {
            Some(next) => vec![times(next)],
            None => {
                let answers = vector["answers"].as_object().unwrap();
                answers.values().map(times).collect()
            }
        };
        if !answers
            .iter()
            .any(|answer| ours(&cron, zone, after, answer) == *answer)
        {
            differ.push(id);
        }
    }
    let mut expected: Vec<_> = QUARTZ_FIRST_PASS
        .into_iter()
        .chain(APSCHEDULER_CHANGES)
        .chain(APSCHEDULER_OFF_HOUR)
        .chain(WRAPPED_STEPS)
        .collect();
    differ.sort_unstable();
    expected.sort_unstable();
    assert_eq!(differ, expected);
    assert_eq!(vectors.len(), 1_009);
}

#[test]
fn times_looked_back_for_are_the_times_looked_forward_for() {
    for vector in file()["vectors"].as_array().unwrap() {
        let zone = vector["tz"].as_str().unwrap().parse().unwrap();
        let after = vector["after"].as_str().unwrap().parse().unwrap();
        let dialect = dialect(vector["dialect"].as_str().unwrap());
        let cron = Cron::parse(dialect, vector["expr"].as_str().unwrap()).unwrap();
        let mut forward: Vec<_> = successors(cron.next(zone, after), |&last| cron.next(zone, last))
            .take(10)
            .collect();
        let Some(&last) = forward.last() else {
            continue;
        };
        let end = Timestamp::from_micros(last.as_micros() + 1);
        let back = successors(cron.prev(zone, end), |&last| cron.prev(zone, last));
        forward.reverse();
        assert_eq!(
            back.take(forward.len()).collect::<Vec<_>>(),
            forward,
            "{}",
            vector["id"]
        );
    }
}

/// What some implementation accepts and we do not, with those that accept it in `testdata/cron`.
const REFUSED: [(&str, &str); 12] = [
    // Nothing before or after a comma or a hyphen: a slip of the hand.
    ("unix5", "1, * * * *"),
    ("unix5", "* * * * mon-"),
    ("quartz", "0,,5 0 12 * * ?"),
    // A name in a field that has none, a range from `*`, a sign.
    ("unix5", "* * mon * *"),
    ("unix5", "*-5 * * * *"),
    ("unix5", "0 0 1 * +MON"),
    // `?` is for days.
    ("unix5", "? ? ? ? ?"),
    // The zone is the schedule's, and fire times are no matter of chance.
    ("unix5", "CRON_TZ=Asia/Tokyo 0 0 * * *"),
    ("unix5", "R R * * *"),
    // Digits of other scripts.
    ("unix5", "\u{663} * * * *"),
    // Quartz itself refuses the first, and takes the second for a step of one.
    ("quartz", "0 0 12 1 * MON"),
    ("quartz", "*/0 * * * * ?"),
];

#[test]
fn what_all_accept_is_accepted_and_what_none_accepts_is_refused() {
    let file = file();
    let mut refused = Vec::new();
    for entry in file["validity"].as_array().unwrap() {
        let (name, text) = (
            entry["dialect"].as_str().unwrap(),
            entry["expr"].as_str().unwrap(),
        );
        let accepted_by = entry["accepted_by"].as_array().unwrap();
        let cron = match Cron::parse(dialect(name), text) {
            Ok(cron) => cron,
            Err(_) if accepted_by.is_empty() => continue,
            Err(_) => {
                refused.push((name, text));
                continue;
            }
        };
        assert!(!accepted_by.is_empty(), "{text} is accepted by us alone");
        let after = "2024-01-01T00:00:30Z".parse().unwrap();
        let answers: Vec<_> = match entry.get("next") {
            Some(next) => vec![times(next)],
            None => {
                let answers = entry["answers"].as_object().unwrap();
                answers.values().map(times).collect()
            }
        };
        assert!(
            answers
                .iter()
                .any(|answer| ours(&cron, Tz::UTC, after, answer) == *answer),
            "{text}"
        );
    }
    let mut expected = REFUSED.to_vec();
    expected.sort_unstable();
    refused.sort_unstable();
    assert_eq!(refused, expected);
}
