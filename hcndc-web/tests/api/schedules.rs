//! What people do to schedules, and ask of them; cron expressions, backfills and forecasts.

use serde_json::{Value, json};

use crate::bed::Bed;

/// Two flows, and a schedule of the first; tells its path.
async fn scheduled() -> (Bed, String) {
    let bed = Bed::two_flows().await;
    let body = json!({"name": "nightly", "flow": "extract", "trigger": "30 2 * * *", "zone": "Asia/Shanghai",
                      "params": {"day": "1", "region": "eu"}});
    let made = bed.post("schedules", &body).await.expect(201);
    let path = format!("schedules/{}", made["id"]);
    (bed, path)
}

#[tokio::test]
async fn a_schedule_is_paused_and_resumed_alone_or_with_others() {
    let (bed, path) = scheduled().await;
    let told = bed.get(&path).await.expect(200);
    assert!(
        told["next"]
            .as_str()
            .unwrap()
            .ends_with("T18:30:00.000000Z")
    );
    assert_eq!((&told["last"], &told["live"]), (&Value::Null, &json!([])));
    let paused = bed
        .post(&format!("{path}/pause"), &json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&paused["paused"], &paused["next"]),
        (&json!(true), &Value::Null)
    );
    let why = bed.get(&format!("{path}/explain")).await.expect(200);
    assert_eq!(why["holds"][0]["kind"], "paused");
    let said = why["holds"][0]["message"].as_str().unwrap();
    assert!(
        said.starts_with("it is paused; api edited it last, at "),
        "{said}"
    );
    assert_eq!(why["message"], said);
    let resumed = bed
        .post(&format!("{path}/resume"), &json!({}))
        .await
        .expect(200);
    assert_eq!(resumed["paused"], false);
    let why = bed.get(&format!("{path}/explain")).await.expect(200);
    let expected = format!("it fires next at {}", resumed["next"].as_str().unwrap());
    assert_eq!(
        (&why["message"], &why["holds"]),
        (&json!(expected), &json!([]))
    );
    let there = bed
        .get(&format!("{path}/explain?zone=Asia/Shanghai"))
        .await
        .expect(200);
    let said = there["message"].as_str().unwrap();
    assert!(said.ends_with(" 02:30:00"), "{said}");
    bed.get(&format!("{path}/explain?zone=Asia/Nowhere"))
        .await
        .problem(400, "bad_query");
    let ids = json!({"ids": [told["id"]]});
    let many = bed.post("schedules/pause", &ids).await.expect(200);
    assert_eq!(many["items"][0]["paused"], true);
    let many = bed.post("schedules/resume", &ids).await.expect(200);
    assert_eq!(many["items"][0]["paused"], false);
    let wrong = json!({"ids": [told["id"], 9999]});
    bed.post("schedules/pause", &wrong)
        .await
        .problem(404, "unknown_schedule");
    assert_eq!(bed.get(&path).await.expect(200)["paused"], false);
    bed.post("schedules/9999/pause", &json!({}))
        .await
        .problem(404, "unknown_schedule");
}

#[tokio::test]
async fn a_schedule_is_run_at_once_with_a_date_params_and_what_is_downstream() {
    let (bed, path) = scheduled().await;
    let body = json!({"data_date": "2026-11-01", "date_format": "%Y%m%d", "params": {"region": "us"}, "with_downstream": true});
    let run = bed.post(&format!("{path}/run"), &body).await;
    let execution = run.expect(201);
    assert_eq!(
        run.header("location"),
        format!("/api/v1/executions/{}", execution["id"])
    );
    assert_eq!(execution["data_date"], "2026-11-01");
    assert_eq!(execution["date_format"], "%Y%m%d");
    assert_eq!(execution["params"], json!({"day": "1", "region": "us"}));
    assert_eq!(execution["trigger"], "manual");
    assert_eq!(format!("schedules/{}", execution["schedule"]), path);
    assert_eq!(execution["flows"].as_array().unwrap().len(), 2);
    let plain = bed
        .call("POST", &format!("/api/v1/{path}/run"), &[], "")
        .await;
    let plain = plain.expect(201);
    assert_eq!(plain["flows"].as_array().unwrap().len(), 1);
    assert_eq!(plain["date_format"], json!(null));
    let live = bed.get(&path).await.expect(200)["live"].clone();
    assert_eq!(live, json!([execution["id"], plain["id"]]));
    let wrong = json!({"data_date": "2026-13-01", "date_format": "%H", "params": {"1": "x"}});
    let problem = bed.post(&format!("{path}/run"), &wrong).await;
    let problem = problem.problem(400, "bad_body");
    assert_eq!(problem["faults"].as_array().unwrap().len(), 3);
    bed.post("schedules/9999/run", &json!({}))
        .await
        .problem(404, "unknown_schedule");
}

