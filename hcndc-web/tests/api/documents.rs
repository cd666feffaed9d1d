//! What describes the API.

use std::{collections::BTreeSet, fs, path::Path};

use hcndc_web::api;

use crate::bed::Bed;

/// Pages' own parts, which need no description.
const PARTS: [&str; 4] = [
    "/api/docs/docs.js",
    "/api/docs/docs.css",
    "/{page}",
    "/assets/{file}",
];

#[tokio::test]
async fn every_route_is_described_and_nothing_else_is() {
    let bed = Bed::new().await;
    let routes: BTreeSet<(String, String)> = api::route_names(&bed.app)
        .into_iter()
        .filter(|(_, path)| !PARTS.contains(path))
        .map(|(method, path)| (method.to_lowercase(), path.to_owned()))
        .collect();
    let document = bed
        .call("GET", "/api/openapi.json", &[], "")
        .await
        .expect(200);
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| (method.clone(), path.clone()))
        })
        .collect();
    assert_eq!(described, routes);
}

/// `HCNDC_TEST_UPDATE=1` writes the file.
#[test]
fn the_description_is_the_one_in_the_repository() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let now = api::openapi_json();
    if std::env::var_os("HCNDC_TEST_UPDATE").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let then = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        then == now,
        "docs/openapi.json is not what the API is; look at the difference after HCNDC_TEST_UPDATE=1"
    );
}

#[test]
fn operations_have_names_of_their_own_and_sentences() {
    let document: serde_json::Value = serde_json::from_str(&api::openapi_json()).unwrap();
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} twice");
            assert!(operation["summary"].is_string(), "{method} {path}");
        }
    }
}

/// Every reference in the description leads somewhere.
#[test]
fn references_of_the_description_hold() {
    let document: serde_json::Value = serde_json::from_str(&api::openapi_json()).unwrap();
    fn walk(value: &serde_json::Value, root: &serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(|it| it.as_str()) {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(root.pointer(pointer).is_some(), "{reference}");
                }
                map.values().for_each(|value| walk(value, root));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|value| walk(value, root)),
            _ => {}
        }
    }
    walk(&document, &document);
}

#[tokio::test]
async fn pages_come_whole_from_here() {
    let bed = Bed::new().await;
    for (path, media_type) in [
        ("/home/", "text/html; charset=utf-8"),
        ("/api/docs", "text/html; charset=utf-8"),
        ("/api/docs/docs.js", "text/javascript; charset=utf-8"),
        ("/api/docs/docs.css", "text/css; charset=utf-8"),
    ] {
        let answer = bed.call("GET", path, &[], "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), media_type);
        let text = answer.text();
        assert!(
            !text.contains("http://") && !text.contains("https://"),
            "{path}"
        );
    }
}

#[test]
fn every_kind_of_problem_is_explained() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/API.md");
    let page = fs::read_to_string(path).unwrap();
    for code in api::problem_codes() {
        assert!(
            page.contains(&format!("| `{code}` |")),
            "{code} is not in docs/API.md"
        );
    }
}

/// The page is the same at all addresses of the web app, and what it needs lies beside it.
#[tokio::test]
async fn the_web_app_is_served_at_its_addresses() {
    let bed = Bed::new().await;
    let first = bed.call("GET", "/", &[], "").await;
    assert_eq!((first.status, first.header("location")), (302, "/home/"));
    let home = bed.call("GET", "/home/", &[], "").await;
    let policy = home.header("content-security-policy").to_owned();
    assert!(policy.contains("script-src 'self';"), "{policy}");
    let page = home.text();
    for path in [
        "/login/",
        "/interface/",
        "/job/7/",
        "/dispatch/alert/",
        "/base/exec/host/",
        "/execute/12/",
        "/ftp/event/",
    ] {
        assert_eq!(bed.call("GET", path, &[], "").await.text(), page, "{path}");
    }
    for file in page.split('"').filter(|it| it.starts_with("/assets/")) {
        let whole = bed.call("GET", file, &[], "").await;
        assert_eq!(whole.status, 200, "{file}");
        assert!(whole.header("cache-control").contains("immutable"));
        let packed = bed
            .call("GET", file, &[("accept-encoding", "gzip")], "")
            .await;
        assert_eq!(packed.status, 200, "{file}");
    }
    bed.call("GET", "/assets/none.js", &[], "")
        .await
        .problem(404, "unknown_route");
}
