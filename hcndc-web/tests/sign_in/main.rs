//! Signing in to a real server: by a directory, by a provider, over TLS, and how much each caller may ask for.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

mod browser;
mod ldap;
mod oidc;
mod rates;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use support::Server;
use tempfile::TempDir;

/// The password of local users.
pub(crate) const PASSWORD: &str = "a local password";

/// A server that asks who is there, with local users boss (role admin) and admin (of the first start).
pub(crate) struct Bed {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

impl Bed {
    /// With these arguments besides.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let usual = ["--access", "users", "--no-executor"];
        let server = Server::start(folder.path(), &[&usual[..], arguments].concat());
        let bed = Self { server, folder };
        bed.user("boss", &["--role", "admin"], Some(PASSWORD));
        bed
    }

    /// Makes a user, on the server's host.
    pub(crate) fn user(&self, account: &str, arguments: &[&str], password: Option<&str>) {
        let data_dir = self.folder.path().to_str().unwrap();
        let mut all = vec!["user", "create", account, "--data-dir", data_dir];
        all.extend(arguments);
        if password.is_some() {
            all.push("--password-stdin");
        }
        let output = hcndc(&all, password.unwrap_or_default());
        assert!(output.status.success(), "{output:?}");
    }

    /// What the server says to somebody who signs in.
    pub(crate) fn sign_in(&self, account: &str, password: &str) -> Answer {
        let body = json!({"account": account, "password": password});
        Caller::nobody(self.server.base()).call("POST", "api/v1/session", &body)
    }

    /// Somebody who has signed in.
    pub(crate) fn caller(&self, account: &str, password: &str) -> Caller {
        Caller::of(self.server.base(), &self.sign_in(account, password))
    }

    /// The local administrator.
    pub(crate) fn boss(&self) -> Caller {
        self.caller("boss", PASSWORD)
    }
}

/// Runs a command on this host, with a line on its standard input.
pub(crate) fn hcndc(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .args(arguments)
        .env("HCNDC_LANG", "en")
        .env("HCNDC_CONFIG", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended without reading.
    let _ = writeln!(child.stdin.take().unwrap(), "{input}");
    child.wait_with_output().unwrap()
}

/// An answer, whatever it is.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, Vec<String>>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn of(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in response.headers() {
            let values = headers.entry(name.to_string()).or_default();
            values.push(value.to_str().unwrap_or_default().to_owned());
        }
        let text = response.body_mut().read_to_string().unwrap_or_default();
        Self {
            status: response.status().as_u16(),
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let values = self.headers.get(name);
        values.map_or("", |values| values[0].as_str())
    }

    /// The body of an answer with this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }

    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

/// A client that neither follows nor gives up.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into()
}

/// Somebody who asks a server.
pub(crate) struct Caller {
    base: String,
    headers: Vec<(&'static str, String)>,
}

impl Caller {
    pub(crate) fn nobody(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            headers: Vec::new(),
        }
    }

    /// Whoever was signed in by this answer.
    pub(crate) fn of(base: &str, answer: &Answer) -> Self {
        assert_eq!(answer.status, 201, "{answer:?}");
        let cookie = answer.header("set-cookie").split(';').next().unwrap();
        let csrf = answer.body["csrf"].as_str().unwrap();
        Self {
            base: base.to_owned(),
            headers: vec![
                ("cookie", cookie.to_owned()),
                ("x-csrf-token", csrf.to_owned()),
            ],
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let response = agent().run(request.body(text).unwrap()).unwrap();
        Answer::of(response)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null)
    }

    /// The user of this account, as it is listed.
    pub(crate) fn find_user(&self, account: &str) -> Value {
        let page = self
            .get(&format!("api/v1/users?text={account}"))
            .expect(200);
        let mut users = page["items"].as_array().unwrap().iter();
        users
            .find(|user| user["account"] == account)
            .cloned()
            .unwrap_or_default()
    }

    /// What is written down of this action, the newest first.
    pub(crate) fn audit(&self, action: &str) -> Vec<Value> {
        let page = self
            .get(&format!("api/v1/audit?action={action}"))
            .expect(200);
        page["items"].as_array().unwrap().clone()
    }
}

/// What a URL of a script of `.ci` says after its question mark.
pub(crate) fn parts(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}
