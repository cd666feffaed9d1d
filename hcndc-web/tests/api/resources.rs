//! Definitions that share one set of handlers.

use serde_json::{Value, json};

use crate::bed::Bed;

/// A body of every kind; each but the first ones needs those above it.
fn bodies() -> Vec<(&'static str, Value)> {
    vec![
        (
            "calendars",
            json!({"name": "cn", "directory": "/days", "holidays": ["2026-10-01"], "workdays": ["2026-10-10"]}),
        ),
        ("pools", json!({"name": "warehouse", "slots": 4})),
        (
            "data-sources",
            json!({"name": "dw", "kind": "mysql", "host": "dw.example.com", "password": "s3cret", "options": {"ssl": true}}),
        ),
        (
            "params",
            json!({"name": "batch", "sql": {"data_source": "dw", "query": "select 1"}}),
        ),
        (
            "file-servers",
            json!({"name": "bank", "kind": "sftp", "host": "bank.example.com", "password": "s3cret"}),
        ),
        (
            "file-events",
            json!({"name": "ledger", "server": "bank", "path": "/out/ledger-${date}.csv", "enabled": false}),
        ),
        (
            "alert-channels",
            json!({"name": "ops", "kind": "email", "secret": "s3cret",
                   "settings": {"host": "mail.example.com", "from": "etl@example.com", "to": "ops@example.com"}}),
        ),
        (
            "alert-rules",
            json!({"name": "night", "events": ["execution_failed"], "channels": ["ops"]}),
        ),
        (
            "schedules",
            json!({"name": "nightly", "directory": "/retail/night", "flow": "load", "trigger": "30 2 * * *",
                   "zone": "Asia/Shanghai", "calendar": "cn", "filter": "business", "finish_by": "06:00",
                   "alerts": ["night"], "params": {"day": 1}}),
        ),
    ]
}

