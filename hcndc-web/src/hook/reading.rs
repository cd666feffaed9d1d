//! What a delivery says: whether it passes the filter, for which date it is, and which values it gives.

use chrono::NaiveDate;
use hcndc_core::{
    model::{HookCondition, HookTest, LONGEST_TEXT, Param, Webhook},
    time::{DataDate, Timestamp},
};
use serde_json::Value;

use super::Reason;
use crate::connect::file::path::fits_any;

/// What is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The date that it is for.
    pub(crate) data_date: DataDate,
    /// Values of the execution, in the order of the definition.
    pub(crate) params: Vec<Param>,
}

/// What is made of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its flows are to be started.
    Start(Reading),
    /// It does not pass the filter.
    Filtered(Reason),
    /// It cannot be used.
    Refused(Reason),
}

/// Reads a body that arrived then. The same body at the same time comes to the same, whatever else is known.
pub(crate) fn read(hook: &Webhook, body: &[u8], arrived: Timestamp) -> Verdict {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Verdict::Refused(Reason::NotJson);
    };
    let mut conditions = hook.filter.iter().enumerate();
    if let Some((index, condition)) = conditions.find(|(_, it)| !holds(it, &body)) {
        return Verdict::Filtered(Reason::Filtered {
            condition: index + 1,
            at: condition.at.clone(),
            is: condition.is,
        });
    }
    match wanted(hook, &body, arrived) {
        Ok(reading) => Verdict::Start(reading),
        Err(reason) => Verdict::Refused(reason),
    }
}

fn wanted(hook: &Webhook, body: &Value, arrived: Timestamp) -> Result<Reading, Reason> {
    let data_date = match &hook.date_at {
        Some(at) => {
            let text = text_at(body, at).ok_or_else(|| Reason::Missing {
                of: "data_date".to_owned(),
                at: at.clone(),
            })?;
            let date = NaiveDate::parse_and_remainder(&text, &hook.date_format).ok();
            let date = date.and_then(|(date, _)| DataDate::new(date));
            date.ok_or_else(|| Reason::BadDate {
                text: text.chars().take(100).collect(),
                format: hook.date_format.clone(),
            })?
        }
        None => {
            let yesterday = DataDate::day_before(arrived, hook.zone);
            yesterday
                .plus_days(hook.date_offset + 1)
                .unwrap_or(yesterday)
        }
    };
    let params = hook.params.iter().map(|param| {
        let of = || param.name.clone();
        let value = text_at(body, &param.value).ok_or_else(|| Reason::Missing {
            of: of(),
            at: param.value.clone(),
        })?;
        match value.len() <= LONGEST_TEXT && !value.contains('\0') {
            true => Ok(Param { name: of(), value }),
            false => Err(Reason::BadValue { of: of() }),
        }
    });
    Ok(Reading {
        data_date,
        params: params.collect::<Result<_, _>>()?,
    })
}

