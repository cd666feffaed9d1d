//! What holds for all routes: addresses, methods, bodies, languages.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::json;

use crate::bed::Bed;

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let bed = Bed::new().await;
    for path in [
        "/nothing",
        "/api/v1/flows/",
        "/api/v1/flows/x",
        "/api/v1/flows/-1",
        "/api/v2/flows",
    ] {
        bed.call("GET", path, &[], "")
            .await
            .problem(404, "unknown_route");
    }
    for (method, path, allow) in [
        ("DELETE", "/api/v1/flows", "GET, POST, HEAD"),
        ("POST", "/api/v1/flows/3", "GET, PUT, PATCH, DELETE, HEAD"),
        ("DELETE", "/api/v1/mesh", "GET, POST, HEAD"),
        ("GET", "/api/v1/executions/3/stop", "POST"),
        ("OPTIONS", "/healthz", "GET, HEAD"),
    ] {
        let answer = bed.call(method, path, &[], "").await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    let head = bed.call("HEAD", "/api/v1/flows", &[], "").await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
}

#[tokio::test]
async fn bodies_are_of_a_known_kind_and_size() {
    let bed = Bed::new().await;
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
    ] {
        let answer = bed
            .call("POST", "/api/v1/flows", headers, r#"{"name": "x"}"#)
            .await;
        answer.problem(415, "unsupported_media_type");
    }
    let charset = [("content-type", "Application/JSON; charset=utf-8")];
    bed.call("POST", "/api/v1/flows", &charset, r#"{"name": "x"}"#)
        .await
        .expect(201);
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(1 << 20));
    let answer = bed
        .call("POST", "/api/v1/flows", &JSON, large.clone())
        .await;
    answer.problem(413, "body_too_large");

    // Sent in pieces, without a length.
    let chunks = large.into_bytes();
    let chunks: Vec<_> = chunks
        .chunks(64 << 10)
        .map(Bytes::copy_from_slice)
        .collect();
    let body = StreamBody::new(stream::iter(
        chunks
            .into_iter()
            .map(|chunk| Ok::<_, std::convert::Infallible>(Frame::data(chunk))),
    ));
    let status = bed.send_chunked("/api/v1/flows", body).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn faults_of_a_body_are_told_with_their_places() {
    let bed = Bed::new().await;
    let body = "{\n  \"title\": \"x\",\n  \"priority\": \"high\",\n  \"enabled\": 1\n}";
    let problem = bed
        .call("POST", "/api/v1/flows", &JSON, body)
        .await
        .problem(400, "bad_body");
    let faults: Vec<_> = problem["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| {
            let text = |name: &str| fault[name].as_str().unwrap();
            (text("field"), text("code"), fault["line"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(
        faults,
        [
            ("", "missing_field", 1),
            ("title", "unknown_field", 2),
            ("priority", "wrong_type", 3),
            ("enabled", "wrong_type", 4),
        ]
    );
    assert!(
        problem["faults"][1]["remedy"]
            .as_str()
            .unwrap()
            .contains("name")
    );
    for (body, code) in [
        ("", "missing_field"),
        ("[]", "wrong_type"),
        ("{\"name\": ", "syntax"),
        ("{\"name\": \"a\", \"name\": \"b\"}", "duplicate_key"),
        ("name: a", "syntax"),
        ("{\"name\": \"\\u0000\"}", "bad_name"),
    ] {
        let answer = bed.call("POST", "/api/v1/flows", &JSON, body).await;
        let problem = answer.json();
        assert_eq!(problem["faults"][0]["code"], code, "{body} {problem}");
    }
}

#[tokio::test]
async fn problems_speak_the_callers_language() {
    let bed = Bed::new().await;
    let get = async |language: &str| {
        let headers = [("accept-language", language)];
        bed.call("GET", "/api/v1/flows/99", &headers, "").await
    };
    let english = get("en-GB,en;q=0.9").await;
    assert_eq!(english.header("content-language"), "en");
    assert_eq!(english.json()["title"], "Unknown flow");
    assert_eq!(english.json()["detail"], "no flow has the id 99");
    let chinese = get("zh-CN,zh;q=0.9,en;q=0.8").await;
    assert_eq!(chinese.header("content-language"), "zh-CN");
    assert_eq!(chinese.json()["title"], "任务流不存在");
    assert_eq!(chinese.json()["detail"], "没有编号为 99 的任务流");
    let headers = [("accept-language", "zh"), JSON[0]];
    let body = json!({"name": "a/b", "parents": ["nope"]}).to_string();
    let problem = bed.call("POST", "/api/v1/flows", &headers, body).await;
    let problem = problem.problem(422, "bad_definition");
    for fault in problem["faults"].as_array().unwrap() {
        assert!(!fault["message"].as_str().unwrap().is_ascii(), "{fault}");
    }
    let query = bed
        .call("GET", "/api/v1/flows?limit=x&odd=1&enabled=2", &headers, "")
        .await;
    for fault in query.problem(400, "bad_query")["faults"]
        .as_array()
        .unwrap()
    {
        assert!(!fault["message"].as_str().unwrap().is_ascii(), "{fault}");
    }
}

#[tokio::test]
async fn one_parameter_stands_once() {
    let bed = Bed::new().await;
    let problem = bed
        .get("flows?limit=1&limit=2")
        .await
        .problem(400, "bad_query");
    assert_eq!(problem["faults"][0]["code"], "duplicate");
    let long = format!("flows?text={}", "x".repeat(5_000));
    let problem = bed.get(&long).await.problem(400, "bad_query");
    assert_eq!(problem["faults"][0]["code"], "too_long");
}