#[tokio::test]
async fn a_run_that_is_asked_for_again_runs_nothing_twice() {
    let (bed, path) = scheduled().await;
    let path = format!("/api/v1/{path}/run");
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "k"),
    ];
    let first = bed.call("POST", &path, &headers, "{}").await.expect(201);
    let again = bed.call("POST", &path, &headers, "{}").await.expect(201);
    assert_eq!(first["id"], again["id"]);
    bed.call("POST", &path, &headers, "{\"params\": {}}")
        .await
        .problem(422, "idempotency_key_reused");
    let all = bed.get("executions").await.expect(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_backfill_that_is_asked_for_again_starts_nothing_again() {
    let bed = Bed::two_flows().await;
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "fill"),
    ];
    let body = |to: &str| json!({"flow": "extract", "from": "2026-11-01", "to": to}).to_string();
    let start = async |to: &str| {
        bed.call("POST", "/api/v1/backfills", &headers, body(to))
            .await
    };
    let first = start("2026-11-02").await.expect(201);
    let again = start("2026-11-02").await.expect(201);
    assert_eq!(first["id"], again["id"]);
    start("2026-11-03")
        .await
        .problem(422, "idempotency_key_reused");
    // Its key is a backfill's, and no execution's.
    let other = bed.call("POST", "/api/v1/executions", &headers, body("2026-11-02"));
    other.await.problem(422, "idempotency_key_reused");
    let all = bed.get("backfills").await.expect(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    // A refused one leaves its key free.
    let wrong = [headers[0], ("idempotency-key", "other")];
    bed.call("POST", "/api/v1/backfills", &wrong, body("2020-01-01"))
        .await
        .problem(422, "backfill_range");
    bed.call("POST", "/api/v1/backfills", &wrong, body("2026-11-01"))
        .await
        .expect(201);
}

#[tokio::test]
async fn times_to_come_are_told_with_their_dates() {
    let (bed, path) = scheduled().await;
    let times = bed.get(&format!("{path}/next?count=3")).await.expect(200);
    let next = times["next"].as_array().unwrap();
    assert_eq!((next.len(), &times["zone"]), (3, &json!("Asia/Shanghai")));
    // 18:30 in UTC is 02:30 of the next day in Shanghai, whose day before is that of UTC.
    for (at, date) in next.iter().zip(times["data_dates"].as_array().unwrap()) {
        assert_eq!(at.as_str().unwrap()[..10], *date.as_str().unwrap());
    }
    assert_eq!(next[0], bed.get(&path).await.expect(200)["next"]);
    let event = json!({"name": "f", "flow": "load", "trigger": {"data_date_of": ["extract"]}});
    let event = bed.post("schedules", &event).await.expect(201)["id"].clone();
    let times = bed
        .get(&format!("schedules/{event}/next"))
        .await
        .expect(200);
    assert_eq!(times["next"], json!([]));
    let why = bed
        .get(&format!("schedules/{event}/explain"))
        .await
        .expect(200);
    assert_eq!(why["holds"][0]["kind"], "dates");
    bed.get("schedules/9999/next")
        .await
        .problem(404, "unknown_schedule");
    bed.get("schedules/9999/explain")
        .await
        .problem(404, "unknown_schedule");
}

