//! What an executor would be sent to run a job.

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};

use crate::bed::Bed;

async fn preview(bed: &Bed, job: &Value, body: &Value) -> Value {
    let path = format!("jobs/{}/preview", job["id"]);
    bed.post(&path, body).await.expect(200)
}

#[tokio::test]
async fn a_command_is_told_for_a_date_with_all_params_in_their_places() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dw.db");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let made = "CREATE TABLE batch AS SELECT 41 AS id UNION SELECT 42";
    database.execute(made).await.unwrap();
    database.close().await.unwrap();

    let bed = Bed::new().await;
    bed.flow("extract").await;
    let source = json!({"name": "dw", "kind": "sqlite", "database": path});
    bed.post("data-sources", &source).await.expect(201);
    let query = "SELECT max(id) FROM batch WHERE '${date}' = '20261121'";
    let param = json!({"name": "batch", "sql": {"data_source": "dw", "query": query}});
    bed.post("params", &param).await.expect(201);
    bed.job("extract/count", &[]).await;
    let job = json!({
        "flow": "extract", "name": "load", "command": "sh load.sh ${date-1d}", "workdir": "/data/${date:%Y}",
        "depends_on": ["extract/count"],
        "params": {"table": "two words", "batch": {"shared": true}, "api_token": "s3cret-key",
                   "rows": {"output": "count"}},
    });
    let job = bed.post("jobs", &job).await.expect(201);

    let body = json!({"data_date": "2026-11-21", "date_format": "%Y%m%d"});
    let told = preview(&bed, &job, &body).await;
    assert_eq!(told["trouble"], Value::Null, "{told}");
    assert_eq!(
        told["command"],
        "sh load.sh 20261120 'two words' 42 *** '<extract/count: rows>'"
    );
    assert_eq!(told["workdir"], "/data/2026");
    assert_eq!(told["outputs"], json!(["rows"]));
    assert_eq!(told["env"]["HCNDC_DATE"], "2026-11-21");
    assert_eq!(told["env"]["HCNDC_PARAM_API_TOKEN"], "***");
    assert_eq!(told["env"]["HCNDC_PARAM_BATCH"], "42");

    // The flow counts business days by its calendar.
    let days = json!({"name": "cn", "holidays": ["2026-11-20"]});
    bed.post("calendars", &days).await.expect(201);
    let flow = format!(
        "flows/{}",
        bed.get("flows").await.expect(200)["items"][0]["id"]
    );
    let patch = json!({"calendar": "cn"});
    bed.write("PATCH", &flow, &patch).await.expect(200);
    let body = json!({"data_date": "2026-11-21", "date_format": "%Y%m%d"});
    let path = format!("jobs/{}", job["id"]);
    let patch = json!({"command": "sh load.sh ${date-1b}"});
    bed.write("PATCH", &path, &patch).await.expect(200);
    let told = preview(&bed, &job, &body).await;
    let command = "sh load.sh 20261119 'two words' 42 *** '<extract/count: rows>'";
    assert_eq!(told["command"], command);
    let patch = json!({"command": "sh load.sh ${date-1d}"});
    bed.write("PATCH", &path, &patch).await.expect(200);

    // What is given goes before all else, and is not asked.
    let body = json!({"data_date": "2026-11-21", "params": {"batch": "7", "rows": "9"}});
    let told = preview(&bed, &job, &body).await;
    assert_eq!(told["command"], "sh load.sh 2026-11-20 'two words' 7 *** 9");
    assert_eq!(told["outputs"], json!([]));

    // A query that gives no value is told as an attempt would.
    let body = json!({"data_date": "2026-11-22", "date_format": "%Y-%m-%d"});
    let told = preview(&bed, &job, &body).await;
    assert_eq!(told["command"], Value::Null);
    let trouble = told["trouble"].as_str().unwrap();
    assert!(trouble.starts_with("param batch: "), "{trouble}");
    assert!(preview(&bed, &job, &json!({})).await["data_date"].is_string());
    assert_eq!(bed.get("executions").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_previewed_says_why() {
    let bed = Bed::two_flows().await;
    bed.post("jobs/999/preview", &json!({}))
        .await
        .problem(404, "unknown_job");
    let job = bed.get("jobs?limit=1").await.expect(200)["items"][0].clone();
    let path = format!("jobs/{}/preview", job["id"]);
    let body = json!({"data_date": "yesterday", "date_format": "%H"});
    let refused = bed.post(&path, &body).await;
    let refused = refused.problem(400, "bad_body");
    let fields: Vec<_> = refused["faults"].as_array().unwrap().iter().collect();
    assert_eq!(fields[0]["field"], "data_date");
    assert_eq!(fields[1]["field"], "date_format");
}
