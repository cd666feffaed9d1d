//! A server that asks who calls, and those who do.

use std::sync::Arc;

use hcndc_core::{
    id::{RoleId, UserId},
    port::{
        Accounts as _, Clock as _, Grant, Origin, PasswordHash, Permission, RoleDraft, UserDraft,
    },
};
use hcndc_store_mysql::SqlStore;
use hcndc_web::{
    auth::{Access, Auth},
    clock::SystemClock,
};
use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

/// A server with users, one of them with each of these roles.
pub(crate) struct Site {
    pub(crate) bed: Bed,
    pub(crate) store: SqlStore,
    pub(crate) auth: Arc<Auth>,
}

/// What a caller shows.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    Nobody,
    Cookie { cookie: String, csrf: String },
    Token(String),
}

pub(crate) const PASSWORD: &str = "correct horse";

impl Site {
    pub(crate) async fn new() -> Self {
        let store = SqlStore::connect("sqlite::memory:").await.unwrap();
        let auth = Arc::new(Auth::new(Arc::new(store.clone())));
        let bed = Bed::with_users(Access::Users, Arc::clone(&auth)).await;
        Self { bed, store, auth }
    }

    pub(crate) async fn role(
        &self,
        name: &str,
        permissions: &[Permission],
        directories: &[&str],
    ) -> RoleId {
        let draft = RoleDraft {
            name: name.to_owned(),
            description: String::new(),
            grant: Grant {
                permissions: permissions.to_vec(),
                directories: directories.iter().map(|it| (*it).to_owned()).collect(),
            },
        };
        let now = SystemClock::new().now();
        self.store.create_role(&draft, now).await.unwrap().id
    }

    /// A user with one role of these permissions.
    pub(crate) async fn user(
        &self,
        account: &str,
        permissions: &[Permission],
        directories: &[&str],
    ) -> UserId {
        let role = self.role(account, permissions, directories).await;
        let draft = UserDraft {
            account: account.to_owned(),
            name: String::new(),
            enabled: true,
            roles: vec![role],
            origin: Origin::Local,
            subject: None,
        };
        let hash = PasswordHash {
            phc: self.auth.passwords().hash(PASSWORD).await.unwrap(),
            must_change: false,
        };
        let now = SystemClock::new().now();
        let made = self.store.create_user(&draft, Some(&hash), now).await;
        made.unwrap().id
    }

    pub(crate) async fn call(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        let bearer;
        match caller {
            Caller::Nobody => {}
            Caller::Cookie { cookie, csrf } => {
                headers.push(("cookie", cookie));
                headers.push(("x-csrf-token", csrf));
            }
            Caller::Token(token) => {
                bearer = format!("Bearer {token}");
                headers.push(("authorization", &bearer));
            }
        }
        self.bed
            .call(method, path, &headers, body.to_string())
            .await
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> Answer {
        self.call(caller, "GET", &format!("/api/v1/{path}"), &Value::Null)
            .await
    }

    pub(crate) async fn post(&self, caller: &Caller, path: &str, body: &Value) -> Answer {
        self.call(caller, "POST", &format!("/api/v1/{path}"), body)
            .await
    }

    pub(crate) async fn try_sign_in(&self, account: &str, password: &str) -> Answer {
        let body = json!({"account": account, "password": password});
        self.post(&Caller::Nobody, "session", &body).await
    }

    pub(crate) async fn sign_in(&self, account: &str) -> Caller {
        signed_in(&self.try_sign_in(account, PASSWORD).await)
    }

    pub(crate) async fn token(&self, caller: &Caller, permissions: &[&str]) -> Caller {
        let body = json!({"name": "test", "permissions": permissions});
        let made = self.post(caller, "tokens", &body).await.expect(201);
        Caller::Token(made["token"].as_str().unwrap().to_owned())
    }
}

/// The caller that an answer to a sign-in makes.
#[track_caller]
pub(crate) fn signed_in(answer: &Answer) -> Caller {
    let csrf = answer.json()["csrf"].as_str().unwrap().to_owned();
    let cookie = answer.header("set-cookie").split(';').next().unwrap();
    Caller::Cookie {
        cookie: cookie.to_owned(),
        csrf,
    }
}
