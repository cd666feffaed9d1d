//! Forecasts of changes before they are made.

use chrono::Timelike as _;
use serde_json::{Value, json};

use crate::bed::Bed;

/// An hour in UTC that is far from now, so that nothing here is between two times of a test.
fn hour() -> u32 {
    match chrono::Utc::now().hour() {
        16..=21 => 6,
        _ => 18,
    }
}

/// The same in Shanghai.
fn there(hour: u32) -> u32 {
    (hour + 8) % 24
}

/// A time of a day as answers have it.
fn at(hour: u32, minute: u32) -> String {
    format!("{hour:02}:{minute:02}")
}

/// Two flows, and a schedule of the first, every day at half past an hour.
async fn scheduled() -> (Bed, String) {
    let bed = Bed::two_flows().await;
    let body = json!({"name": "nightly", "flow": "extract", "trigger": format!("30 {} * * *", there(hour())),
                      "zone": "Asia/Shanghai", "finish_by": at(there(hour() + 1), 0), "downstream": true});
    let made = bed.post("schedules", &body).await.expect(201);
    let path = format!("schedules/{}", made["id"]);
    (bed, path)
}

/// A forecast of two days, which hold a whole night whatever the time is.
async fn seen(bed: &Bed, mut body: Value) -> Value {
    let until = chrono::Utc::now() + chrono::Duration::days(2);
    body["until"] = until
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        .into();
    bed.post("forecast", &body).await.expect(200)
}

fn clock(at: &Value) -> &str {
    &at.as_str().unwrap()[11..16]
}

