//! What is done to a simulated world, and when: commands of people, and faults, each a named value.

use std::time::Duration;

use hcndc_core::{engine::Settings, workload::SplitMix64};

use super::lots::Lots as _;

/// A script for one run. All that it leaves open (delays, ends of jobs, details of commands) follows from its seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Seed of all lots that are drawn in the run.
    pub seed: u64,
    /// Schedulers, at least 1; all of them want to lead.
    pub processes: usize,
    /// Hosts with an executor, at least 1.
    pub hosts: usize,
    /// Settings that every scheduler starts with.
    pub settings: Settings,
    /// How long a lease on the lead lasts.
    pub lease: Duration,
    /// What happens, by time.
    pub acts: Vec<Act>,
}

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// When, after the mesh was made.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Somebody asks for something.
    Ask {
        /// Which scheduler is asked; `None` for the one that leads as far as the store knows.
        process: Option<usize>,
        /// What is asked.
        command: Command,
        /// Seed of its details.
        lots: u64,
    },
    /// Something breaks.
    Fault(Fault),
}

/// What somebody asks; details follow from lots and from what is stored at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Changes definitions.
    Edit,
    /// Starts flows, by hand.
    Start,
    /// Starts some jobs alone.
    StartPart,
    /// Stops an execution.
    Stop,
    /// Pauses one.
    Pause,
    /// Lets a paused one go on.
    Unpause,
    /// Kills a job run.
    Kill,
    /// Settles a job run or two, as skipped or as succeeded.
    Settle,
    /// Resumes one.
    Resume,
    /// Reruns one from a job run or two.
    Rerun,
    /// Runs the whole of one anew.
    Reset,
    /// Starts a backfill.
    Backfill,
    /// Stops one.
    StopBackfill,
    /// Restarts one.
    RestartBackfill,
    /// Acknowledges an alert or two.
    Acknowledge,
    /// Pauses schedules, or lets them go on.
    PauseSchedules,
    /// Runs a schedule at once.
    RunSchedule,
    /// A file arrives.
    Arrive,
    /// Changes settings of the engine.
    Configure,
}

/// Where in its work a scheduler dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// At once, whatever it is at.
    Now,
    /// After it gathered, before anything of the group is stored.
    Gathered,
    /// After the group is stored, before anything is said.
    Committed,
    /// After this many answers and orders of a group have been said.
    Speaking(u32),
}

/// What a call of the store comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It fails as unavailable, and nothing was done.
    Unavailable,
    /// It fails as a conflict, and nothing was done.
    Conflict,
    /// It fails as unavailable, and was done.
    Unknown,
}

/// Something that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A scheduler dies, and comes back after a while.
    Crash {
        /// Which.
        process: usize,
        /// Where.
        stage: Stage,
        /// How long it stays away.
        down: Duration,
    },
    /// A scheduler is shut down in good order, and comes back.
    Leave {
        /// Which.
        process: usize,
        /// How long it stays away.
        down: Duration,
    },
    /// A scheduler stands still, and then goes on as if nothing had been: it may believe to lead though another does.
    Freeze {
        /// Which.
        process: usize,
        /// For how long.
        span: Duration,
    },
    /// The clock of a scheduler's host jumps. Backwards, it stands until the time is reached again.
    ClockJump {
        /// Which scheduler.
        process: usize,
        /// By how much.
        millis: i64,
    },
    /// The next calls of the store fail.
    StoreFails {
        /// How.
        fate: Fate,
        /// How many.
        calls: u32,
    },
    /// The store takes seconds to answer.
    StoreSlow {
        /// For how long.
        span: Duration,
    },
    /// The connection of a scheduler to a host breaks; what is on its way is lost.
    Break {
        /// Which scheduler.
        process: usize,
        /// Which host.
        host: usize,
    },
    /// A scheduler and a host cannot reach each other.
    Cut {
        /// Which scheduler.
        process: usize,
        /// Which host.
        host: usize,
        /// For how long.
        span: Duration,
    },
    /// An executor's program dies and comes back; it has written down what it knew.
    HostCrash {
        /// Which.
        host: usize,
        /// Whether the jobs that ran there die with it; else they go on, and their ends wait for it.
        jobs_die: bool,
        /// How long it stays away.
        down: Duration,
    },
    /// An executor takes nothing more, and is replaced after a while.
    Drain {
        /// Which.
        host: usize,
        /// How long it lets orders to run unanswered.
        span: Duration,
    },
    /// An executor repeats things that it has said before, in any order.
    Echo {
        /// Which.
        host: usize,
        /// How many.
        reports: u32,
    },
}

