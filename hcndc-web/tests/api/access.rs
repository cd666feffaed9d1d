//! Who gets in, to what, and what is written down of it.

use hcndc_core::port::{Accounts as _, Clock as _, Digest, Permission, Session};
use hcndc_web::{api, auth::digest, clock::SystemClock};
use serde_json::{Value, json};

use crate::{
    bed::Bed,
    site::{Caller, PASSWORD, Site, signed_in},
};

#[tokio::test]
async fn a_session_begins_lasts_and_ends() {
    let site = Site::new().await;
    site.user("ann", &[Permission::Read, Permission::Write], &[])
        .await;
    site.get(&Caller::Nobody, "session")
        .await
        .problem(401, "signed_out");

    let answer = site.try_sign_in(" Ann", PASSWORD).await;
    let session = answer.expect(201);
    assert_eq!(session["account"], "ann");
    assert_eq!(session["permissions"], json!(["read", "write"]));
    assert_eq!(session["directories"], json!([]));
    assert_eq!(session["access"], "users");
    assert_eq!(session["must_change_password"], false);
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure"),
        "this connection is not encrypted"
    );
    let ann = signed_in(&answer);
    let told = site.get(&ann, "session").await.expect(200);
    assert_eq!(told, session);

    let flow = json!({"name": "load"});
    let made = site.post(&ann, "flows", &flow).await.expect(201);
    assert_eq!(made["created_by"], "ann");
    let Caller::Cookie { cookie, .. } = &ann else {
        unreachable!()
    };
    let forged = Caller::Cookie {
        cookie: cookie.clone(),
        csrf: "x".to_owned(),
    };
    site.post(&forged, "flows", &flow)
        .await
        .problem(403, "csrf");
    site.get(&forged, "flows").await.expect(200);

    let out = site
        .call(&ann, "DELETE", "/api/v1/session", &Value::Null)
        .await;
    assert_eq!(out.status, 204);
    site.get(&ann, "session").await.problem(401, "signed_out");
}

#[tokio::test]
async fn behind_a_proxy_with_tls_the_cookie_is_for_tls_only() {
    let site = Site::new().await;
    site.user("ann", &[Permission::Read], &[]).await;
    let headers = [
        ("content-type", "application/json"),
        ("x-forwarded-proto", "https"),
    ];
    let body = json!({"account": "ann", "password": PASSWORD}).to_string();
    let answer = site
        .bed
        .call("POST", "/api/v1/session", &headers, body)
        .await;
    assert!(answer.header("set-cookie").ends_with("; Secure"));
}

