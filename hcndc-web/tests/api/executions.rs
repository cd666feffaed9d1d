use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn an_execution_runs_to_its_end() {
    let bed = Bed::two_flows().await;
    let body = json!({"flows": ["extract", "load"], "data_date": "20261121", "params": {"day": 1}});
    let made = bed.post("executions", &body).await;
    let execution = made.expect(201);
    let id = execution["id"].as_u64().unwrap();
    assert_eq!(made.header("location"), format!("/api/v1/executions/{id}"));
    assert_eq!(execution["state"], "running");
    assert_eq!(execution["data_date"], "2026-11-21");
    assert_eq!(execution["params"], json!({"day": "1"}));
    assert_eq!(execution["trigger"], "manual");
    assert_eq!(execution["started_by"], "api");
    assert_eq!(execution["progress"], json!({"total": 2, "settled": 0}));
    bed.hand.finish("extract/orders", 0).await;
    bed.hand.finish("load/orders", 0).await;
    let ended = bed.reaches(id, "succeeded").await;
    assert_eq!(ended["job_runs"], json!({"succeeded": 2}));
    assert_eq!(ended["progress"], json!({"total": 2, "settled": 2}));
    assert!(ended["ended_at"].is_string());

    let runs = bed
        .get(&format!("executions/{id}/flow-runs"))
        .await
        .expect(200);
    let states: Vec<_> = runs["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["state"])
        .collect();
    assert_eq!(states, ["succeeded", "succeeded"]);
    let flows = bed.get("flows?text=extract").await.expect(200);
    assert_eq!(flows["items"][0]["data_date"], "2026-11-21");
}

#[tokio::test]
async fn a_stopped_execution_is_resumed_and_rerun() {
    let bed = Bed::two_flows().await;
    let id = bed.start(&["extract", "load"]).await;
    let path = |deed: &str| format!("executions/{id}/{deed}");
    let nothing = json!({});
    bed.post(&path("resume"), &nothing)
        .await
        .problem(409, "wrong_state");
    bed.hand.start("extract/orders").await;

    // Without a body, and without a media type, too.
    let stopping = bed
        .call("POST", &format!("/api/v1/{}", path("stop")), &[], "")
        .await;
    assert_eq!(stopping.expect(200)["stopped_by"], "api");
    let stopped = bed.reaches(id, "stopped").await;
    assert_eq!(stopped["job_runs"]["killed"], 1);
    bed.post(&path("stop"), &nothing)
        .await
        .problem(409, "wrong_state");

    assert_eq!(
        bed.post(&path("resume"), &nothing).await.expect(200)["state"],
        "running"
    );
    bed.hand.finish("extract/orders", 0).await;
    bed.hand.finish("load/orders", 0).await;
    let ended = bed.reaches(id, "succeeded").await;
    assert_eq!(ended["resumes"], 1);

    let from = bed.job_run(id, "load/orders").await;
    let again = bed
        .post(&path("rerun"), &json!({"from": [from]}))
        .await
        .expect(200);
    assert_eq!(again["state"], "running");
    assert_eq!(again["progress"], json!({"total": 2, "settled": 1}));
    bed.hand.finish("load/orders", 0).await;
    bed.reaches(id, "succeeded").await;
    let attempts = bed
        .get(&format!("job-runs/{from}/attempts"))
        .await
        .expect(200);
    assert_eq!(attempts["items"].as_array().unwrap().len(), 2);

    bed.post(&path("rerun"), &nothing)
        .await
        .problem(422, "no_job_runs");
    bed.post(&path("rerun"), &json!({"from": [99]}))
        .await
        .problem(422, "unknown_job_run");
}

#[tokio::test]
async fn starts_that_cannot_be_are_refused() {
    let bed = Bed::two_flows().await;
    bed.post("flows", &json!({"name": "off", "enabled": false}))
        .await
        .expect(201);
    for (body, status, code, field) in [
        (json!({}), 422, "no_flows", None),
        (json!({"flows": ["off"]}), 409, "flow_disabled", None),
        (
            json!({"flows": ["nope", 99]}),
            400,
            "bad_body",
            Some("flows"),
        ),
        (
            json!({"flow": "extract", "data_date": "2026-02-29"}),
            400,
            "bad_body",
            Some("data_date"),
        ),
        (
            json!({"flow": "extract", "date_format": "%Y-%m-%d %H"}),
            400,
            "bad_body",
            Some("date_format"),
        ),
        (
            json!({"flow": "extract", "params": {"a b": "1"}}),
            400,
            "bad_body",
            Some("params.a b"),
        ),
        (
            json!({"flow": "extract", "params": {"a": "\0"}}),
            400,
            "bad_body",
            Some("params.a"),
        ),
        (
            json!({"flow": "extract", "when": "now"}),
            400,
            "bad_body",
            Some("when"),
        ),
    ] {
        let problem = bed.post("executions", &body).await.problem(status, code);
        if let Some(field) = field {
            assert_eq!(problem["faults"][0]["field"], field, "{problem}");
        }
    }
    for deed in ["stop", "resume", "rerun"] {
        let body = if deed == "rerun" {
            json!({"from": [1]})
        } else {
            json!({})
        };
        let answer = bed.post(&format!("executions/99/{deed}"), &body).await;
        answer.problem(404, "unknown_execution");
        let odd = bed
            .post(&format!("executions/99/{deed}"), &json!({"odd": 1}))
            .await;
        odd.problem(400, "bad_body");
    }
    for path in [
        "executions/99",
        "executions/99/flow-runs",
        "executions/99/job-runs",
        "executions/99/events",
    ] {
        bed.get(path).await.problem(404, "unknown_execution");
    }
}

#[tokio::test]
async fn a_start_may_say_how_dates_are_written() {
    let bed = Bed::two_flows().await;
    let body = json!({"flow": "extract", "data_date": "2026-11-21", "date_format": "%Y%m%d"});
    let execution = bed.post("executions", &body).await.expect(201);
    assert_eq!(execution["date_format"], "%Y%m%d");
    let order = bed.hand.order("extract/orders").await;
    assert_eq!(order.date_format, Some("%Y%m%d".parse().unwrap()));

    let asked = async |body| bed.post("date-formats/preview", &body).await;
    let written = asked(json!({"date_format": "%d/%m/%y", "data_date": "2026-11-21"}));
    let expected = json!({"data_date": "2026-11-21", "written": "21/11/26"});
    assert_eq!(written.await.expect(200), expected);
    let yesterday = asked(json!({"date_format": "%F"})).await.expect(200);
    assert_eq!(yesterday["data_date"], yesterday["written"]);
    let wrong = asked(json!({"date_format": "%H:%M", "data_date": "2026-02-30"}));
    let problem = wrong.await.problem(400, "bad_body");
    let faults = problem["faults"].as_array().unwrap();
    let codes: Vec<_> = faults
        .iter()
        .map(|it| (it["field"].as_str(), it["code"].as_str()))
        .collect();
    assert_eq!(
        codes,
        [
            (Some("data_date"), Some("bad_date")),
            (Some("date_format"), Some("bad_format"))
        ]
    );
}

#[tokio::test]
async fn downstream_flows_come_along_and_yesterday_is_the_usual_date() {
    let bed = Bed::two_flows().await;
    let body = json!({"flow": "extract", "with_downstream": true});
    let execution = bed.post("executions", &body).await.expect(201);
    assert_eq!(execution["flows"].as_array().unwrap().len(), 2);
    let yesterday = (chrono::Utc::now() - chrono::Days::new(1)).date_naive();
    // The test may run over midnight.
    let today = yesterday + chrono::Days::new(1);
    let date = execution["data_date"].as_str().unwrap();
    assert!([yesterday.to_string(), today.to_string()].contains(&date.to_owned()));
}

#[tokio::test]
async fn a_repeated_start_with_its_key_starts_nothing_new() {
    let bed = Bed::two_flows().await;
    let body = json!({"flow": "extract"}).to_string();
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "night-7"),
    ];
    let path = "/api/v1/executions";
    let (first, second) = tokio::join!(
        bed.call("POST", path, &headers, body.clone()),
        bed.call("POST", path, &headers, body),
    );
    assert_eq!(first.expect(201)["id"], second.expect(201)["id"]);
    let other = json!({"flow": "extract", "params": {"a": "1"}}).to_string();
    let reused = bed.call("POST", path, &headers, other).await;
    reused.problem(422, "idempotency_key_reused");
    let list = bed.get("executions").await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn executions_are_listed_the_latest_first_and_by_filters() {
    let bed = Bed::two_flows().await;
    let mut ids = Vec::new();
    for date in ["2026-11-20", "2026-11-21", "2026-11-22"] {
        let body = json!({"flow": "extract", "data_date": date});
        ids.push(bed.post("executions", &body).await.expect(201)["id"].clone());
    }
    let found = async |query: &str| {
        let page = bed.get(&format!("executions?{query}")).await.expect(200);
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| it["id"].clone()).collect::<Vec<_>>()
    };
    let newest: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(found("").await, newest);
    assert_eq!(found("sort=id").await, ids);
    assert_eq!(found("data_date_from=2026-11-21").await, newest[..2]);
    assert_eq!(
        found("data_date_from=2026-11-21&data_date_to=2026-11-21").await,
        ids[1..2]
    );
    assert_eq!(found("flow=extract&state=running,failed").await, newest);
    assert_eq!(found("flow=load").await, ids[..0]);
    assert_eq!(found("state=succeeded").await, ids[..0]);
    let first = bed.get("executions?limit=2").await.expect(200);
    let next = first["next_cursor"].as_str().unwrap();
    assert_eq!(found(&format!("limit=2&cursor={next}")).await, newest[2..]);
    let query = "executions?state=asleep&data_date_from=soon&limit=0&sort=name";
    let problem = bed.get(query).await.problem(400, "bad_query");
    assert_eq!(problem["faults"].as_array().unwrap().len(), 4, "{problem}");
}

