use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn a_foreign_name_of_this_server_is_refused() {
    let bed = Bed::new().await;
    let get = async |host: &str| {
        bed.call("GET", "/api/v1/flows", &[("host", host)], "")
            .await
    };
    for host in ["localhost", "localhost:2333", "127.0.0.1", "[::1]:80"] {
        get(host).await.expect(200);
    }
    for host in ["evil.example.com", "127.0.0.1.evil.example.com"] {
        get(host).await.problem(403, "foreign_host");
    }
    // Also for health and pages: what answers under a foreign name can be read by its pages.
    for path in ["/", "/healthz", "/metrics", "/api/docs", "/nowhere"] {
        let answer = bed
            .call("GET", path, &[("host", "evil.example.com")], "")
            .await;
        answer.problem(403, "foreign_host");
    }
}

#[tokio::test]
async fn pages_of_others_change_nothing() {
    let bed = Bed::new().await;
    let own = format!("http://{}", bed.address);
    let post = async |name: &str, value: &str| {
        let headers = [("content-type", "application/json"), (name, value)];
        let body = json!({"name": format!("{name}{value}").replace('/', "")}).to_string();
        bed.call("POST", "/api/v1/flows", &headers, body).await
    };
    post("origin", &own).await.expect(201);
    post("sec-fetch-site", "same-origin").await.expect(201);
    post("origin", "http://evil.example.com")
        .await
        .problem(403, "foreign_origin");
    post("origin", "null").await.problem(403, "foreign_origin");
    post("sec-fetch-site", "cross-site")
        .await
        .problem(403, "foreign_origin");
    let flows = bed.get("flows").await.expect(200);
    assert_eq!(flows["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn every_answer_has_the_headers_for_safety() {
    let bed = Bed::new().await;
    for path in [
        "/",
        "/api/docs",
        "/api/v1/flows",
        "/api/v1/nothing",
        "/healthz",
    ] {
        let answer = bed.call("GET", path, &[], "").await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
