//! What goes wrong, one thing after another, and some of it at once.

use std::{
    collections::BTreeMap,
    fmt, thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{
    draw::Draw,
    processes::{holders, send},
    site::Site,
};

/// How often each fault came.
#[derive(Default)]
pub(crate) struct Faults(BTreeMap<&'static str, u32>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self
            .0
            .iter()
            .map(|(what, count)| format!("{count} x {what}"));
        f.write_str(&all.collect::<Vec<_>>().join(", "))
    }
}

/// What ends a fault.
enum Mending {
    BeginServer(usize),
    ContinueServer(usize),
    BeginExecutor(usize),
    HealDatabase(usize),
    HealExecutor(usize),
}

/// Plays faults for so long. What is broken at the end is left so.
pub(crate) fn play(site: &mut Site, mut draw: Draw, span: Duration) -> Faults {
    let mut faults = Faults::default();
    let mut later: Vec<(Instant, Mending)> = Vec::new();
    let until = Instant::now() + span;
    let mut next = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until {
        let now = Instant::now();
        let (due, rest) = later.into_iter().partition(|(at, _)| *at <= now);
        later = rest;
        let due: Vec<(Instant, Mending)> = due;
        for (_, mending) in due {
            mend(site, &mending);
        }
        if now >= next {
            next = now + draw.millis(300, 1_800);
            let (name, mending, lasts) = strike(site, &mut draw);
            *faults.0.entry(name).or_default() += 1;
            later.extend(mending.map(|it| (now + lasts, it)));
        }
        thread::sleep(Duration::from_millis(20));
    }
    for (_, mending) in later {
        mend(site, &mending);
    }
    faults
}

fn mend(site: &mut Site, mending: &Mending) {
    match *mending {
        Mending::BeginServer(at) => site.servers[at].process.begin(),
        Mending::ContinueServer(at) => site.servers[at].process.signal(Signal::SIGCONT),
        Mending::BeginExecutor(at) => site.executors[at].process.begin(),
        Mending::HealDatabase(at) => {
            if let Some(way) = &site.servers[at].to_database {
                way.heal();
            }
        }
        Mending::HealExecutor(at) => site.executors[at].way.heal(),
    }
}

fn strike(site: &mut Site, draw: &mut Draw) -> (&'static str, Option<Mending>, Duration) {
    let server = draw.below(site.servers.len());
    let executor = draw.below(site.executors.len());
    let soon = draw.millis(0, 1_500);
    match draw.below(20) {
        0..=4 => {
            site.servers[server].process.kill();
            ("server killed", Some(Mending::BeginServer(server)), soon)
        }
        5..=6 => {
            site.servers[server].process.stop();
            ("server stopped", Some(Mending::BeginServer(server)), soon)
        }
        7..=9 => {
            site.servers[server].process.signal(Signal::SIGSTOP);
            let long = draw.millis(500, 6_000);
            ("server frozen", Some(Mending::ContinueServer(server)), long)
        }
        10..=12 => {
            site.executors[executor].process.kill();
            (
                "executor killed",
                Some(Mending::BeginExecutor(executor)),
                soon,
            )
        }
        13 => {
            site.executors[executor].process.signal(Signal::SIGHUP);
            ("executor upgraded", None, soon)
        }
        14 => {
            for pid in holders(&site.executors[executor].data_dir) {
                send(pid, Signal::SIGKILL);
            }
            ("holder of jobs killed", None, soon)
        }
        15..=16 => {
            site.executors[executor].way.cut();
            let long = draw.millis(200, 5_000);
            (
                "executor cut off",
                Some(Mending::HealExecutor(executor)),
                long,
            )
        }
        17..=18 => match &site.servers[server].to_database {
            Some(way) => {
                way.cut();
                let long = draw.millis(200, 5_000);
                (
                    "database cut off",
                    Some(Mending::HealDatabase(server)),
                    long,
                )
            }
            None => {
                site.servers[server].process.kill();
                ("server killed", Some(Mending::BeginServer(server)), soon)
            }
        },
        _ => match &site.database {
            Some(database) => {
                database.crash();
                ("database killed", None, soon)
            }
            None => {
                site.executors[executor].way.cut();
                (
                    "executor cut off",
                    Some(Mending::HealExecutor(executor)),
                    soon,
                )
            }
        },
    }
}