#[tokio::test]
async fn firings_and_alerts_are_listed() {
    let (bed, path) = scheduled().await;
    let event = json!({"name": "f", "flow": "load", "trigger": {"data_date_of": ["extract"]}});
    let event = bed.post("schedules", &event).await.expect(201)["id"].clone();
    let rule = json!({"name": "all", "events": ["execution_succeeded"], "default": true});
    bed.post("alert-rules", &rule).await.expect(201);
    let id = bed.start(&["extract"]).await;
    bed.hand.finish("extract/orders", 0).await;
    bed.reaches(id, "succeeded").await;
    let fired = bed
        .get(&format!("schedules/{event}/firings"))
        .await
        .expect(200);
    assert_eq!(fired["items"][0]["outcome"], "started");
    assert_eq!(fired["items"][0]["data_date"], "2026-11-21");
    assert_eq!(
        bed.get(&format!("{path}/firings")).await.expect(200)["items"],
        json!([])
    );
    let all = bed.get("firings?started=true").await.expect(200);
    assert_eq!(all["items"], fired["items"]);
    assert_eq!(
        bed.get("firings?started=false").await.expect(200)["items"],
        json!([])
    );
    bed.get("schedules/9999/firings")
        .await
        .problem(404, "unknown_schedule");
    let alerts = bed.get(&format!("alerts?execution={id}")).await.expect(200);
    assert_eq!(alerts["items"][0]["event"], "execution_succeeded");
    assert_eq!(
        bed.get("alerts?execution=9999").await.expect(200)["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_cron_expression_is_told_in_words_with_its_times_and_what_may_surprise() {
    let bed = Bed::empty().await;
    let body = json!({"expression": "30 2 * * mon-fri", "zone": "Europe/Berlin", "count": 3,
                      "after": "2026-03-27T12:00:00Z"});
    let told = bed.post("cron/preview", &body).await.expect(200);
    assert!(told["words"].as_str().unwrap().contains("02:30"), "{told}");
    assert_ne!(told["words"], told["words_zh"]);
    let expected = [
        "2026-03-30T00:30:00.000000Z",
        "2026-03-31T00:30:00.000000Z",
        "2026-04-01T00:30:00.000000Z",
    ];
    assert_eq!(told["next"], json!(expected));
    // The clock jumps over 02:30 on a Sunday.
    let body = json!({"expression": "30 2 * * *", "zone": "Europe/Berlin", "after": "2026-03-27T12:00:00Z"});
    let told = bed.post("cron/preview", &body).await.expect(200);
    assert_eq!(told["warnings"][0]["code"], "skipped");
    let zh = [
        ("accept-language", "zh-CN"),
        ("content-type", "application/json"),
    ];
    let zh = bed
        .call("POST", "/api/v1/cron/preview", &zh, body.to_string())
        .await
        .expect(200);
    assert_eq!(zh["words"], zh["words_zh"]);
    let calendar = json!({"name": "cn", "holidays": ["2026-10-01"], "workdays": ["2026-10-10"]});
    bed.post("calendars", &calendar).await.expect(201);
    let body = json!({"expression": "0 0 * * *", "calendar": "cn", "filter": "business", "count": 2,
                      "after": "2026-09-30T12:00:00Z"});
    let told = bed.post("cron/preview", &body).await.expect(200);
    assert_eq!(told["next"][0], "2026-10-02T00:00:00.000000Z");
}

#[tokio::test]
async fn a_wrong_cron_expression_tells_the_place_of_its_fault() {
    let bed = Bed::empty().await;
    let body =
        json!({"expression": "0 2 * * 数", "zone": "Mars", "calendar": "nope", "count": 1000});
    let problem = bed
        .post("cron/preview", &body)
        .await
        .problem(400, "bad_body");
    let faults = problem["faults"].as_array().unwrap();
    let of = |field: &str| faults.iter().find(|it| it["field"] == field).unwrap();
    let fault = of("expression");
    assert_eq!(
        (&fault["start"], &fault["end"]),
        (&json!(8), &json!(9)),
        "{fault}"
    );
    for field in ["zone", "calendar", "count"] {
        of(field);
    }
}

#[tokio::test]
async fn a_backfill_is_planned_run_stopped_and_restarted() {
    let bed = Bed::two_flows().await;
    let body = json!({"flow": "extract", "from": "2026-11-01", "to": "2026-11-03", "with_downstream": true, "date_format": "%d.%m.", "params": {"a": "b"}});
    let plan = bed.post("backfills/plan", &body).await.expect(200);
    assert_eq!(
        plan["dates"],
        json!(["2026-11-01", "2026-11-02", "2026-11-03"])
    );
    assert_eq!(
        (plan["flows"].as_array().unwrap().len(), &plan["job_runs"]),
        (2, &json!(6))
    );
    assert_eq!(bed.get("backfills").await.expect(200)["items"], json!([]));
    let made = bed.post("backfills", &body).await;
    let backfill = made.expect(201);
    let path = format!("backfills/{}", backfill["id"]);
    assert_eq!(made.header("location"), format!("/api/v1/{path}"));
    assert_eq!(
        backfill["dates_by_state"],
        json!({"waiting": 2, "running": 1})
    );
    assert_eq!(backfill["dates"][0]["state"], "running");
    let execution = backfill["dates"][0]["execution"].as_u64().unwrap();
    let its = bed
        .get(&format!("executions/{execution}"))
        .await
        .expect(200);
    assert_eq!(
        (&its["backfill"], &its["params"]),
        (&backfill["id"], &json!({"a": "b"}))
    );
    assert_eq!(
        (&its["date_format"], &backfill["date_format"]),
        (&json!("%d.%m."), &json!("%d.%m."))
    );
    bed.post(&format!("{path}/restart"), &json!({}))
        .await
        .problem(409, "wrong_backfill_state");
    let stopped = bed
        .post(&format!("{path}/stop"), &json!({}))
        .await
        .expect(200);
    assert_eq!(stopped["stopped_by"], "api");
    bed.reaches(execution, "stopped").await;
    let listed = bed
        .get("backfills?state=stopped&flow=extract")
        .await
        .expect(200);
    assert_eq!(listed["items"][0]["flow"]["name"], "extract");
    let again = bed
        .post(&format!("{path}/restart"), &json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&again["state"], &again["restarts"]),
        (&json!("running"), &json!(1))
    );
    for (wrong, status, code) in [
        (
            json!({"flow": "nope", "from": "x", "to": "2026-11-01"}),
            400,
            "bad_body",
        ),
        (
            json!({"flow": "extract", "from": "2026-11-02", "to": "2026-11-01"}),
            422,
            "backfill_range",
        ),
        (
            json!({"flow": "extract", "from": "2026-11-01", "to": "2026-11-01", "parallel": 0}),
            422,
            "backfill_parallel",
        ),
    ] {
        bed.post("backfills", &wrong).await.problem(status, code);
        bed.post("backfills/plan", &wrong)
            .await
            .problem(status, code);
    }
    for deed in ["stop", "restart"] {
        let path = format!("backfills/9999/{deed}");
        bed.post(&path, &json!({}))
            .await
            .problem(404, "unknown_backfill");
    }
    bed.get("backfills/9999")
        .await
        .problem(404, "unknown_backfill");
}

#[tokio::test]
async fn a_backfill_that_has_succeeded_is_over() {
    let bed = Bed::two_flows().await;
    let body = json!({"flow": "extract", "from": "2026-11-01", "to": "2026-11-01"});
    let made = bed.post("backfills", &body).await.expect(201);
    let execution = made["dates"][0]["execution"].as_u64().unwrap();
    bed.hand.finish("extract/orders", 0).await;
    bed.reaches(execution, "succeeded").await;
    for deed in ["stop", "restart"] {
        let path = format!("backfills/{}/{deed}", made["id"]);
        bed.post(&path, &json!({}))
            .await
            .problem(409, "wrong_backfill_state");
    }
}

#[tokio::test]
async fn a_forecast_tells_what_will_run_when() {
    let (bed, _) = scheduled().await;
    // Two days hold a whole night, whatever the time is.
    let until = chrono::Utc::now() + chrono::Duration::days(2);
    let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let body = json!({"durations": {"extract/orders": "20m"}, "until": until});
    let seen = bed.post("forecast", &body).await.expect(200);
    let execution = &seen["executions"][0];
    assert_eq!(execution["schedule"], "nightly");
    let job = &execution["flows"][0]["jobs"][0];
    assert_eq!(
        (&job["job"], &job["executor"]),
        (&json!("orders"), &json!("here"))
    );
    let at = |field: &str| job[field].as_str().unwrap()[11..16].to_owned();
    assert_eq!(
        (at("started_at"), at("ended_at")),
        ("18:30".to_owned(), "18:50".to_owned())
    );
    let short = bed
        .post("forecast", &json!({"jobs": false}))
        .await
        .expect(200);
    let flow = &short["executions"][0]["flows"][0];
    assert_eq!(
        (&flow["flow"], &flow["jobs"]),
        (&json!("extract"), &Value::Null)
    );
    let lost = json!({"lost": ["here"]});
    let seen = bed.post("forecast", &lost).await.expect(200);
    assert_eq!(
        seen["executions"][0]["flows"][0]["jobs"][0]["started_at"],
        Value::Null
    );
    let usual = json!({"usual": true, "otherwise": "5m"});
    bed.post("forecast", &usual).await.expect(200);
    let wrong = json!({"until": "2020-01-01T00:00:00Z", "durations": {"a/b": 1}, "lost": ["x"], "otherwise": 0});
    let problem = bed.post("forecast", &wrong).await.problem(400, "bad_body");
    assert_eq!(problem["faults"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn many_executions_are_stopped_paused_and_resumed_each_by_itself() {
    let bed = Bed::two_flows().await;
    let one = bed.start(&["extract"]).await;
    let two = bed.start(&["load"]).await;
    let ids = json!({"ids": [one, 9999, two]});
    let state = |told: &Value, at: usize| told["items"][at]["execution"]["state"].clone();
    let paused = bed.post("executions/pause", &ids).await.expect(200);
    assert_eq!(
        (state(&paused, 0), state(&paused, 2)),
        (json!("paused"), json!("paused"))
    );
    assert_eq!(paused["items"][1]["problem"]["code"], "unknown_execution");
    assert_eq!(paused["items"][1]["id"], 9999);
    let again = bed
        .post("executions/pause", &json!({"ids": [one]}))
        .await
        .expect(200);
    assert_eq!(again["items"][0]["problem"]["code"], "wrong_state");
    let resumed = bed.post("executions/resume", &ids).await.expect(200);
    assert_eq!(state(&resumed, 0), "running");
    bed.post("executions/stop", &ids).await.expect(200);
    bed.reaches(one, "stopped").await;
    bed.reaches(two, "stopped").await;
    let resumed = bed
        .post("executions/resume", &json!({"ids": [one]}))
        .await
        .expect(200);
    assert_eq!(state(&resumed, 0), "running");
}
