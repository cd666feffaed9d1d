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

#[tokio::test]
async fn users_roles_and_tokens_are_deleted_many_at_once_all_or_none() {
    let site = Site::new().await;
    site.user("root", Permission::ALL, &[]).await;
    site.user("ann", &[Permission::Read], &[]).await;
    let (root, ann) = (site.sign_in("root").await, site.sign_in("ann").await);
    let both = |one: &Value, two: &Value| json!({"items": [{"id": one["id"], "version": one["version"]}, {"id": two["id"]}]});
    let total = async |kind: &str| {
        let listed = site.get(&root, kind).await.expect(200);
        listed["items"].as_array().unwrap().len()
    };

    let mut made = Vec::new();
    for name in ["one", "two"] {
        let body = json!({"name": name, "permissions": ["read"]});
        made.push(site.post(&ann, "tokens", &body).await.expect(201));
    }
    // Another's token is as unknown as none, and takes the own one along.
    let body = json!({"name": "root's", "permissions": ["read"]});
    let roots = site.post(&root, "tokens", &body).await.expect(201);
    site.post(&ann, "tokens/delete", &both(&made[0], &roots))
        .await
        .problem(404, "unknown_token");
    let stale = json!({"items": [{"id": made[0]["id"]}, {"id": made[1]["id"], "version": 9}]});
    site.post(&ann, "tokens/delete", &stale)
        .await
        .problem(409, "stale");
    assert_eq!(total("tokens").await, 3);
    let own = both(&made[0], &made[1]);
    let gone = site.post(&ann, "tokens/delete", &own).await.expect(200);
    assert_eq!(gone, json!({"deleted": 2}));
    assert_eq!(total("tokens").await, 1);

    let mut roles = Vec::new();
    for name in ["retail", "spare"] {
        let body = json!({"name": name, "permissions": ["read"]});
        roles.push(site.post(&root, "roles", &body).await.expect(201));
    }
    let mut users = Vec::new();
    for account in ["bob", "cid"] {
        let body = json!({"account": account, "roles": ["retail"]});
        users.push(site.post(&root, "users", &body).await.expect(201));
    }
    let (had, people) = (total("roles").await, total("users").await);
    site.post(&root, "roles/delete", &both(&roles[1], &roles[0]))
        .await
        .problem(409, "in_use");
    assert_eq!(total("roles").await, had);
    let admins = site.get(&root, "users?text=root").await.expect(200);
    site.post(&root, "users/delete", &both(&users[0], &admins["items"][0]))
        .await
        .problem(409, "last_admin");
    assert_eq!(total("users").await, people);
    site.post(&root, "users/delete", &both(&users[0], &users[1]))
        .await
        .expect(200);
    site.post(&root, "roles/delete", &both(&roles[0], &roles[1]))
        .await
        .expect(200);
    assert_eq!(
        (total("roles").await, total("users").await),
        (had - 2, people - 2)
    );
    let trail = site
        .get(&root, "audit?action=delete&kind=user")
        .await
        .expect(200);
    assert_eq!(trail["items"].as_array().unwrap().len(), 2);

    let many: Vec<_> = (0..1_001).map(|id| json!({"id": id})).collect();
    site.post(&root, "users/delete", &json!({"items": many}))
        .await
        .problem(400, "bad_body");
}
