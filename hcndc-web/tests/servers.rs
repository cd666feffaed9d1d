//! Several servers on one database, as processes: one leads, the others follow, and whichever dies, nothing is lost and
//! nothing runs twice.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

#[path = "support/several.rs"]
mod several;
mod support;

use std::{
    io::{BufRead as _, BufReader},
    time::{Instant, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use nix::sys::signal::Signal;
use serde_json::json;
use several::{Bed, OneWay, Peer, Proxy, Shared, through};
use support::{signal, wait_for};

/// Each test on a SQLite file that the servers share, and on MariaDB.
macro_rules! on_every_database {
    ($($test:ident,)*) => {$(
        mod $test {
            use super::*;

            #[test]
            fn on_sqlite() {
                super::$test(&Bed::new(Shared::File));
            }

            #[test]
            fn on_mysql() {
                if let Some(shared) = Shared::mysql(concat!(stringify!($test), "::on_mysql")) {
                    super::$test(&Bed::new(shared));
                }
            }
        }
    )*};
}

on_every_database! {
    a_killed_leader_is_replaced_and_nothing_runs_twice,
    a_leader_that_stops_hands_over_at_once,
    a_delivery_starts_once_whichever_server_it_comes_to,
    whatever_a_follower_cannot_do_it_passes_on,
    what_was_passed_on_and_not_answered_is_told_as_unknown,
    logs_in_a_shared_folder_outlive_their_server,
    an_executor_inside_and_several_servers_exclude_each_other,
}

fn ended(server: &Peer, execution: u64) {
    wait_for("the execution to end", || {
        let found = server.get(&format!("executions/{execution}"));
        found["state"] != "running"
    });
    let found = server.get(&format!("executions/{execution}"));
    assert_eq!(found["state"], "succeeded", "{found}");
}

/// Waits until this one leads; tells how long that took.
fn until_it_leads(what: &str, server: &Peer, since: Instant) {
    wait_for("a server to take over", || server.leads());
    let took = since.elapsed();
    eprintln!("{what}: taken over after {took:?}");
}

fn a_killed_leader_is_replaced_and_nothing_runs_twice(bed: &Bed) {
    let mut first = bed.serve("first");
    let second = bed.serve("second");
    assert!(first.leads());
    wait_for("the second to follow", || {
        second.leader().as_ref() == Some(&first.instance)
    });
    bed.put_mesh(&first, 4, "sleep 1");
    let key = [("idempotency-key", "night-7")];
    let execution = first.start_flow(&key);
    wait_for("jobs to run", || bed.lines("start").len() >= 4);
    first.kill();
    until_it_leads("kill -9", &second, Instant::now());

    // Whoever did not hear the answer asks again: nothing is started twice, though another server answers.
    assert_eq!(second.start_flow(&key), execution);
    let other = json!({ "flows": ["f"], "data_date": "2026-11-22" });
    let reused = second.try_post("executions", &other, &key).unwrap();
    assert_eq!(reused.1["code"], "idempotency_key_reused");
    ended(&second, execution);
    bed.check_once(12);

    // The former leader comes back as a follower.
    let first = bed.serve("first");
    assert!(second.leads());
    assert_eq!(first.leader().as_ref(), Some(&second.instance));
    ended(&first, execution);
}

fn a_leader_that_stops_hands_over_at_once(bed: &Bed) {
    let mut first = bed.serve("first");
    let second = bed.serve("second");
    bed.put_mesh(&second, 2, "sleep 0.5");
    let execution = second.start_flow(&[]);
    wait_for("jobs to run", || !bed.lines("start").is_empty());
    let since = Instant::now();
    first.stop();
    until_it_leads("clean stop", &second, since);
    ended(&second, execution);
    bed.check_once(6);
    // It signed off.
    wait_for("the list to be short", || {
        second.get("servers")["items"].as_array().unwrap().len() == 1
    });
}

fn a_delivery_starts_once_whichever_server_it_comes_to(bed: &Bed) {
    let mut first = bed.serve("first");
    let second = bed.serve("second");
    wait_for("the second to follow", || {
        second.leader().as_ref() == Some(&first.instance)
    });
    bed.put_mesh(&first, 1, "true");
    let secret = "a-secret-of-ours-and-theirs";
    let hook = json!({"name": "orders", "flows": ["f"], "secret": secret});
    let hook = second.post("webhooks", &hook, &[])["id"].as_u64().unwrap();
    let body = json!({"kind": "complete"});
    let deliver = |to: &Peer, id: &str| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap().as_secs().to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{id}.{now}.{body}").as_bytes());
        let tag = STANDARD.encode(mac.finalize().into_bytes());
        let signature = format!("v1,{tag}");
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", now.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        to.post(&format!("hooks/{hook}"), &body, &headers)
    };
    // A follower passes it on, signature and all.
    let started = deliver(&second, "d-1");
    assert_eq!(started["outcome"], "started", "{started}");
    let execution = started["execution"].as_u64().unwrap();
    assert_eq!(deliver(&first, "d-1")["execution"], execution);
    first.kill();
    until_it_leads("kill -9", &second, Instant::now());
    let again = deliver(&second, "d-1");
    assert_eq!(
        (&again["execution"], &again["repeated"]),
        (&json!(execution), &json!(true))
    );
    ended(&second, execution);
    let all = second.get("executions");
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
    let came = second.get(&format!("webhooks/{hook}/deliveries"));
    assert_eq!(came["items"][0]["tries"], 3, "{came}");
}

fn whatever_a_follower_cannot_do_it_passes_on(bed: &Bed) {
    let mut first = bed.serve("first");
    let second = bed.serve("second");
    let third = bed.serve("third");
    wait_for("everybody to know everybody", || {
        third.get("servers")["items"].as_array().unwrap().len() == 3
    });
    let servers = third.get("servers");
    for server in servers["items"].as_array().unwrap() {
        let is = |peer: &Peer| server["instance"] == peer.instance;
        assert_eq!(server["leads"], is(&first), "{servers}");
        assert_eq!(server["here"], is(&third), "{servers}");
        assert_eq!(server["alive"], true, "{servers}");
    }

    // Writes, and the events that come of them, each by another follower.
    bed.put_mesh(&second, 2, "true");
    let mesh = third.try_get(&third.url("mesh?format=json"));
    let (status, mesh) = mesh.expect("an answer");
    assert!(status == 200 && mesh.contains("j0-1"), "{status}: {mesh}");
    let events = ureq::get(third.url("events?from=0")).call().unwrap();
    let mut events = BufReader::new(events.into_body().into_reader()).lines();
    let execution = second.start_flow(&[]);
    let mut heard = || events.next().unwrap().unwrap();
    while !heard().contains("\"kind\":\"job_run\"") {}
    for server in [&first, &second, &third] {
        ended(server, execution);
        let runs = server.get(&format!("job-runs?execution={execution}"));
        let runs = runs["items"].as_array().unwrap().clone();
        assert_eq!(runs.len(), 6);
        let job_run = runs[0]["id"].as_u64().unwrap();
        assert!(
            server
                .get(&format!("job-runs/{job_run}/explain"))
                .is_object()
        );
        assert_eq!(server.get("flows")["items"][0]["name"], "f");
        assert_eq!(
            server.get("executors")["items"][0]["health"]["online"],
            true
        );
        let by_name = server.get("executions?flow=f");
        assert_eq!(by_name["items"][0]["id"], execution);
        let log = server.url(&format!("job-runs/{job_run}/log"));
        let (status, log) = server.try_get(&log).unwrap();
        assert_eq!(status, 200, "{log}");
        assert!(log.contains("out of j"), "{log}");
    }

    // The log of what ended under one leader is read under the next, as long as the folder is still served.
    let runs = second.get(&format!("job-runs?execution={execution}"));
    let job_run = runs["items"][0]["id"].as_u64().unwrap();
    first.signal(Signal::SIGTERM);
    wait_for("the first to end", || second.leads() || third.leads());
    first.kill();
    let first = bed.serve("first");
    for server in [&first, &second, &third] {
        let url = server.url(&format!("job-runs/{job_run}/log"));
        wait_for("the log to be read", || {
            server
                .try_get(&url)
                .is_some_and(|(status, log)| status == 200 && log.contains("out of j"))
        });
    }
    // Its stream has ended with the lead, so that whoever watches comes back.
    while events.next().is_some_and(|line| line.is_ok()) {}
}

fn what_was_passed_on_and_not_answered_is_told_as_unknown(bed: &Bed) {
    let way = OneWay::new();
    let advertised = format!("http://{}", way.address);
    let first = bed.serve_through("first", &bed.database(), &["--advertise", &advertised]);
    way.leads_to(&first);
    let second = bed.serve("second");
    wait_for("the second to follow", || {
        second.leader().as_ref() == Some(&first.instance)
    });
    bed.put_mesh(&second, 1, "true");

    way.deafen(true);
    let body = json!({ "flows": ["f"], "data_date": "2026-11-21" });
    let key = [("idempotency-key", "night-8")];
    let (status, answer) = second.try_post("executions", &body, &key).unwrap();
    assert_eq!(answer["code"], "outcome_unknown", "{status} {answer}");
    // What only reads can be asked again: it is nobody's loss.
    let (_, unread) = second.try_get(&second.url("flows")).unwrap();
    assert!(unread.contains("no_leader"), "{unread}");

    // Whoever asks again with the key learns what came of it, and starts nothing again.
    way.deafen(false);
    let execution = second.start_flow(&key);
    ended(&second, execution);
    bed.check_once(3);
}

fn logs_in_a_shared_folder_outlive_their_server(bed: &Bed) {
    let logs = bed.dir.path().join("logs");
    let args = ["--log-dir", logs.to_str().unwrap()];
    let mut first = bed.serve_through("first", &bed.database(), &args);
    let second = bed.serve_through("second", &bed.database(), &args);
    bed.put_mesh(&first, 1, "true");
    let execution = first.start_flow(&[]);
    ended(&first, execution);
    let runs = first.get(&format!("job-runs?execution={execution}"));
    let log = format!("job-runs/{}/log", runs["items"][0]["id"]);
    wait_for("the complete log", || {
        let (_, log) = first.try_get(&first.url(&log)).unwrap();
        log.contains("out of j")
    });
    first.kill();
    std::fs::remove_dir_all(bed.dir.path().join("first")).unwrap();
    until_it_leads("kill -9", &second, Instant::now());
    // The executor has forgotten it: it was acknowledged.
    let (status, log) = second.try_get(&second.url(&log)).unwrap();
    assert_eq!(status, 200, "{log}");
    assert!(log.contains("out of j"), "{log}");
}

fn an_executor_inside_and_several_servers_exclude_each_other(bed: &Bed) {
    let mut first = bed.serve("first");
    let refused = bed.command("second", &bed.database()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let log = std::fs::read_to_string(bed.dir.path().join("second.log")).unwrap();
    assert!(log.contains("--no-executor"), "{log}");
    assert!(first.leads());
    // A server that is dead is in nobody's way; this one waits until it is sure.
    first.kill();
    let mut second = bed.command("second", &bed.database()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(second.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("hcndc serves at "), "{line}");
    let mut third = bed.command("third", &bed.database());
    let refused = third.arg("--no-executor").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let log = std::fs::read_to_string(bed.dir.path().join("third.log")).unwrap();
    assert!(log.contains("delete the executor"), "{log}");
    signal(second.id(), Signal::SIGTERM);
    assert!(second.wait().unwrap().success());
}

/// SQLite's locks are files': a process that is stopped in the middle of a commit would keep its lock.
#[test]
fn a_leader_that_was_stopped_follows_when_it_goes_on() {
    let test = "a_leader_that_was_stopped_follows_when_it_goes_on";
    let Some(shared) = Shared::mysql(test) else {
        return;
    };
    let bed = Bed::new(shared);
    let first = bed.serve("first");
    let second = bed.serve("second");
    bed.put_mesh(&first, 4, "sleep 1");
    let execution = first.start_flow(&[]);
    wait_for("jobs to run", || bed.lines("start").len() >= 4);
    first.signal(Signal::SIGSTOP);
    let since = Instant::now();
    until_it_leads("stopped", &second, since);
    let more = second.start_flow(&[]);
    first.signal(Signal::SIGCONT);
    wait_for("the first to follow", || {
        first.leader().as_ref() == Some(&second.instance)
    });
    ended(&second, execution);
    ended(&first, more);
    bed.check_once(24);
    // It is as good as any other.
    first.start_flow(&[]);
}

#[test]
fn a_leader_that_is_cut_off_from_its_database_follows_when_that_is_back() {
    let test = "a_leader_that_is_cut_off_from_its_database_follows_when_that_is_back";
    let Some(shared) = Shared::mysql(test) else {
        return;
    };
    let bed = Bed::new(shared);
    let (proxy, by_proxy) = through(&bed.database(), Proxy::to);
    let first = bed.serve_through("first", &by_proxy, &[]);
    let second = bed.serve("second");
    bed.put_mesh(&first, 4, "sleep 1");
    let execution = first.start_flow(&[]);
    wait_for("jobs to run", || bed.lines("start").len() >= 4);
    proxy.cut();
    until_it_leads("cut off", &second, Instant::now());
    ended(&second, execution);
    bed.check_once(12);
    proxy.heal();
    wait_for("the first to follow", || {
        first.leader().as_ref() == Some(&second.instance)
    });
    let more = first.start_flow(&[]);
    ended(&first, more);
    bed.check_once(24);
}