impl Plan {
    /// A plan that follows from its seed alone: ten minutes of some fifty commands and faults.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut lots = SplitMix64::new(seed);
        let (processes, hosts) = (1 + lots.below(3), 1 + lots.below(4));
        let settings = Settings {
            max_running: [3, 8, 1000][lots.below(3)],
            executor_lease: Duration::from_secs([5, 20, 60][lots.below(3)]),
            kill_grace: Duration::from_secs([1, 10][lots.below(2)]),
        };
        let lease = Duration::from_secs([3, 10][lots.below(2)]);
        // Some runs are calm, some are not.
        let (acts, calm) = (20 + lots.below(60), lots.below(10));
        let mut acts: Vec<Act> = (0..acts)
            .map(|_| Act {
                at: lots.span(0, 600_000),
                what: if lots.below(12) < 3 + calm / 2 {
                    ask(&mut lots, processes)
                } else {
                    What::Fault(fault(&mut lots, processes, hosts))
                },
            })
            .collect();
        acts.sort_by_key(|act| act.at);
        Self {
            seed: lots.draw(),
            processes,
            hosts,
            settings,
            lease,
            acts,
        }
    }

    /// The same with fewer acts: as few as can be found that still `fail`.
    #[must_use]
    pub fn shrink(mut self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        let mut size = self.acts.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.acts.len() {
                let mut fewer = self.clone();
                fewer.acts.drain(at..(at + size).min(self.acts.len()));
                if fails(&fewer) {
                    self = fewer;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
        self
    }
}

fn ask(lots: &mut SplitMix64, processes: usize) -> What {
    let command = match lots.below(40) {
        0..=7 => Command::Start,
        8 | 9 => Command::StartPart,
        10..=14 => Command::Edit,
        15 | 16 => Command::Stop,
        17 | 18 => Command::Pause,
        19 => Command::Unpause,
        20 | 21 => Command::Kill,
        22..=24 => Command::Settle,
        25 | 26 => Command::Resume,
        27 | 28 => Command::Rerun,
        29 => Command::Reset,
        30 => Command::Backfill,
        31 => Command::StopBackfill,
        32 => Command::RestartBackfill,
        33..=35 => Command::PauseSchedules,
        36 => Command::RunSchedule,
        37 => Command::Arrive,
        38 => Command::Acknowledge,
        _ => Command::Configure,
    };
    let process = (lots.below(4) == 0).then(|| lots.below(processes));
    What::Ask {
        process,
        command,
        lots: lots.draw(),
    }
}

fn fault(lots: &mut SplitMix64, processes: usize, hosts: usize) -> Fault {
    let (process, host) = (lots.below(processes), lots.below(hosts));
    match lots.below(24) {
        0..=4 => Fault::Crash {
            process,
            stage: match lots.below(6) {
                0 => Stage::Now,
                1 => Stage::Gathered,
                2 | 3 => Stage::Committed,
                _ => Stage::Speaking(lots.below(6) as u32),
            },
            down: lots.span(0, 15_000),
        },
        5 => Fault::Leave {
            process,
            down: lots.span(0, 15_000),
        },
        6 | 7 => Fault::Freeze {
            process,
            span: lots.span(500, 30_000),
        },
        8 => Fault::ClockJump {
            process,
            millis: lots.below(40_000) as i64 - 20_000,
        },
        9 => Fault::ClockJump {
            process,
            millis: lots.below(400_000) as i64 - 100_000,
        },
        10 | 11 => Fault::StoreFails {
            fate: [Fate::Unavailable, Fate::Conflict, Fate::Unknown][lots.below(3)],
            calls: 1 + lots.below(4) as u32,
        },
        12 => Fault::StoreSlow {
            span: lots.span(1_000, 20_000),
        },
        13..=15 => Fault::Break { process, host },
        16..=18 => Fault::Cut {
            process,
            host,
            span: lots.span(1_000, 90_000),
        },
        19 | 20 => Fault::HostCrash {
            host,
            jobs_die: lots.below(2) == 0,
            down: lots.span(500, 90_000),
        },
        21 => Fault::Drain {
            host,
            span: lots.span(1_000, 30_000),
        },
        _ => Fault::Echo {
            host,
            reports: 1 + lots.below(4) as u32,
        },
    }
}