#[tokio::test]
async fn a_change_is_seen_before_it_is_made_and_nothing_is_stored() {
    let (bed, path) = scheduled().await;
    let stored = bed.get(&path).await.expect(200);
    let later = format!("0 {} * * *", there(hour() + 2));
    let edits = json!([{"kind": "schedules", "target": "nightly", "patch": {"trigger": later}}]);
    let told = seen(&bed, json!({"edits": edits, "jobs": false})).await;
    assert_eq!(
        clock(&told["executions"][0]["fire_time"]),
        at(hour() + 2, 0)
    );
    assert_eq!(
        clock(&told["before"]["executions"][0]["fire_time"]),
        at(hour(), 30)
    );
    let changes = &told["changes"];
    assert_eq!(
        clock(&changes["fires_gone"][0]["fire_time"]),
        at(hour(), 30)
    );
    assert_eq!(
        clock(&changes["fires_added"][0]["fire_time"]),
        at(hour() + 2, 0)
    );
    let flow = &changes["flows"][0];
    assert_eq!(flow["flow"], "extract");
    assert_eq!(clock(&flow["before"]["started_at"]), at(hour(), 30));
    assert_eq!(clock(&flow["after"]["started_at"]), at(hour() + 2, 0));
    assert_eq!(clock(&changes["last_end_before"]), at(hour(), 32));
    assert_eq!(clock(&changes["last_end_after"]), at(hour() + 2, 2));
    assert_eq!(changes["moved"], Value::Null);
    assert_eq!(
        bed.get(&path).await.expect(200)["version"],
        stored["version"]
    );

    // As it is, nothing is compared.
    let told = seen(&bed, json!({})).await;
    assert_eq!(
        (&told["before"], &told["changes"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn longer_jobs_move_what_comes_after_and_miss_deadlines() {
    let (bed, _) = scheduled().await;
    // What it usually took goes before what was expected, but not before what is expected now.
    let run = bed.start(&["extract"]).await;
    bed.hand.finish("extract/orders", 0).await;
    bed.reaches(run, "succeeded").await;
    let longer =
        json!([{"kind": "jobs", "target": "extract/orders", "patch": {"expected": "45m"}}]);
    let told = seen(&bed, json!({"edits": longer, "usual": true})).await;
    let changes = &told["changes"];
    let late = &changes["newly_missed"][0];
    assert_eq!(
        (&late["schedule"], &late["what"]),
        (&json!("nightly"), &json!("finish"))
    );
    assert_eq!(changes["no_longer_missed"], json!([]));
    let moved = changes["moved"].as_array().unwrap();
    let of = |flow: &str| moved.iter().find(|it| it["flow"] == flow).unwrap();
    assert_eq!(
        clock(&of("extract")["after"]["ended_at"]),
        at(hour() + 1, 15)
    );
    assert_eq!(
        clock(&of("load")["after"]["started_at"]),
        at(hour() + 1, 15)
    );

    // One that is new, one that is gone, one that is replaced whole; and a mesh file beside them.
    let edits = json!([
        {"kind": "pools", "put": {"name": "narrow", "slots": 1}},
        {"kind": "jobs", "put": {"flow": "extract", "name": "sum", "command": "true", "pool": "narrow"}},
        {"kind": "jobs", "target": "load/orders", "delete": true},
        {"kind": "flows", "target": "extract", "put": {"name": "extract", "enabled": true, "priority": 3}},
    ]);
    let mesh = "hcndc: 1\nflows:\n  - {name: report, jobs: [{name: draw, command: 'true'}]}\n\
                schedules:\n  - {name: early, flow: report, trigger: '0 1 * * *', zone: Asia/Shanghai}\n";
    let told = seen(&bed, json!({"edits": edits, "mesh": mesh})).await;
    let changes = &told["changes"];
    let names = |list: &str| -> Vec<String> {
        let jobs = changes[list].as_array().unwrap().iter();
        let names = jobs.map(|it| format!("{}/{}", it["flow"], it["job"]).replace('"', ""));
        names.collect()
    };
    assert!(
        names("only_after").contains(&"extract/sum".to_owned()),
        "{changes}"
    );
    assert!(names("only_after").contains(&"report/draw".to_owned()));
    assert!(names("only_before").contains(&"load/orders".to_owned()));
    assert_eq!(changes["fires_added"][0]["schedule"], "early");
    assert_eq!(bed.get("pools").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_change_that_would_be_refused_is_refused_for_the_same_reason() {
    let (bed, path) = scheduled().await;
    let ask = async |edits: Value| bed.post("forecast", &json!({"edits": edits})).await;
    let circle = json!([{"kind": "jobs", "target": "extract/orders", "patch": {"depends_on": ["load/orders"]}}]);
    let problem = ask(circle).await.problem(422, "bad_definition");
    assert_eq!(problem["faults"][0]["code"], "cycle", "{problem}");
    let used = json!([{"kind": "flows", "target": "extract", "delete": true}]);
    ask(used).await.problem(409, "in_use");
    let stale = json!([{"kind": "schedules", "target": bed.get(&path).await.expect(200)["id"],
                        "patch": {"version": 7, "paused": true}}]);
    ask(stale).await.problem(409, "stale");
    let wrong = json!([
        {"kind": "sheep", "target": 1, "delete": true},
        {"kind": "flows", "target": "nowhere", "delete": true},
        {"kind": "flows", "target": "extract"},
        {"kind": "flows", "target": "extract", "delete": true, "patch": {}},
        {"kind": "flows", "patch": {"name": "x"}},
        {"kind": "schedules", "target": "nightly", "patch": {"zone": "Mars/Olympus", "max_instances": "many"}},
        {"kind": "jobs", "put": {"name": "x"}},
    ]);
    let problem = ask(wrong).await.problem(400, "bad_body");
    let mut told: Vec<(&str, &str)> = problem["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["field"].as_str().unwrap(), it["code"].as_str().unwrap()))
        .collect();
    told.dedup();
    assert_eq!(
        told,
        [
            ("edits[0].kind", "unknown_word"),
            ("edits[1].target", "unknown"),
            ("edits[2].put", "not_one_of"),
            ("edits[3].put", "not_one_of"),
            ("edits[4].target", "missing_field"),
            ("edits[5].patch.zone", "unknown_zone"),
            ("edits[5].patch.max_instances", "wrong_type"),
            ("edits[6].put", "missing_field"),
        ]
    );
    let mesh = json!({"mesh": "hcndc: 1\nflows:\n  - {name: a, jobs: [{name: b}]}\n"});
    let problem = bed.post("forecast", &mesh).await.problem(422, "bad_mesh");
    assert_eq!(problem["faults"][0]["line"], 3, "{problem}");
}
