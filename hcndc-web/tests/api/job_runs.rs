use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn job_runs_are_listed_and_told_with_their_attempts() {
    let bed = Bed::new().await;
    bed.flow("f").await;
    bed.job("f/a", &[]).await;
    let job = bed.job("f/b", &["a"]).await;
    let id = bed.start(&["f"]).await;
    bed.hand.finish("f/a", 3).await;
    bed.reaches(id, "failed").await;
    let (a, b) = (bed.job_run(id, "f/a").await, bed.job_run(id, "f/b").await);
    let run = bed.get(&format!("job-runs/{a}")).await.expect(200);
    assert_eq!(run["state"], "failed");
    assert_eq!(run["exit_code"], 3);
    assert_eq!(run["attempt"], 1);
    let count = async |query: String| {
        let page = bed.get(&format!("job-runs?{query}")).await.expect(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count(format!("execution={id}")).await, 2);
    assert_eq!(count(format!("job={job}")).await, 1);
    assert_eq!(count(format!("flow_run={}", run["flow_run"])).await, 2);
    assert_eq!(
        count(format!("execution={id}&state=failed,killed")).await,
        1
    );
    assert_eq!(count("execution=99".to_owned()).await, 0);
    let attempts = bed.get(&format!("job-runs/{a}/attempts")).await.expect(200);
    let attempt = &attempts["items"][0];
    assert_eq!(attempt["number"], 1);
    assert_eq!(attempt["state"], "failed");
    assert_eq!(attempt["message"], "it exited with 3");
    assert_eq!(attempt["cpu_seconds"], 1.5);
    let none = bed.get(&format!("job-runs/{b}/attempts")).await.expect(200);
    assert_eq!(none["items"], json!([]));
    for path in [
        "job-runs/99",
        "job-runs/99/attempts",
        "job-runs/99/explain",
        "job-runs/99/log",
    ] {
        bed.get(path).await.problem(404, "unknown_job_run");
    }
    bed.get("job-runs?state=happy")
        .await
        .problem(400, "bad_query");
}

#[tokio::test]
async fn what_holds_a_job_run_is_told_in_both_languages() {
    let bed = Bed::new().await;
    bed.flow("up").await;
    bed.post("flows", &json!({"name": "down", "parents": ["up"]}))
        .await
        .expect(201);
    bed.job("up/x", &[]).await;
    bed.job("down/y", &["up/x"]).await;
    let id = bed.start(&["up", "down"]).await;
    bed.hand.start("up/x").await;
    let (x, y) = (
        bed.job_run(id, "up/x").await,
        bed.job_run(id, "down/y").await,
    );
    bed.run_reaches(id, x, "running").await;
    let told = bed.get(&format!("job-runs/{y}/explain")).await.expect(200);
    assert_eq!(told["state"], "blocked");
    assert_eq!(told["live"], true);
    let holds = told["holds"].as_array().unwrap();
    assert_eq!(holds[0]["kind"], "parent");
    assert_eq!(holds[1]["kind"], "dependency");
    assert_eq!(holds[1]["name"], "up/x");
    assert_eq!(holds[1]["on"], "success");
    assert_eq!(
        holds[1]["message"],
        "job up/x must succeed first; it is running"
    );
    let path = format!("/api/v1/job-runs/{y}/explain");
    let told = bed
        .call("GET", &path, &[("accept-language", "zh-CN")], "")
        .await
        .expect(200);
    assert_eq!(told["holds"][1]["message"], "任务 up/x 须成功，它正在运行");
    assert_eq!(told["message"], "等待其他任务或所属任务流");

    bed.hand.finish("up/x", 1).await;
    bed.reaches(id, "failed").await;
    let told = bed.get(&format!("job-runs/{x}/explain")).await.expect(200);
    assert_eq!(told["live"], false);
    assert_eq!(told["state"], "failed");
    assert_eq!(told["holds"], json!([]));
    assert_eq!(told["attempt"]["exit_code"], 1);
}

#[tokio::test]
async fn a_job_run_without_an_executor_is_explained() {
    let bed = Bed::empty().await;
    let away = json!({"name": "away", "address": "away.example.com:7890", "labels": {"zone": "a"}});
    bed.post("executors", &away).await.expect(201);
    bed.flow("f").await;
    for (name, zone) in [("a", "a"), ("b", "b")] {
        let job = json!({"flow": "f", "name": name, "command": "true", "labels": {"zone": zone}});
        bed.post("jobs", &job).await.expect(201);
    }
    let id = bed.start(&["f"]).await;
    let held = async |name: &str| {
        let run = bed.job_run(id, name).await;
        bed.get(&format!("job-runs/{run}/explain"))
            .await
            .expect(200)["holds"][0]
            .clone()
    };
    let hold = held("f/a").await;
    assert_eq!(hold["kind"], "executor");
    assert_eq!(hold["trouble"], "offline");
    assert_eq!(
        hold["message"],
        "executor away is not connected: nobody listens"
    );
    let hold = held("f/b").await;
    assert_eq!(hold["kind"], "no_executor");
    assert_eq!(hold["labels"], json!({"zone": "b"}));
}

#[tokio::test]
async fn what_a_job_run_put_out_is_told_and_taken() {
    let bed = Bed::new().await;
    bed.flow("f").await;
    let a = bed.job("f/a", &[]).await;
    let b = bed.job("f/b", &["a"]).await;
    let path = format!("jobs/{b}");
    let params = json!({"n": {"output": a, "name": "rows"}, "no": {"output": "a"}, "z": "1"});
    let told = bed.write("PATCH", &path, &json!({"params": params})).await;
    let expected = json!({"n": {"output": "a", "name": "rows"}, "no": {"output": "a"}, "z": "1"});
    assert_eq!(told.expect(200)["params"], expected);

    // A rename of the one does not part them, also together with a change of the other.
    let body = json!({"change": [
        {"id": a, "set": {"name": "first"}}, {"id": b, "set": {"description": "x"}},
    ]});
    let flow = bed.get(&path).await.expect(200)["flow"]["id"].clone();
    bed.post(&format!("flows/{flow}/jobs"), &body)
        .await
        .expect(200);
    let told = bed.get(&path).await.expect(200);
    assert_eq!(told["params"]["no"], json!({"output": "first"}));

    let loose = json!({"depends_on": []});
    let refused = bed.write("PATCH", &path, &loose).await;
    let problem = refused.problem(422, "bad_definition");
    assert_eq!(problem["faults"][0]["code"], "not_upstream", "{problem}");
    bed.delete(&format!("jobs/{a}"))
        .await
        .problem(409, "in_use");

    let id = bed.start(&["f"]).await;
    bed.hand
        .put_out("f/first", 0, &[("rows", "12"), ("表", "x")])
        .await;
    bed.reaches(id, "failed").await;
    let first = bed.job_run(id, "f/first").await;
    let told = bed.get(&format!("job-runs/{first}")).await.expect(200);
    assert_eq!(
        told["outputs"],
        json!({"attempt": 1, "values": {"rows": "12"}})
    );
    let second = bed.job_run(id, "f/b").await;
    let told = bed.get(&format!("job-runs/{second}")).await.expect(200);
    assert_eq!(told["outputs"], json!(null));
    let why = bed
        .get(&format!("job-runs/{second}/explain"))
        .await
        .expect(200);
    let said = why["attempt"]["message"].as_str().unwrap();
    assert!(
        said.contains("param no: job f/first put out no \"no\""),
        "{said}"
    );
}