/// One of every kind, and their paths.
async fn one_of_each() -> (Bed, Vec<(&'static str, String)>) {
    let bed = Bed::new().await;
    bed.flow("load").await;
    let mut paths = Vec::new();
    for (kind, body) in bodies() {
        let made = bed.post(kind, &body).await;
        let path = format!("{kind}/{}", made.expect(201)["id"]);
        assert_eq!(made.header("location"), format!("/api/v1/{path}"));
        paths.push((kind, path));
    }
    (bed, paths)
}

fn path_of(paths: &[(&str, String)], kind: &str) -> String {
    let found = paths.iter().find(|(other, _)| *other == kind);
    found.unwrap().1.clone()
}

#[tokio::test]
async fn every_kind_is_made_told_listed_changed_and_deleted() {
    let (bed, paths) = one_of_each().await;
    for (kind, path) in &paths {
        let told = bed.get(path).await.expect(200);
        let body = bodies().into_iter().find(|(other, _)| other == kind);
        for (field, value) in body.unwrap().1.as_object().unwrap() {
            match (field.as_str(), value) {
                ("password" | "secret", _) => assert_eq!(told[format!("has_{field}")], true),
                ("options" | "params" | "sql", _) => assert!(told[field].is_object()),
                _ => assert_eq!(&told[field], value, "{kind} {field}"),
            }
        }
        assert!(!told.to_string().contains("s3cret"), "{told}");
        assert_eq!(
            (&told["version"], &told["created_by"]),
            (&json!(1), &json!("api"))
        );
        let listed = bed.get(kind).await.expect(200);
        assert_eq!(listed["items"], json!([told]), "{kind}");
        // What is told puts itself; nothing changes.
        let mut again = told.clone();
        let fields = again.as_object_mut().unwrap();
        for own in [
            "id",
            "created_at",
            "created_by",
            "updated_at",
            "updated_by",
            "has_password",
            "has_secret",
            "flow_id",
            "next",
            "last",
            "queued",
            "live",
            "last_check",
        ] {
            fields.shift_remove(own);
        }
        let put = bed.write("PUT", path, &again).await.expect(200);
        assert_eq!(put, told, "{kind}");
        let patch = json!({"description": "for people"});
        let patched = bed.write("PATCH", path, &patch).await.expect(200);
        assert_eq!(patched["description"], "for people");
        assert_eq!(patched["version"], 2);
        assert_eq!(patched["updated_by"], "api");
    }
    for (_, path) in paths.iter().rev() {
        assert_eq!(bed.delete(path).await.status, 204);
        let code = path
            .split('/')
            .next()
            .unwrap()
            .trim_end_matches('s')
            .replace('-', "_");
        bed.get(path).await.problem(404, &format!("unknown_{code}"));
        for method in ["PUT", "PATCH"] {
            let kind = path.split('/').next().unwrap();
            let body = bodies().into_iter().find(|(other, _)| *other == kind);
            let mut body = body.unwrap().1;
            if kind == "schedules" {
                body = json!({"name": "x", "flow": "load", "trigger": "@daily"});
            }
            if method == "PUT" && !matches!(kind, "params" | "file-events" | "alert-rules") {
                bed.write(method, path, &body)
                    .await
                    .problem(404, &format!("unknown_{code}"));
            }
        }
        bed.delete(path)
            .await
            .problem(404, &format!("unknown_{code}"));
    }
}

#[tokio::test]
async fn a_secret_stays_until_another_is_given() {
    let (bed, paths) = one_of_each().await;
    let path = path_of(&paths, "data-sources");
    let id = path.split('/').next_back().unwrap().parse().unwrap();
    let secret = async || {
        let id = hcndc_core::id::DataSourceId(id);
        let secret = bed.app.scheduler.look(move |engine| {
            let source = engine.data_source(id).unwrap();
            source.password.reveal().to_owned()
        });
        secret.await.unwrap()
    };
    let elsewhere = json!({"name": "dw", "kind": "mysql", "host": "elsewhere.example.com", "options": {"ssl": true}});
    let told = bed.write("PUT", &path, &elsewhere).await;
    let problem = told.problem(400, "bad_body");
    let fault = &problem["faults"][0];
    assert_eq!(
        (&fault["field"], &fault["code"]),
        (&json!("password"), &json!("secret_needed"))
    );
    let silent =
        json!({"name": "dw", "kind": "mysql", "host": "dw.example.com", "options": {"ssl": true}});
    bed.write("PUT", &path, &silent).await.expect(200);
    assert_eq!(secret().await, "s3cret");
    let patch = json!({"user": "etl"});
    let told = bed.write("PATCH", &path, &patch).await.expect(200);
    assert_eq!(secret().await, "s3cret");
    assert_eq!(told["has_password"], true);
    bed.write("PATCH", &path, &json!({"password": "new"}))
        .await
        .expect(200);
    assert_eq!(secret().await, "new");
    let told = bed.write("PATCH", &path, &json!({"password": ""})).await;
    assert_eq!(told.expect(200)["has_password"], false);
    assert_eq!(secret().await, "");
}

#[tokio::test]
async fn faults_of_a_body_are_told_all_at_once_with_their_places() {
    let bed = Bed::new().await;
    let body = "{\"name\": \"a\",\n \"flow\": \"nope\", \"trigger\": \"61 * * * *\",\n \"zone\": \"Mars\", \"max_instances\": 0, \"colour\": 1}";
    let json = [("content-type", "application/json")];
    let answer = bed.call("POST", "/api/v1/schedules", &json, body).await;
    let problem = answer.problem(400, "bad_body");
    let faults: Vec<Value> = problem["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| json!([fault["line"], fault["field"]]))
        .collect();
    let expected = [
        json!([2, "trigger"]),
        json!([3, "zone"]),
        json!([3, "max_instances"]),
        json!([3, "colour"]),
    ];
    assert_eq!(faults, expected);
    // What only the other definitions can tell comes when the body is right by itself.
    let body = json!({"name": "a", "flow": "nope", "trigger": "@daily", "alerts": ["none"]});
    let problem = bed
        .post("schedules", &body)
        .await
        .problem(422, "bad_definition");
    let mut fields: Vec<&str> = problem["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["field"].as_str().unwrap())
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["alerts", "flow"]);
    assert_eq!(problem["faults"][0]["subject"]["kind"], "schedule");
    for (kind, body, field) in [
        (
            "params",
            json!({"name": "a", "sql": {"data_source": "nope", "query": "select 1"}}),
            "sql.data_source",
        ),
        (
            "schedules",
            json!({"name": "a", "flow": "load", "trigger": {"file": "nope"}}),
            "trigger.file",
        ),
        (
            "schedules",
            json!({"name": "a", "flow": "load", "trigger": {"data_date_of": ["nope"]}}),
            "trigger.data_date_of",
        ),
    ] {
        let problem = bed.post(kind, &body).await.problem(422, "bad_definition");
        let mut faults = problem["faults"].as_array().unwrap().iter();
        assert!(faults.any(|fault| fault["field"] == field), "{problem}");
    }
    bed.post("pools", &json!({})).await.problem(400, "bad_body");
}

#[tokio::test]
async fn who_comes_with_an_old_version_of_a_pool_is_refused() {
    let (bed, paths) = one_of_each().await;
    let path = path_of(&paths, "pools");
    bed.write("PATCH", &path, &json!({"slots": 5, "version": 1}))
        .await
        .expect(200);
    for method in ["PUT", "PATCH"] {
        let body = json!({"name": "warehouse", "slots": 6, "version": 1});
        let problem = bed.write(method, &path, &body).await.problem(409, "stale");
        assert_eq!(problem["faults"][0]["current_version"], 2);
    }
    bed.delete(&format!("{path}?version=1"))
        .await
        .problem(409, "stale");
    let body = json!({"name": "warehouse", "slots": 1});
    bed.post("pools", &body).await.problem(409, "name_taken");
}

#[tokio::test]
async fn what_is_needed_stays_and_tells_its_users() {
    let (bed, paths) = one_of_each().await;
    for (needed, user) in [
        ("calendars", "schedule nightly"),
        ("data-sources", "param batch"),
        ("file-servers", "file event ledger"),
        ("alert-channels", "alert rule night"),
        ("alert-rules", "schedule nightly"),
    ] {
        let path = path_of(&paths, needed);
        let problem = bed.delete(&path).await.problem(409, "in_use");
        assert_eq!(problem["faults"][0]["users"], json!([user]));
        let uses = bed.get(&format!("{path}/uses")).await.expect(200);
        let it = &uses["items"][0];
        let kind = it["kind"].as_str().unwrap().replace('_', " ");
        assert_eq!(format!("{kind} {}", it["name"].as_str().unwrap()), user);
        assert!(it["id"].is_u64());
    }
    let unused = path_of(&paths, "schedules");
    let uses = bed.get(&format!("{unused}/uses")).await.expect(200);
    assert_eq!(uses, json!({"items": []}));
    bed.get("pools/9999/uses")
        .await
        .problem(404, "unknown_pool");
}

#[tokio::test]
async fn flows_and_jobs_tell_what_depends_on_them() {
    let bed = Bed::two_flows().await;
    let flow = bed.get("flows?text=extract").await.expect(200)["items"][0]["id"].clone();
    let uses = bed.get(&format!("flows/{flow}/uses")).await.expect(200);
    assert_eq!(uses["items"][0]["name"], "load/orders");
    let job = bed.get(&format!("jobs?flow={flow}")).await.expect(200)["items"][0]["id"].clone();
    let uses = bed.get(&format!("jobs/{job}/uses")).await.expect(200);
    assert_eq!(
        (
            &uses["items"][0]["kind"],
            uses["items"].as_array().unwrap().len()
        ),
        (&json!("job"), 1)
    );
}

#[tokio::test]
async fn filters_narrow_lists_and_pages_give_everything_once() {
    let bed = Bed::new().await;
    let flows = [bed.flow("a").await, bed.flow("b").await];
    for n in 0..7 {
        let flow = if n % 2 == 0 { "a" } else { "b" };
        let body = json!({"name": format!("s{n}"), "flow": flow, "trigger": "@daily", "paused": n < 3,
                          "directory": if n == 6 { "/x/y" } else { "/xy" }});
        bed.post("schedules", &body).await.expect(201);
    }
    let names = async |query: &str| {
        let mut names = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = bed.get(&format!("schedules?limit=2&{query}{cursor}")).await;
            let page = page.expect(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2);
            names.extend(
                items
                    .iter()
                    .map(|it| it["name"].as_str().unwrap().to_owned()),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return names.join(" "),
            }
        }
    };
    assert_eq!(names("").await, "s0 s1 s2 s3 s4 s5 s6");
    assert_eq!(names("sort=-name").await, "s6 s5 s4 s3 s2 s1 s0");
    assert_eq!(names("enabled=true").await, "s3 s4 s5 s6");
    assert_eq!(names("enabled=false&sort=-name").await, "s2 s1 s0");
    assert_eq!(names("enabled=true&sort=updated_at").await, "s3 s4 s5 s6");
    assert_eq!(names(&format!("flow={}", flows[1])).await, "s1 s3 s5");
    assert_eq!(names("directory=/x").await, "s6");
    assert_eq!(names("text=S5").await, "s5");
    bed.get("pools?enabled=true")
        .await
        .problem(400, "bad_query");
}

#[tokio::test]
async fn many_are_deleted_all_or_none() {
    let (bed, paths) = one_of_each().await;
    let number = |kind: &str| -> u64 {
        let path = path_of(&paths, kind);
        path.split('/').next_back().unwrap().parse().unwrap()
    };
    let other = json!({"name": "other", "slots": 1});
    let other = bed.post("pools", &other).await.expect(201)["id"].clone();
    let pool = number("pools");
    let stale = json!({"items": [{"id": pool}, {"id": other, "version": 9}]});
    bed.post("pools/delete", &stale).await.problem(409, "stale");
    assert_eq!(
        bed.get("pools").await.expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let both = json!({"items": [{"id": pool}, {"id": other, "version": 1}]});
    let gone = bed.post("pools/delete", &both).await.expect(200);
    assert_eq!(gone, json!({"deleted": 2}));
    assert_eq!(bed.get("pools").await.expect(200)["items"], json!([]));
    let needed = json!({"items": [{"id": number("calendars")}]});
    bed.post("calendars/delete", &needed)
        .await
        .problem(409, "in_use");
    // A path takes its own kind only.
    let foreign = json!({"items": [{"id": number("schedules")}]});
    bed.post("calendars/delete", &foreign)
        .await
        .problem(422, "bad_definition");
    let flows = bed.get("flows").await.expect(200);
    let flow = json!({"items": [{"id": flows["items"][0]["id"]}]});
    bed.post("flows/delete", &flow).await.problem(409, "in_use");
    let schedule = json!({"items": [{"id": number("schedules")}]});
    bed.post("schedules/delete", &schedule).await.expect(200);
    bed.post("flows/delete", &flow).await.expect(200);
    let executor = bed.get("executors").await.expect(200);
    let executor = json!({"items": [{"id": executor["items"][0]["id"]}]});
    bed.post("executors/delete", &executor).await.expect(200);
    assert_eq!(
        bed.post("jobs/delete", &json!({"items": []}))
            .await
            .expect(200)["deleted"],
        0
    );
}

#[tokio::test]
async fn directories_are_told_as_a_tree_with_counts() {
    let (bed, _) = one_of_each().await;
    let tree = bed.get("directories?kind=schedules").await.expect(200);
    let expected = json!({"name": "", "path": "/", "count": 0, "total": 1, "children": [
        {"name": "retail", "path": "/retail", "count": 0, "total": 1, "children": [
            {"name": "night", "path": "/retail/night", "count": 1, "total": 1, "children": []},
        ]},
    ]});
    assert_eq!(tree, expected);
    let all = bed.get("directories").await.expect(200);
    assert_eq!(all["total"], 10);
    bed.get("directories?kind=jobs")
        .await
        .problem(400, "bad_query");
}