/// What stands there as text: texts as they are, all else as JSON writes it. Null is nothing.
fn text_at(body: &Value, pointer: &str) -> Option<String> {
    match body.pointer(pointer)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn holds(condition: &HookCondition, body: &Value) -> bool {
    let found = text_at(body, &condition.at);
    let values = &condition.values;
    match condition.is {
        HookTest::Exists => found.is_some(),
        HookTest::Absent => found.is_none(),
        HookTest::Equals => found.is_some_and(|it| values.contains(&it)),
        HookTest::Differs => found.is_some_and(|it| !values.contains(&it)),
        HookTest::Matches => {
            found.is_some_and(|it| values.iter().any(|pattern| fits_any(pattern, &it)))
        }
    }
}

#[cfg(test)]
mod tests {
    use hcndc_core::{contract::sample, model::Definition};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn hook() -> Webhook {
        let world = sample::World::new();
        let found = world.definitions.iter().find_map(|it| match it {
            Definition::Webhook(it) => Some(it),
            _ => None,
        });
        Webhook {
            filter: Vec::new(),
            date_at: None,
            date_format: "%Y-%m-%d".into(),
            date_offset: -1,
            params: Vec::new(),
            ..Webhook::clone(found.expect("one"))
        }
    }

    fn when(at: &str, is: HookTest, values: &[&str]) -> HookCondition {
        HookCondition {
            at: at.into(),
            is,
            values: values.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    fn read_json(hook: &Webhook, body: &Value) -> Verdict {
        // 23:30 of the 21st in UTC, 07:30 of the 22nd in Shanghai.
        let arrived = "2026-11-21T23:30:00Z".parse().unwrap();
        read(hook, body.to_string().as_bytes(), arrived)
    }

    fn date_of(hook: &Webhook, body: &Value) -> Result<String, Reason> {
        match read_json(hook, body) {
            Verdict::Start(reading) => Ok(reading.data_date.to_string()),
            Verdict::Filtered(reason) | Verdict::Refused(reason) => Err(reason),
        }
    }

    #[test]
    fn conditions_hold_or_do_not() {
        use HookTest as T;
        let body = json!({"kind": "order.paid", "n": 3, "ok": true, "none": null, "list": [{"a/b": "x"}], "deep": {"k": 1}});
        for (condition, expected) in [
            (when("/kind", T::Equals, &["order.paid"]), true),
            (when("/kind", T::Equals, &["a", "order.paid"]), true),
            (when("/kind", T::Equals, &["order"]), false),
            (when("/n", T::Equals, &["3"]), true),
            (when("/ok", T::Equals, &["true"]), true),
            (when("/deep", T::Equals, &["{\"k\":1}"]), true),
            (when("/list/0/a~1b", T::Equals, &["x"]), true),
            (when("/gone", T::Equals, &["x"]), false),
            (when("/kind", T::Differs, &["order.open"]), true),
            (when("/kind", T::Differs, &["order.paid"]), false),
            (when("/gone", T::Differs, &["x"]), false),
            (when("/kind", T::Matches, &["order.*"]), true),
            (when("/kind", T::Matches, &["*.p?id"]), true),
            (when("/kind", T::Matches, &["paid*"]), false),
            (when("/kind", T::Exists, &[]), true),
            (when("/none", T::Exists, &[]), false),
            (when("/gone", T::Absent, &[]), true),
            (when("/none", T::Absent, &[]), true),
            (when("/n", T::Absent, &[]), false),
            (when("", T::Exists, &[]), true),
        ] {
            assert_eq!(holds(&condition, &body), expected, "{condition:?}");
        }
    }

    #[test]
    fn the_first_condition_that_fails_is_named() {
        let hook = Webhook {
            filter: vec![
                when("/a", HookTest::Exists, &[]),
                when("/b", HookTest::Equals, &["1"]),
            ],
            ..hook()
        };
        let verdict = read_json(&hook, &json!({"a": 1, "b": 2}));
        let reason = Reason::Filtered {
            condition: 2,
            at: "/b".into(),
            is: HookTest::Equals,
        };
        assert_eq!(Reason::of_text(&reason.to_text()), Some(reason.clone()));
        assert_eq!(verdict, Verdict::Filtered(reason));
        assert!(matches!(
            read_json(&hook, &json!({"a": 1, "b": 1})),
            Verdict::Start(_)
        ));
        let now = Timestamp::from_micros(0);
        assert_eq!(read(&hook, b"{", now), Verdict::Refused(Reason::NotJson));
    }

    #[test]
    fn the_date_stands_in_the_body_or_counts_from_the_day_of_arrival() {
        let by_arrival = hook();
        assert_eq!(by_arrival.zone, chrono_tz::Tz::Asia__Shanghai);
        assert_eq!(date_of(&by_arrival, &json!({})).unwrap(), "2026-11-21");
        let today = Webhook {
            date_offset: 0,
            ..hook()
        };
        assert_eq!(date_of(&today, &json!({})).unwrap(), "2026-11-22");
        let there = Webhook {
            date_at: Some("/d".into()),
            ..hook()
        };
        let date = |text: &str| date_of(&there, &json!({"d": text}));
        assert_eq!(date("2026-02-28").unwrap(), "2026-02-28");
        assert_eq!(date("2026-02-28T23:59:59+14:00").unwrap(), "2026-02-28");
        assert!(matches!(date("28.2.2026"), Err(Reason::BadDate { .. })));
        assert!(matches!(date("2026-02-30"), Err(Reason::BadDate { .. })));
        let missing = Reason::Missing {
            of: "data_date".into(),
            at: "/d".into(),
        };
        assert_eq!(date_of(&there, &json!({"d": null})), Err(missing));
        let number = Webhook {
            date_format: "%Y%m%d".into(),
            ..there
        };
        assert_eq!(
            date_of(&number, &json!({"d": 20_261_120})).unwrap(),
            "2026-11-20"
        );
    }

    #[test]
    fn params_are_texts_of_what_stands_there() {
        let param = |name: &str, at: &str| Param {
            name: name.into(),
            value: at.into(),
        };
        let hook = Webhook {
            params: vec![param("Z", "/z"), param("A", "/list"), param("N", "/n")],
            ..hook()
        };
        let Verdict::Start(reading) =
            read_json(&hook, &json!({"z": "日 '报'", "list": [1, "b"], "n": 1.50}))
        else {
            panic!("it starts");
        };
        let params: Vec<_> = reading
            .params
            .iter()
            .map(|it| (it.name.as_str(), it.value.as_str()))
            .collect();
        assert_eq!(params, [("Z", "日 '报'"), ("A", "[1,\"b\"]"), ("N", "1.5")]);
        let missing = Reason::Missing {
            of: "A".into(),
            at: "/list".into(),
        };
        assert_eq!(
            read_json(&hook, &json!({"z": "", "n": 1})),
            Verdict::Refused(missing)
        );
        let bad = Reason::BadValue { of: "Z".into() };
        let body = json!({"z": "a\u{0}b", "list": 1, "n": 1});
        assert_eq!(read_json(&hook, &body), Verdict::Refused(bad.clone()));
        let body = json!({"z": "x".repeat(LONGEST_TEXT + 1), "list": 1, "n": 1});
        assert_eq!(read_json(&hook, &body), Verdict::Refused(bad));
    }

    fn arbitrary_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c*?]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn arbitrary_condition() -> impl Strategy<Value = HookCondition> {
        let is = prop_oneof![
            Just(HookTest::Equals),
            Just(HookTest::Differs),
            Just(HookTest::Matches),
            Just(HookTest::Exists),
            Just(HookTest::Absent),
        ];
        let at = "(/[a-c0-1]){0,3}";
        let values = prop::collection::vec("[a-c*?]{0,3}", 1..3);
        (at, is, values).prop_map(|(at, is, values)| HookCondition { at, is, values })
    }

    proptest! {
        /// A filter is the conjunction of its conditions, whatever their order; there is no third between there and not there; what is
        /// there equals or differs; and what equals a value without globs fits it.
        #[test]
        fn filters_are_conjunctions(body in arbitrary_json(), filter in prop::collection::vec(arbitrary_condition(), 0..5)) {
            let starts = |filter: Vec<HookCondition>| {
                matches!(read_json(&Webhook { filter, ..hook() }, &body), Verdict::Start(_))
            };
            let each = filter.iter().all(|it| holds(it, &body));
            prop_assert_eq!(starts(filter.clone()), each);
            prop_assert_eq!(starts(filter.iter().rev().cloned().collect()), each);
            for it in filter {
                let with = |is| holds(&HookCondition { is, ..it.clone() }, &body);
                let there = with(HookTest::Exists);
                prop_assert_ne!(there, with(HookTest::Absent));
                prop_assert_eq!(there, with(HookTest::Equals) != with(HookTest::Differs));
                if with(HookTest::Equals) {
                    prop_assert!(with(HookTest::Matches));
                }
            }
        }
    }
}
