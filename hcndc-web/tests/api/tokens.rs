//! Tokens: what they may do, and what becomes of them.

use hcndc_core::port::Permission;
use serde_json::{Value, json};

use crate::site::{Caller, Site};

#[tokio::test]
async fn a_token_may_do_no_more_than_its_maker_and_is_told_once() {
    let site = Site::new().await;
    site.user("ann", &[Permission::Read], &[]).await;
    site.user("root", Permission::ALL, &[]).await;
    let (ann, root) = (site.sign_in("ann").await, site.sign_in("root").await);
    let body = json!({"name": "t", "permissions": ["read", "write"]});
    site.post(&ann, "tokens", &body)
        .await
        .problem(422, "too_strong_token");
    let body = json!({"name": "t", "permissions": ["read"], "account": "root"});
    site.post(&ann, "tokens", &body)
        .await
        .problem(403, "forbidden");
    let token = site.token(&ann, &["read"]).await;
    site.get(&token, "flows").await.expect(200);
    site.post(&token, "flows", &json!({"name": "f"}))
        .await
        .problem(403, "forbidden");

    let body = json!({"name": "for ann", "permissions": ["read", "write"], "account": "ann"});
    let made = site.post(&root, "tokens", &body).await.expect(201);
    let strong = Caller::Token(made["token"].as_str().unwrap().to_owned());
    // Its user may not write, so neither may it.
    site.post(&strong, "flows", &json!({"name": "f"}))
        .await
        .problem(403, "forbidden");
    let listed = site.get(&ann, "tokens").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(
        listed["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it.get("token").is_none())
    );
    let roots = site.token(&root, &["admin"]).await;
    let listed = site.get(&roots, "tokens?account=root").await.expect(200);
    let id = listed["items"][0]["id"].as_u64().unwrap();
    site.get(&ann, &format!("tokens/{id}"))
        .await
        .problem(404, "unknown_token");
    let path = format!("/api/v1/tokens/{id}");
    assert_eq!(
        site.call(&root, "DELETE", &path, &Value::Null).await.status,
        204
    );
    site.get(&roots, "users").await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_token_can_be_changed_and_is_bound_by_it_at_once() {
    let site = Site::new().await;
    site.user("ann", &[Permission::Read, Permission::Write], &[])
        .await;
    let ann = site.sign_in("ann").await;
    let body = json!({"name": "nightly", "permissions": ["read", "write"]});
    let made = site.post(&ann, "tokens", &body).await.expect(201);
    let strong = Caller::Token(made["token"].as_str().unwrap().to_owned());
    let path = format!("/api/v1/tokens/{}", made["id"]);
    site.post(&strong, "flows", &json!({"name": "one"}))
        .await
        .expect(201);

    // A weaker token of the same user makes nothing of a stronger one, not even for longer.
    let weak = site.token(&ann, &["read"]).await;
    let longer = json!({"expires_at": "2999-01-01T00:00:00Z"});
    site.call(&weak, "PATCH", &path, &longer)
        .await
        .problem(422, "too_strong_token");
    let more = json!({"permissions": ["read", "admin"]});
    site.call(&ann, "PATCH", &path, &more)
        .await
        .problem(422, "too_strong_token");
    let bad = json!({"name": " ", "expires_at": "tomorrow"});
    let refused = site.call(&ann, "PATCH", &path, &bad).await;
    let faults = refused.problem(400, "bad_body")["faults"].clone();
    assert_eq!(faults.as_array().map(Vec::len), Some(2), "{faults}");
    let another = json!({"name": "nightly", "permissions": ["read"], "account": "root"});
    site.call(&ann, "PUT", &path, &another)
        .await
        .problem(400, "bad_body");

    let less = json!({"name": "reads only", "permissions": ["read"], "version": 1});
    let changed = site.call(&ann, "PUT", &path, &less).await.expect(200);
    assert_eq!(changed["version"], 2);
    assert_eq!(changed.get("token"), None);
    site.call(&ann, "PUT", &path, &less)
        .await
        .problem(409, "stale");
    site.get(&strong, "flows").await.expect(200);
    site.post(&strong, "flows", &json!({"name": "two"}))
        .await
        .problem(403, "forbidden");
    let over = json!({"expires_at": "2000-01-01T00:00:00Z"});
    site.call(&ann, "PATCH", &path, &over).await.expect(200);
    site.get(&strong, "flows").await.problem(401, "signed_out");

    let found = site.get(&ann, "tokens?text=READS&sort=-name").await;
    let found = found.expect(200)["items"].clone();
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found[0]["name"], "reads only");
}
