//! What does it cost to find the next fire time of a cron expression?
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;

use chrono_tz::Tz;
use criterion::{Criterion, criterion_group, criterion_main};
use hcndc_core::{
    time::Timestamp,
    trigger::cron::{Cron, Dialect},
};

/// What is asked: an expression, a zone, a moment, and what comes next.
struct Question {
    id: &'static str,
    dialect: Dialect,
    text: &'static str,
    zone: Tz,
    after: &'static str,
    next: Option<&'static str>,
}

/// Typical ones; the sparsest, where years are searched; and changes of the clock, where transitions are.
const QUESTIONS: [Question; 9] = [
    Question {
        id: "typical/daily",
        dialect: Dialect::Unix,
        text: "30 2 * * *",
        zone: Tz::Asia__Shanghai,
        after: "2026-11-21T00:00:00Z",
        next: Some("2026-11-21T18:30:00Z"),
    },
    Question {
        id: "typical/weekdays",
        dialect: Dialect::Unix,
        text: "0 9-17 * * mon-fri",
        zone: Tz::Europe__Berlin,
        after: "2026-11-20T17:00:00Z",
        next: Some("2026-11-23T08:00:00Z"),
    },
    Question {
        id: "typical/quarters",
        dialect: Dialect::Unix,
        text: "*/15 * * * *",
        zone: Tz::Europe__Berlin,
        after: "2026-11-21T00:00:00Z",
        next: Some("2026-11-21T00:15:00Z"),
    },
    Question {
        id: "typical/month_end",
        dialect: Dialect::Quartz,
        text: "0 0 22 LW * ?",
        zone: Tz::Asia__Shanghai,
        after: "2026-11-01T00:00:00Z",
        next: Some("2026-11-30T14:00:00Z"),
    },
    Question {
        id: "sparse/leap_day_after_2096",
        dialect: Dialect::Unix,
        text: "0 0 29 2 *",
        zone: Tz::Europe__Berlin,
        after: "2096-03-01T00:00:00Z",
        next: Some("2104-02-28T23:00:00Z"),
    },
    Question {
        id: "sparse/leap_day_on_a_monday_in_steps",
        dialect: Dialect::Apscheduler,
        text: "month=2 day=29 day_of_week=mon hour=*/2",
        zone: Tz::Europe__Berlin,
        after: "2072-03-01T00:00:00Z",
        next: Some("2112-02-28T23:00:00Z"),
    },
    Question {
        id: "sparse/never",
        dialect: Dialect::Unix,
        text: "0 0 31W 2 *",
        zone: Tz::UTC,
        after: "2026-11-21T00:00:00Z",
        next: None,
    },
    Question {
        id: "change/gap",
        dialect: Dialect::Unix,
        text: "30 2 * * *",
        zone: Tz::America__New_York,
        after: "2026-03-08T00:00:00Z",
        next: Some("2026-03-08T07:00:00Z"),
    },
    Question {
        id: "change/second_pass",
        dialect: Dialect::Unix,
        text: "30 1 * * *",
        zone: Tz::America__New_York,
        after: "2026-11-01T06:10:00Z",
        next: Some("2026-11-02T06:30:00Z"),
    },
];

fn cron(c: &mut Criterion) {
    for question in QUESTIONS {
        let cron = Cron::parse(question.dialect, question.text).expect("an expression");
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let after = time(question.after);
        let next = question.next.map(time);
        c.bench_function(&format!("cron/next/{}", question.id), |b| {
            b.iter(|| {
                let found = black_box(&cron).next(question.zone, black_box(after));
                assert_eq!(found, next);
            });
        });
        c.bench_function(&format!("cron/prev/{}", question.id), |b| {
            b.iter(|| black_box(&cron).prev(question.zone, black_box(after)));
        });
    }
    c.bench_function("cron/parse/weekdays", |b| {
        b.iter(|| Cron::parse(Dialect::Unix, black_box("0 9-17 * * mon-fri")));
    });
}

criterion_group!(benches, cron);
criterion_main!(benches);
