//! Everything at once: a load of executions while servers are killed, stopped and continued, executors die and come back, networks
//! are cut and the database restarts. Then all ends are looked at: in the database, and in what the jobs themselves wrote down.
//!
//! Real processes throughout. `HCNDC_TEST_SEED=n` draws the same faults again (what they meet depends on the machine);
//! `HCNDC_TEST_SECONDS=n` goes on for `n` seconds, `HCNDC_TEST_SLOW=1` for 300. Without them some seconds are played of one seed.
#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

mod chaos;
mod check;
mod draw;
mod load;
mod network;
mod processes;
mod site;
mod weather;

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use self::{draw::Draw, site::Site};

/// How long faults come.
fn span() -> Duration {
    let slow = std::env::var_os("HCNDC_TEST_SLOW").is_some();
    let seconds = number("HCNDC_TEST_SECONDS").unwrap_or(if slow { 300 } else { 15 });
    Duration::from_secs(seconds)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seed() -> u64 {
    number("HCNDC_TEST_SEED").unwrap_or(1)
}

/// Plays faults on a site under load, heals it, and checks what came of everything.
fn torture(name: &str, mut site: Site) {
    let (seed, span) = (seed(), span());
    let started = Instant::now();
    let load = load::Load::begin(&site, Draw::new(seed, 1));
    let faults = chaos::play(&mut site, Draw::new(seed, 2), span);
    site.heal();
    let asked = load.end();
    load::finish(&site);
    let found = check::rules(&site, &asked);
    found.sight(&asked);
    let report = found.report();
    let took = started.elapsed().as_secs();
    let span = span.as_secs();
    say(&format!(
        "{name}, seed {seed}, {span} s of faults, {took} s in all\nfaults: {faults}\n{report}\n"
    ));
}

/// Straight to the stream: what a passing test prints is not shown.
fn say(text: &str) {
    drop(std::io::stderr().write_all(text.as_bytes()));
}

#[test]
fn one_server_on_sqlite_keeps_every_rule() {
    if let Some(site) = Site::on_sqlite("one_server_on_sqlite_keeps_every_rule") {
        torture("one server on SQLite", site);
    }
}

#[test]
fn three_servers_on_mariadb_keep_every_rule() {
    if let Some(site) = Site::on_mariadb("three_servers_on_mariadb_keep_every_rule", 3) {
        torture("three servers on MariaDB", site);
    }
}

#[test]
fn three_servers_on_a_galera_cluster_keep_every_rule() {
    if let Some(site) = Site::on_galera("three_servers_on_a_galera_cluster_keep_every_rule") {
        torture("three servers on a Galera cluster", site);
    }
}