#[tokio::test]
async fn the_grid_tells_how_each_flow_last_went_for_each_date() {
    let bed = Bed::two_flows().await;
    let start = async |date: &str| {
        let body = json!({"flow": "extract", "data_date": date});
        let made = bed.post("executions", &body).await.expect(201);
        made["id"].as_u64().expect("an id")
    };
    let first = start("2026-11-20").await;
    bed.hand.finish("extract/orders", 0).await;
    bed.reaches(first, "succeeded").await;
    start("2026-11-19").await;
    let last = start("2026-11-20").await;

    let grid = bed.get("grid?from=2026-11-20&to=2026-11-21").await;
    let grid = grid.expect(200);
    assert_eq!(grid["dates"], json!(["2026-11-20", "2026-11-21"]));
    let rows = grid["items"].as_array().expect("rows");
    let names: Vec<_> = rows.iter().map(|row| &row["flow"]["name"]).collect();
    assert_eq!(names, ["extract", "load"]);
    let cell =
        json!({"data_date": "2026-11-20", "state": "running", "execution": last, "executions": 2});
    assert_eq!(rows[0]["runs"], json!([cell]));
    assert_eq!(rows[1]["runs"], json!([]));

    let usual = bed.get("grid?limit=1&text=load").await.expect(200);
    assert_eq!(usual["dates"].as_array().expect("dates").len(), 14);
    assert_eq!(usual["items"][0]["flow"]["name"], "load");
    for dates in [
        "from=2026-11-22&to=2026-11-21",
        "from=2026-01-01&to=2026-11-21",
    ] {
        let problem = bed.get(&format!("grid?{dates}")).await;
        let problem = problem.problem(400, "bad_query");
        assert_eq!(problem["faults"][0]["field"], "to");
    }
}