#[tokio::test]
async fn a_session_that_was_left_alone_has_ended() {
    let site = Site::new().await;
    let ann = site.user("ann", &[Permission::Read], &[]).await;
    let now = SystemClock::new().now();
    let hours = |hours: u64| now.before(std::time::Duration::from_secs(hours * 3_600));
    for (secret, seen, ends, status) in [
        (
            "used",
            hours(11),
            now.after(std::time::Duration::from_secs(60)),
            200,
        ),
        (
            "left",
            hours(13),
            now.after(std::time::Duration::from_secs(60)),
            401,
        ),
        ("over", hours(1), hours(0), 401),
    ] {
        let session = Session {
            user: ann,
            started_at: hours(100),
            seen_at: seen,
            ends_at: ends,
        };
        let digest = digest(secret);
        site.store.start_session(digest, &session).await.unwrap();
        let caller = Caller::Cookie {
            cookie: format!("hcndc_session={secret}"),
            csrf: String::new(),
        };
        assert_eq!(
            site.get(&caller, "session").await.status,
            status,
            "{secret}"
        );
    }
    let unknown: Option<_> = site.store.session(Digest([0; 32]), now).await.unwrap();
    assert!(unknown.is_none());
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_look_the_same_and_make_wait() {
    let site = Site::new().await;
    site.user("ann", &[Permission::Read], &[]).await;
    let wrong = site
        .try_sign_in("ann", "wrong")
        .await
        .problem(401, "wrong_password");
    let unknown = site
        .try_sign_in("nobody", "wrong")
        .await
        .problem(401, "wrong_password");
    assert_eq!(wrong, unknown);
    for _ in 0..4 {
        site.try_sign_in("ann", "wrong")
            .await
            .problem(401, "wrong_password");
    }
    // The right one has to wait, too: else guessing would go on at full speed.
    let answer = site.try_sign_in("ann", PASSWORD).await;
    answer.problem(429, "too_many_attempts");
    assert_eq!(answer.header("retry-after"), "1");
    site.try_sign_in("nobody", "wrong")
        .await
        .problem(401, "wrong_password");
}

#[tokio::test]
async fn a_first_password_must_be_changed_before_anything_else() {
    let site = Site::new().await;
    let now = SystemClock::new().now();
    let password = site
        .auth
        .make_first(now)
        .await
        .unwrap()
        .expect("there are no users");
    assert_eq!(site.auth.make_first(now).await.unwrap(), None, "once");
    let answer = site.try_sign_in("admin", &password).await;
    assert_eq!(answer.expect(201)["must_change_password"], true);
    let admin = signed_in(&answer);
    site.get(&admin, "flows")
        .await
        .problem(403, "password_change_needed");
    site.get(&admin, "session").await.expect(200);

    let path = "/api/v1/session/password";
    let change = async |old: &str, new: &str| {
        site.call(&admin, "PUT", path, &json!({"old": old, "new": new}))
            .await
    };
    change("wrong", "a new password")
        .await
        .problem(401, "wrong_password");
    change(&password, "short")
        .await
        .problem(422, "weak_password");
    change(&password, &password)
        .await
        .problem(422, "weak_password");
    let answer = change(&password, "a new password").await;
    assert_eq!(answer.expect(200)["must_change_password"], false);
    site.get(&admin, "session").await.problem(401, "signed_out");
    let admin = signed_in(&answer);
    site.get(&admin, "users").await.expect(200);
    site.try_sign_in("admin", &password)
        .await
        .problem(401, "wrong_password");
}

/// Every route as anonymous, by cookie and by token, with the permission that it needs, and with all others.
#[tokio::test]
async fn each_route_asks_for_what_it_needs() {
    let site = Site::new().await;
    site.user("all", Permission::ALL, &[]).await;
    let all = site.sign_in("all").await;
    let mut only = Vec::new();
    for permission in Permission::ALL {
        let account = format!("only_{permission}");
        site.user(&account, &[*permission], &[]).await;
        let cookie = site.sign_in(&account).await;
        let token = site.token(&all, &[permission.as_str()]).await;
        only.push((*permission, cookie, token));
    }
    let needs = |method: &str, path: &str| -> Option<Option<Permission>> {
        let known = path.strip_prefix("/api/v1/")?;
        let first = known.split('/').next().unwrap();
        Some(match (first, method) {
            ("session", "POST") => return None,
            // How one may sign in, and the way to a provider and back.
            ("session", _) if known == "session/ways" || known.starts_with("session/oidc/") => {
                return None;
            }
            ("session" | "tokens", _) => None,
            ("users" | "roles" | "audit", _) => Some(Permission::Admin),
            (_, "GET") => Some(Permission::Read),
            ("executors", _) => Some(Permission::Admin),
            ("executions" | "job-runs" | "alerts", _) => Some(Permission::Execute),
            ("schedules", "POST") if known != "schedules" && !known.ends_with("delete") => {
                Some(Permission::Schedule)
            }
            ("backfills", _) if known.ends_with("plan") => Some(Permission::Read),
            ("backfills", _) => Some(Permission::Schedule),
            ("cron" | "date-formats" | "forecast" | "graphs" | "drafts", _) => {
                Some(Permission::Read)
            }
            _ => Some(Permission::Write),
        })
    };
    for (method, template) in api::route_names(&site.bed.app) {
        // What streams for ever is asked with a query that is refused, once it is let in.
        let path = format!("{}?nonsense=1", template.replace("{id}", "999999"));
        let call = async |caller: &Caller| site.call(caller, &method, &path, &json!({})).await;
        if template == "/api/v1/hooks/{id}" {
            // Whoever delivers shows a signature in the place of a session.
            let nobody = call(&Caller::Nobody).await;
            nobody.problem(401, "bad_signature");
            continue;
        }
        let Some(needed) = needs(&method, template) else {
            let status = call(&Caller::Nobody).await.status;
            assert!(
                status != 401 && status != 403,
                "{method} {template}: {status}"
            );
            continue;
        };
        call(&Caller::Nobody).await.problem(401, "signed_out");
        let stranger = Caller::Token("hcndc_nonsense".to_owned());
        call(&stranger).await.problem(401, "signed_out");
        // Signing out would end the session that the next route is asked with.
        if template == "/api/v1/session" {
            continue;
        }
        for (permission, cookie, token) in &only {
            for caller in [cookie, token] {
                let answer = call(caller).await;
                let refused = answer.status == 403;
                let allowed = needed.is_none_or(|needed| needed == *permission);
                assert_eq!(
                    !refused, allowed,
                    "{method} {template} with {permission}: {answer:?}"
                );
                if refused {
                    answer.problem(403, "forbidden");
                }
            }
        }
    }
}

#[tokio::test]
async fn users_and_roles_are_looked_after() {
    let site = Site::new().await;
    site.user("root", Permission::ALL, &[]).await;
    let root = site.sign_in("root").await;
    let role = json!({"name": "seer", "permissions": ["read"], "directories": ["/retail"]});
    let made = site.post(&root, "roles", &role).await.expect(201);
    let seer = made["id"].as_u64().unwrap();
    assert_eq!(made["directories"], json!(["/retail"]));
    let bad = json!({"name": "x", "directories": ["retail"]});
    site.post(&root, "roles", &bad)
        .await
        .problem(400, "bad_body");

    let body = json!({"account": "Bob", "roles": ["seer"]});
    let made = site.post(&root, "users", &body).await.expect(201);
    let password = made["one_time_password"].as_str().unwrap().to_owned();
    let bob = made["id"].as_u64().unwrap();
    assert_eq!(
        (&made["account"], &made["roles"]),
        (&json!("bob"), &json!(["seer"]))
    );
    site.post(&root, "users", &body)
        .await
        .problem(409, "name_taken");
    let unknown = json!({"account": "eve", "roles": ["nothing"]});
    site.post(&root, "users", &unknown)
        .await
        .problem(422, "unknown_role");
    let session = site.try_sign_in("bob", &password).await.expect(201);
    assert_eq!(session["must_change_password"], true);
    assert_eq!(session["directories"], json!(["/retail"]));

    let delete_role = format!("/api/v1/roles/{seer}");
    site.call(&root, "DELETE", &delete_role, &Value::Null)
        .await
        .problem(409, "in_use");
    let path = format!("/api/v1/users/{bob}");
    let patch = json!({"enabled": false, "name": "Bob"});
    let changed = site.call(&root, "PATCH", &path, &patch).await.expect(200);
    assert_eq!(
        (&changed["enabled"], &changed["version"]),
        (&json!(false), &json!(2))
    );
    site.try_sign_in("bob", &password)
        .await
        .problem(401, "wrong_password");
    let stale = json!({"name": "B", "version": 1});
    site.call(&root, "PATCH", &path, &stale)
        .await
        .problem(409, "stale");
    let reset = site
        .call(&root, "PUT", &format!("{path}/password"), &json!({}))
        .await;
    assert_ne!(reset.expect(200)["one_time_password"], json!(password));
    assert_eq!(
        site.call(&root, "DELETE", &path, &Value::Null).await.status,
        204
    );
    assert_eq!(
        site.call(&root, "DELETE", &delete_role, &Value::Null)
            .await
            .status,
        204
    );
    let users = site.get(&root, "users").await.expect(200);
    let id = users["items"][0]["id"].as_u64().unwrap();
    let own = format!("/api/v1/users/{id}");
    site.call(&root, "DELETE", &own, &Value::Null)
        .await
        .problem(409, "last_admin");
}

#[tokio::test]
async fn a_role_of_a_directory_changes_and_runs_nothing_outside_of_it() {
    let site = Site::new().await;
    site.user("root", Permission::ALL, &[]).await;
    let may = [Permission::Read, Permission::Write, Permission::Execute];
    site.user("ann", &may, &["/retail"]).await;
    let (root, ann) = (site.sign_in("root").await, site.sign_in("ann").await);
    let executor = json!({"name": "here", "address": "local", "slots": 4});
    site.post(&root, "executors", &executor).await.expect(201);
    let flow = async |caller: &Caller, name: &str, directory: &str| {
        let body = json!({"name": name, "directory": directory});
        site.post(caller, "flows", &body).await
    };
    let bank = flow(&root, "bank", "/bank").await.expect(201)["id"]
        .as_u64()
        .unwrap();
    flow(&ann, "night", "/retail/night").await.expect(201);
    flow(&ann, "other", "/").await.problem(403, "forbidden");
    let job = |flow: &str| json!({"flow": flow, "name": "a", "command": "true"});
    site.post(&ann, "jobs", &job("night")).await.expect(201);
    site.post(&ann, "jobs", &job("bank"))
        .await
        .problem(403, "forbidden");
    let path = format!("/api/v1/flows/{bank}");
    let taken = site
        .call(&ann, "PATCH", &path, &json!({"directory": "/retail"}))
        .await;
    taken.problem(403, "forbidden");
    site.call(&ann, "DELETE", &path, &Value::Null)
        .await
        .problem(403, "forbidden");

    let start = |flow: &str| json!({"flows": [flow], "data_date": "2026-11-21"});
    site.post(&ann, "executions", &start("bank"))
        .await
        .problem(403, "forbidden");
    site.post(&ann, "executions", &start("night"))
        .await
        .expect(201);
    let run = site
        .post(&root, "executions", &start("bank"))
        .await
        .expect(201);
    let run = run["id"].as_u64().unwrap();
    let stop = format!("executions/{run}/stop");
    site.post(&ann, &stop, &json!({}))
        .await
        .problem(403, "forbidden");
    // A flow that is tied to one outside would start that, too.
    let path = format!("/api/v1/flows/{bank}");
    let tied = json!({"parents": ["night"]});
    site.call(&root, "PATCH", &path, &tied).await.expect(200);
    let with = json!({"flows": ["night"], "with_downstream": true, "data_date": "2026-11-22"});
    site.post(&ann, "executions", &with)
        .await
        .problem(403, "forbidden");
    site.get(&ann, "flows").await.expect(200);
}

#[tokio::test]
async fn what_people_do_is_written_down_without_secrets() {
    let site = Site::new().await;
    site.user("root", Permission::ALL, &[]).await;
    site.try_sign_in("root", "wrong")
        .await
        .problem(401, "wrong_password");
    let root = site.sign_in("root").await;
    let made = site
        .post(&root, "flows", &json!({"name": "load"}))
        .await
        .expect(201);
    let id = made["id"].as_u64().unwrap();
    let path = format!("/api/v1/flows/{id}");
    let token = site.token(&root, &["write", "execute"]).await;
    site.call(&token, "PATCH", &path, &json!({"priority": 5}))
        .await
        .expect(200);
    // What changes nothing is nothing to be told.
    site.call(&token, "PATCH", &path, &json!({"priority": 5}))
        .await
        .expect(200);
    site.post(
        &token,
        "executions",
        &json!({"flows": ["load"], "data_date": "2026-11-21"}),
    )
    .await
    .expect(201);
    let mesh = "hcndc: 1\nflows: [{name: load}]\ndata_sources:\n  - {name: dwh, kind: mysql, host: db, \
                database: d, user: u, password: hunter2}\n";
    let Caller::Cookie { cookie, csrf } = &root else {
        unreachable!()
    };
    let headers = [
        ("content-type", "application/yaml"),
        ("cookie", cookie.as_str()),
        ("x-csrf-token", csrf.as_str()),
    ];
    site.bed
        .call("POST", "/api/v1/mesh", &headers, mesh)
        .await
        .expect(200);

    let audit = async |query: &str| {
        let page = site.get(&root, &format!("audit?{query}")).await;
        assert!(!page.text().contains("hunter2"), "{}", page.text());
        page.expect(200)["items"].as_array().unwrap().clone()
    };
    let of_flow = audit(&format!("kind=flow&id={id}&sort=id")).await;
    let told: Vec<_> = of_flow
        .iter()
        .map(|it| {
            (
                it["action"].as_str().unwrap(),
                it["method"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told[..2], [("create", "session"), ("change", "token")]);
    assert_eq!(of_flow[0]["account"], "root");
    assert_eq!(of_flow[0]["address"], "127.0.0.1");
    assert_eq!(of_flow[0]["before"], Value::Null);
    assert_eq!(of_flow[1]["before"]["priority"], 0);
    assert_eq!(of_flow[1]["after"]["priority"], 5);
    assert_eq!(audit("action=sign_in_failed").await.len(), 1);
    assert_eq!(audit("action=sign_in&account=root").await.len(), 1);
    assert_eq!(audit("action=start&kind=execution").await.len(), 1);
    let source = audit("kind=data_source").await;
    assert_eq!(source[0]["after"]["password"], "***");
    assert_eq!(audit("kind=token").await[0]["after"]["name"], "test");
    site.get(&root, "audit?since=yesterday")
        .await
        .problem(400, "bad_query");
}

#[tokio::test]
async fn the_history_of_a_definition_tells_its_versions_in_the_form_of_its_bodies() {
    let site = Site::new().await;
    site.user("root", Permission::ALL, &[]).await;
    site.user("reader", &[Permission::Read], &[]).await;
    let root = site.sign_in("root").await;
    let reader = site.sign_in("reader").await;
    let post = async |path: &str, body: Value| site.post(&root, path, &body).await.expect(201);
    post("flows", json!({"name": "extract"})).await;
    let flow = post("flows", json!({"name": "load", "parents": ["extract"]})).await;
    let job = post(
        "jobs",
        json!({"flow": "load", "name": "orders", "command": "true"}),
    )
    .await;
    let change = async |path: &str, body: Value| {
        let path = format!("/api/v1/{path}");
        site.call(&root, "PATCH", &path, &body).await.expect(200)
    };
    let job = format!("jobs/{}", job["id"]);
    change(&job, json!({"command": "false", "timeout": "1h30m"})).await;
    change(&job, json!({"timeout": null})).await;

    let history = async |of: &str| {
        let told = site.get(&reader, &format!("{of}/history")).await;
        assert!(!told.text().contains("hunter"), "{}", told.text());
        told.expect(200)["items"].as_array().unwrap().clone()
    };
    let told = history(&job).await;
    let versions: Vec<_> = told.iter().map(|it| it["version"].as_u64()).collect();
    assert_eq!(versions, [Some(3), Some(2), Some(1)]);
    assert_eq!(told[1]["before"]["command"], "true");
    assert_eq!(told[1]["after"]["command"], "false");
    assert_eq!(told[1]["after"]["timeout"], "1h30m");
    assert_eq!(told[1]["after"]["flow"], "load");
    assert_eq!(
        (&told[0]["account"], &told[0]["address"]),
        (&json!("root"), &Value::Null)
    );
    let whole = site.get(&root, &format!("{job}/history")).await.expect(200);
    assert_eq!(whole["items"][0]["address"], "127.0.0.1");

    // What a version was can be put again.
    let mut old = told[1]["after"].as_object().unwrap().clone();
    old.shift_remove("version");
    let path = format!("/api/v1/{job}");
    let again = site.call(&root, "PUT", &path, &Value::Object(old)).await;
    assert_eq!(again.expect(200)["timeout"], "1h30m");

    let one = format!("{job}/history?entry={}", told[1]["id"]);
    let one = site.get(&reader, &one).await.expect(200);
    assert_eq!(
        (&one["items"][0], &one["items"][1]),
        (&told[1], &Value::Null)
    );
    let other = format!(
        "{job}/history?entry={}",
        told[0]["id"].as_u64().unwrap() + 100
    );
    let other = site.get(&reader, &other).await.expect(200);
    assert_eq!(other["items"], json!([]));
    let first = site.get(&reader, &format!("{job}/history?limit=1")).await;
    let cursor = first.expect(200)["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let second = format!("{job}/history?limit=1&cursor={cursor}");
    let second = site.get(&reader, &second).await.expect(200);
    assert_eq!(second["items"][0]["version"], 3);

    let parents = history(&format!("flows/{}", flow["id"])).await;
    assert_eq!(parents[0]["after"]["parents"], json!(["extract"]));

    // Of a secret only that there is one, and whether it is another.
    let source = json!({"name": "dwh", "kind": "mysql", "host": "db", "password": "hunter2"});
    let source = format!("data-sources/{}", post("data-sources", source).await["id"]);
    change(&source, json!({"password": "hunter3"})).await;
    change(&source, json!({"user": "etl"})).await;
    let secrets = history(&source).await;
    let secrets: Vec<_> = secrets
        .iter()
        .map(|it| it["after"]["password"].clone())
        .collect();
    assert_eq!(secrets, ["***", "*** (new)", "***"]);

    // Who switched a schedule, and that one which was so already is not told.
    let night = json!({"name": "night", "flow": "load", "trigger": "@daily"});
    let night = format!("schedules/{}", post("schedules", night).await["id"]);
    for _ in 0..2 {
        site.post(&root, &format!("{night}/pause"), &json!({}))
            .await
            .expect(200);
    }
    let switched = history(&night).await;
    assert_eq!(switched.len(), 2);
    let pause = &switched[0];
    assert_eq!(
        (&pause["action"], &pause["name"]),
        (&json!("pause"), &json!("night"))
    );
    assert_eq!(
        (&pause["before"]["paused"], &pause["after"]["paused"]),
        (&json!(false), &json!(true))
    );
    let gone = site
        .call(&root, "DELETE", &format!("/api/v1/{night}"), &Value::Null)
        .await;
    assert_eq!(gone.status, 204);
    let gone = history(&night).await;
    assert_eq!(
        (&gone[0]["action"], &gone[0]["after"]),
        (&json!("delete"), &Value::Null)
    );
}

#[tokio::test]
async fn where_nobody_is_asked_everybody_may_do_everything() {
    let bed = Bed::new().await;
    let session = bed.get("session").await.expect(200);
    assert_eq!(
        (&session["access"], &session["account"]),
        (&json!("open"), &json!("api"))
    );
    assert_eq!(
        session["permissions"].as_array().unwrap().len(),
        Permission::ALL.len()
    );
    bed.get("users").await.problem(409, "no_users");
    bed.get("jobs/1/history").await.problem(409, "no_users");
}

#[tokio::test]
async fn roles_and_users_go_in_and_out_with_the_mesh_for_administrators_only() {
    let site = Site::new().await;
    site.user("root", Permission::ALL, &[]).await;
    let writes = [Permission::Read, Permission::Write];
    site.user("writer", &writes, &[]).await;
    let root = site.sign_in("root").await;
    let writer = site.sign_in("writer").await;

    let plain = site.get(&writer, "mesh").await;
    assert!(!plain.text().contains("writer"), "{}", plain.text());
    let refused = site.get(&writer, "mesh?accounts=true").await;
    refused.problem(403, "forbidden");
    site.get(&writer, "mesh?passwords=true")
        .await
        .problem(403, "forbidden");
    let told = site.get(&root, "mesh?format=json&accounts=true").await;
    let file = told.expect(200);
    assert_eq!(file["users"][1]["account"], "writer");
    assert_eq!(file["users"][1]["password_hash"], Value::Null);
    let with = site
        .get(&root, "mesh?format=json&accounts=true&passwords=true")
        .await;
    let hash = with.expect(200)["users"][1]["password_hash"].clone();
    assert!(hash.as_str().unwrap().starts_with("$argon2id$"), "{hash}");

    let mut file = file;
    let users = file["users"].as_array_mut().unwrap();
    users.push(json!({"account": "new", "roles": ["writer"]}));
    let put = "mesh?exported=true";
    site.post(&writer, put, &file)
        .await
        .problem(403, "forbidden");
    let tried = site
        .post(&root, "mesh?exported=true&dry_run=true", &file)
        .await;
    assert_eq!(
        tried.expect(200)["users"],
        json!({"made": 1, "replaced": 2})
    );
    assert!(site.store.find_user("new").await.unwrap().is_none());
    let done = site.post(&root, put, &file).await.expect(200);
    assert_eq!(done["without_password"], json!(["new"]));
    let audit = site
        .get(&root, "audit?kind=user&action=create&text=new")
        .await;
    assert_eq!(audit.expect(200)["items"][0]["name"], "new");

    file["users"][2]["roles"] = json!(["nobody"]);
    site.post(&root, put, &file)
        .await
        .problem(422, "unknown_role");
    file["users"] = json!([{"account": "root"}]);
    site.post(&root, put, &file)
        .await
        .problem(409, "last_admin");
    assert!(matches!(
        signed_in(&site.try_sign_in("root", PASSWORD).await),
        Caller::Cookie { .. }
    ));
}
