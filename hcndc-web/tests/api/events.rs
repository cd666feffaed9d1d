use crate::bed::Bed;

async fn one_job() -> Bed {
    let bed = Bed::new().await;
    bed.flow("f").await;
    bed.job("f/j", &[]).await;
    bed
}

#[tokio::test]
async fn events_are_told_in_order_and_taken_up_where_they_broke() {
    let bed = one_job().await;
    let mut live = bed.stream("events", &[]).await;
    assert_eq!(live.status, 200);
    assert_eq!(live.headers["content-type"], "text/event-stream");
    live.until("\n\n").await;
    let execution = bed.start(&["f"]).await;
    bed.hand.start("f/j").await;
    let mut all = Vec::new();
    loop {
        let (id, kind, data) = live.event().await;
        assert_eq!(data["execution"], execution);
        assert_eq!(data["kind"], kind);
        let running = kind == "job_run" && data["to"] == "running";
        all.push((id, kind, data));
        if running {
            break;
        }
    }
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0), "{all:?}");
    let (_, _, last) = all.last().unwrap();
    assert_eq!(last["flow"], "f");
    assert_eq!(last["job"], "j");
    assert_eq!(last["from"], "dispatched");
    assert_eq!(last["attempt"], 1);

    let (seen, _, _) = all[0];
    let header = seen.to_string();
    let mut again = bed.stream("events", &[("last-event-id", &header)]).await;
    assert_eq!(again.event().await, all[1]);
    let mut again = bed.stream(&format!("events?from={seen}"), &[]).await;
    assert_eq!(again.event().await, all[1]);
    let mut again = bed.stream("events?from=0", &[]).await;
    assert_eq!(again.event().await, all[0]);
}

#[tokio::test]
async fn a_new_version_alone_is_no_move() {
    let bed = one_job().await;
    let execution = bed.start(&["f"]).await;
    bed.hand.finish("f/j", 1).await;
    bed.reaches(execution, "failed").await;
    let jobs = bed.get("jobs?flow=f").await.expect(200);
    let job = format!("jobs/{}", jobs["items"][0]["id"]);
    let mended = serde_json::json!({"command": "true # mended"});
    bed.write("PATCH", &job, &mended).await.expect(200);
    let resume = format!("executions/{execution}/resume");
    bed.post(&resume, &serde_json::json!({})).await.expect(200);
    bed.hand.finish("f/j", 0).await;
    let mut events = bed.stream("events?from=0", &[]).await;
    loop {
        let (_, kind, data) = events.event().await;
        assert_ne!(data["from"], data["to"], "{data}");
        if kind == "execution" && data["to"] == "succeeded" {
            break;
        }
    }
}

#[tokio::test]
async fn only_events_of_the_execution_are_told() {
    let bed = one_job().await;
    let first = bed.start(&["f"]).await;
    let mut watch = bed.stream(&format!("events?execution={first}"), &[]).await;
    watch.until("\n\n").await;
    bed.hand.finish("f/j", 0).await;
    bed.reaches(first, "succeeded").await;
    let second = bed.start(&["f"]).await;
    let mut other = bed
        .stream(&format!("executions/{second}/events?from=0"), &[])
        .await;
    assert_eq!(other.event().await.2["execution"], second);
    let body = serde_json::json!({"from": [bed.job_run(first, "f/j").await]});
    bed.post(&format!("executions/{first}/rerun"), &body)
        .await
        .expect(200);
    loop {
        let (_, kind, data) = watch.event().await;
        assert_eq!(data["execution"], first);
        if kind == "execution" && data["to"] == "running" {
            break;
        }
    }
}

#[tokio::test]
async fn who_comes_from_another_life_is_told_of_the_gap() {
    let bed = one_job().await;
    bed.start(&["f"]).await;
    for last in ["7", "nonsense", "9000000000000000"] {
        let mut events = bed.stream("events", &[("last-event-id", last)]).await;
        let (id, kind, data) = events.event().await;
        assert_eq!(kind, "gap", "{last}");
        assert_eq!(data["next"], id);
    }
    let mut events = bed.stream("events?from=5", &[]).await;
    let (id, kind, _) = events.event().await;
    assert_eq!(kind, "gap");
    // From there on it goes as usual.
    bed.hand.start("f/j").await;
    assert!(events.event().await.0 > id);
}

#[tokio::test]
async fn watching_what_is_not_there_is_refused() {
    let bed = one_job().await;
    bed.get("events?execution=99")
        .await
        .problem(404, "unknown_execution");
    bed.get("events?execution=x&since=1")
        .await
        .problem(400, "bad_query");
}

#[tokio::test]
async fn watchers_are_let_go_when_the_server_stops() {
    let mut bed = one_job().await;
    let mut events = bed.stream("events", &[]).await;
    events.until("\n\n").await;
    let started = std::time::Instant::now();
    bed.stop().await;
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
    assert_eq!(events.rest().await, "");
}
