//! Those who use the servers: they start, stop, resume and pause, by whichever server answers, and ask again until they know.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

use super::{draw::Draw, processes::wait_for, site::Site};

/// Calls one server after another.
#[derive(Clone)]
pub(crate) struct Caller {
    ports: Vec<u16>,
    turn: Arc<AtomicUsize>,
    agent: ureq::Agent,
}

impl Caller {
    pub(crate) fn new(ports: Vec<u16>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Self {
            ports,
            turn: Arc::default(),
            agent: agent.into(),
        }
    }

    fn url(&self, path: &str) -> String {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let port = self.ports[turn % self.ports.len()];
        format!("http://127.0.0.1:{port}{path}")
    }

    /// What one of them answers, if it does.
    pub(crate) fn try_get(&self, path: &str) -> Option<Value> {
        let mut answer = self.agent.get(self.url(path)).call().ok()?;
        if answer.status() != 200 {
            return None;
        }
        answer.body_mut().read_json().ok()
    }

    /// The status of a GET, and the body.
    pub(crate) fn status(&self, path: &str) -> Option<(u16, String)> {
        let mut answer = self.agent.get(self.url(path)).call().ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_to_string().ok()?))
    }

    fn try_post(&self, path: &str, body: &Value, key: Option<&str>) -> Option<(u16, Value)> {
        let mut request = self.agent.post(self.url(path));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let mut answer = request.send_json(body).ok()?;
        let status = answer.status().as_u16();
        // An answer that was cut off tells nothing.
        let text = answer.body_mut().read_to_string().ok()?;
        let told = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).ok()?,
        };
        Some((status, told))
    }

    /// Asks until somebody does it.
    pub(crate) fn insist(&self, path: &str, body: &Value, key: Option<&str>) -> Value {
        let mut given = Value::Null;
        wait_for(path, || match self.try_post(path, body, key) {
            Some((200..300, answer)) => {
                given = answer;
                true
            }
            // Nobody leads just now, or the same is being done.
            None | Some((409 | 500.., _)) => false,
            Some((status, answer)) => panic!("{path}: {status} {answer}"),
        });
        given
    }

    pub(crate) fn put_mesh(&self, mesh: &str) {
        wait_for("the mesh", || {
            let sent = self.agent.post(self.url("/api/v1/mesh"));
            let sent = sent.content_type("application/yaml").send(mesh);
            let Ok(mut answer) = sent else { return false };
            let status = answer.status().as_u16();
            let text = answer.body_mut().read_to_string().unwrap_or_default();
            assert!(!(300..500).contains(&status), "{status} {text}");
            status < 300
        });
    }
}

/// What was asked for and promised: executions by the key under which each was asked for.
pub(crate) type Asked = BTreeMap<String, u64>;

/// A load that goes on.
pub(crate) struct Load {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<Asked>,
}

impl Load {
    pub(crate) fn begin(site: &Site, mut draw: Draw) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let (caller, end) = (site.caller(), Arc::clone(&ending));
        let thread = thread::spawn(move || {
            let mut asked = Asked::new();
            while !end.load(Ordering::SeqCst) {
                ask(&caller, &mut draw, &mut asked);
                thread::sleep(draw.millis(50, 400));
            }
            asked
        });
        Self { ending, thread }
    }

    pub(crate) fn end(self) -> Asked {
        self.ending.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

fn ask(caller: &Caller, draw: &mut Draw, asked: &mut Asked) {
    if asked.len() < 3 || draw.percent(70) {
        let key = format!("key {}", asked.len());
        let flows: &[&str] = [&["a"][..], &["a", "b"], &["c"], &["d"], &["d", "c"]][draw.below(5)];
        let date = format!("2026-11-{:02}", 1 + draw.below(9));
        let body = json!({"flows": flows, "data_date": date});
        let started = caller.insist("/api/v1/executions", &body, Some(&key));
        asked.insert(key, started["id"].as_u64().unwrap());
        return;
    }
    let ids: Vec<u64> = asked.values().copied().collect();
    let id = ids[ids.len() - 1 - draw.below(ids.len().min(6))];
    let verb = ["stop", "resume", "pause", "unpause", "resume"][draw.below(5)];
    // Most of these come at the wrong time for it, and are refused.
    caller.try_post(&format!("/api/v1/executions/{id}/{verb}"), &json!({}), None);
}

/// Lets all that was begun come to its end: what was stopped or failed goes on until it succeeds.
pub(crate) fn finish(site: &Site) {
    let caller = site.caller();
    let all = |state: &str| -> Option<Vec<u64>> {
        let page = caller.try_get(&format!("/api/v1/executions?state={state}&limit=1000"))?;
        let items = page["items"].as_array()?.clone();
        Some(items.iter().filter_map(|it| it["id"].as_u64()).collect())
    };
    wait_for("all executions to succeed", || {
        let mut left = 0;
        for (state, verb) in [
            ("paused", "unpause"),
            ("stopped", "resume"),
            ("failed", "resume"),
        ] {
            let Some(ids) = all(state) else { return false };
            left += ids.len();
            for id in ids {
                caller.try_post(&format!("/api/v1/executions/{id}/{verb}"), &json!({}), None);
            }
        }
        for state in ["running", "stopping"] {
            let Some(ids) = all(state) else { return false };
            // The schedule goes on for ever.
            left += ids.len();
        }
        left == 0
    });
}
