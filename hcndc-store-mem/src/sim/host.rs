//! Hosts: executors that obey, and processes that really run, or so the oracle is told.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{End, EndCause, Held, HostFigures, Order, Report, RunOrder},
    id::AttemptId,
    port::Fence,
    time::Timestamp,
};

use super::{
    lots::Lots as _,
    mesh::OUTPUTS,
    sabotage::Sabotage,
    world::{Event, World},
};

/// Reports that a host can repeat.
const SAID: usize = 40;

/// A host and its executor. What the executor knows outlives its crashes, as a spool on disk does.
#[derive(Debug)]
pub(crate) struct Host {
    /// Whether the executor's program runs.
    pub(crate) up: bool,
    /// Counts the lives of the host's processes.
    life: u64,
    /// The connection whose orders it obeys.
    pub(crate) current: Option<u64>,
    /// The highest fence that it has seen.
    pub(crate) seen: Fence,
    /// All attempts that it ever took.
    known: BTreeMap<AttemptId, Known>,
    drains_until: Timestamp,
    said: Vec<Report>,
}

#[derive(Debug)]
struct Known {
    started: Option<(u32, Timestamp)>,
    end: Option<End>,
    /// How it will end if nobody kills it.
    fate: EndCause,
    grace: Duration,
    acked: bool,
}

impl Host {
    pub(crate) const fn new() -> Self {
        Self {
            up: true,
            life: 0,
            current: None,
            seen: Fence(0),
            known: BTreeMap::new(),
            drains_until: Timestamp::MIN,
            said: Vec::new(),
        }
    }

    /// What it holds: running, or ended and not acknowledged.
    pub(crate) fn held(&self) -> Vec<Held> {
        let held = self.known.iter().filter(|(_, it)| !it.acked);
        held.map(|(&attempt, it)| Held {
            attempt,
            started: it.started,
            end: it.end.clone(),
        })
        .collect()
    }

    /// Whether nothing runs there, and nothing waits to be acknowledged unless there is nobody who would.
    pub(crate) fn is_still(&self, is_defined: bool) -> bool {
        let mut known = self.known.values();
        known.all(|it| it.acked || (it.end.is_some() && !is_defined))
    }
}

fn end(cause: EndCause, started: Option<(u32, Timestamp)>, now: Timestamp) -> End {
    End {
        cause,
        started_at: started.map(|(_, at)| at),
        ended_at: now,
        peak_memory_bytes: 1,
        cpu_time: Duration::from_millis(5),
        log_bytes: 2,
        outputs: BTreeMap::new(),
    }
}

/// What an attempt puts out, however it ends.
pub(crate) fn put_out(attempt: AttemptId) -> BTreeMap<String, String> {
    let [always, sometimes] = OUTPUTS;
    let sometimes = attempt.0.is_multiple_of(3).then_some(sometimes);
    let names = [always].into_iter().chain(sometimes);
    names
        .map(|name| (name.to_owned(), format!("{name} of {attempt}")))
        .collect()
}

impl World {
    pub(crate) fn obey(&mut self, host: usize, order: Order) {
        match order {
            Order::Run(order) => self.on_run(host, &order),
            Order::Kill { attempt, .. } => self.on_kill(host, attempt),
            Order::Ack { attempt } => {
                if let Some(it) = self.hosts[host].known.get_mut(&attempt)
                    && it.end.is_some()
                {
                    it.acked = true;
                }
            }
        }
    }

    fn on_run(&mut self, host: usize, order: &RunOrder) {
        let attempt = order.attempt;
        if self.hosts[host].known.contains_key(&attempt) {
            self.count("order repeated");
            if self.sabotage == Some(Sabotage::ExecutorRunsTwice) {
                self.begin(host, attempt);
            }
            self.repeat(host, attempt);
            return;
        }
        if self.now < self.hosts[host].drains_until {
            return;
        }
        let (fate, span) = self.draw_end(order);
        let known = Known {
            started: None,
            end: None,
            fate,
            grace: order.grace,
            acked: false,
        };
        self.hosts[host].known.insert(attempt, known);
        let (life, wait) = (self.hosts[host].life, self.lots.span(0, 300));
        self.after(
            wait,
            Event::Begin {
                host,
                life,
                attempt,
            },
        );
        self.after(
            wait + span,
            Event::End {
                host,
                life,
                attempt,
            },
        );
    }

    /// How a new attempt will end, and after what time.
    fn draw_end(&mut self, order: &RunOrder) -> (EndCause, Duration) {
        let lots = &mut self.lots;
        if self.healed {
            return (EndCause::Exited(0), lots.span(10, 1_000));
        }
        let span = lots.span(10, 45_000);
        let fate = match lots.below(20) {
            0..=2 => EndCause::Exited(1),
            3 => EndCause::Exited(3),
            4 => EndCause::Signaled(9),
            5 => EndCause::NotStarted("no such file".into()),
            _ => EndCause::Exited(0),
        };
        match order.timeout {
            Some(timeout) if timeout < span => (EndCause::TimedOut, timeout),
            _ => (fate, span),
        }
    }

    pub(crate) fn on_begin(&mut self, host: usize, life: u64, attempt: AttemptId) {
        let its = &self.hosts[host];
        let known = its.known.get(&attempt).filter(|_| its.life == life);
        let Some(known) = known.filter(|it| it.end.is_none()) else {
            return;
        };
        if matches!(known.fate, EndCause::NotStarted(_)) {
            return;
        }
        self.begin(host, attempt);
        let (pid, at) = (7, self.now);
        if let Some(it) = self.hosts[host].known.get_mut(&attempt) {
            it.started = Some((pid, at));
        }
        self.tell(host, Report::Started { attempt, pid, at });
        if self.sabotage == Some(Sabotage::ExecutorEndsEarly) {
            let end = end(EndCause::Exited(0), Some((pid, at)), at);
            self.tell(host, Report::Finished { attempt, end });
        }
    }

    fn begin(&mut self, host: usize, attempt: AttemptId) {
        self.note(format_args!("h{host} begins {attempt}"));
        self.count("attempt begun");
        self.oracle.began(self.now, host, attempt);
    }

    pub(crate) fn on_end(&mut self, host: usize, life: u64, attempt: AttemptId) {
        let its = &self.hosts[host];
        let known = its.known.get(&attempt).filter(|_| its.life == life);
        if let Some(cause) = known.map(|it| it.fate.clone()) {
            self.finish(host, attempt, cause);
        }
    }

    fn on_kill(&mut self, host: usize, attempt: AttemptId) {
        match self.hosts[host].known.get(&attempt) {
            None => {
                let cause = EndCause::Lost("never heard of".into());
                let end = end(cause, None, self.now);
                self.tell(host, Report::Finished { attempt, end });
            }
            Some(Known { end: Some(end), .. }) => {
                let end = end.clone();
                self.tell(host, Report::Finished { attempt, end });
            }
            Some(it) if it.started.is_none() => self.finish(host, attempt, EndCause::Killed),
            Some(it) => {
                let grace = usize::try_from(it.grace.as_millis()).unwrap_or(usize::MAX);
                let (life, span) = (self.hosts[host].life, self.lots.span(1, grace));
                self.after(
                    span,
                    Event::Killed {
                        host,
                        life,
                        attempt,
                    },
                );
            }
        }
    }

    pub(crate) fn on_killed(&mut self, host: usize, life: u64, attempt: AttemptId) {
        if self.hosts[host].life == life {
            self.finish(host, attempt, EndCause::Killed);
        }
    }

    /// An attempt has come to its end. The first one counts.
    fn finish(&mut self, host: usize, attempt: AttemptId, cause: EndCause) {
        let now = self.now;
        let Some(it) = self.hosts[host].known.get_mut(&attempt) else {
            return;
        };
        if it.end.is_some() || self.sabotage == Some(Sabotage::ExecutorNeverEnds) {
            return;
        }
        let mut end = end(cause, it.started, now);
        if it.started.is_some() {
            end.outputs = put_out(attempt);
        }
        it.end = Some(end.clone());
        self.note(format_args!("h{host} ends {attempt}: {:?}", end.cause));
        self.oracle.ended(now, attempt, &end.cause);
        if self.sabotage == Some(Sabotage::ExecutorReportsSuccess) {
            end.cause = EndCause::Exited(0);
        }
        self.tell(host, Report::Finished { attempt, end });
    }

    fn repeat(&mut self, host: usize, attempt: AttemptId) {
        let Some(it) = self.hosts[host].known.get(&attempt) else {
            return;
        };
        let (started, end) = (it.started, it.end.clone());
        if let Some((pid, at)) = started {
            self.tell(host, Report::Started { attempt, pid, at });
        }
        if let Some(end) = end {
            self.tell(host, Report::Finished { attempt, end });
        }
    }

    /// Says something, and keeps it for an echo.
    fn tell(&mut self, host: usize, report: Report) {
        let said = &mut self.hosts[host].said;
        said.push(report.clone());
        if said.len() > SAID {
            said.remove(0);
        }
        self.say(host, report);
    }

    /// Says things again, in any order, and how it is doing.
    pub(crate) fn echo(&mut self, host: usize, reports: u32) {
        for _ in 0..reports {
            let at = self.lots.below(self.hosts[host].said.len());
            if let Some(report) = self.hosts[host].said.get(at).cloned() {
                self.say(host, report);
            }
            self.say(host, Report::Heartbeat(HostFigures::default()));
        }
    }

    /// The executor's program dies.
    pub(crate) fn host_dies(&mut self, host: usize, jobs_die: bool, down: Duration) {
        if !std::mem::replace(&mut self.hosts[host].up, false) {
            return;
        }
        self.count("executor crash");
        if let Some(conn) = self.hosts[host].current.take() {
            self.tear(conn);
        }
        if jobs_die {
            self.hosts[host].life += 1;
            let alive = self.hosts[host].known.iter();
            let alive = alive.filter(|(_, it)| it.end.is_none());
            let alive: Vec<AttemptId> = alive.map(|(&attempt, _)| attempt).collect();
            for attempt in alive {
                self.finish(host, attempt, EndCause::Lost("the host restarted".into()));
            }
        }
        self.after(down, Event::HostBoot { host });
    }

    pub(crate) fn drain(&mut self, host: usize, span: Duration) {
        self.hosts[host].drains_until = self.now.after(span);
    }

    /// The executor that drained is replaced by one that says hello anew.
    pub(crate) fn end_drain(&mut self, host: usize) {
        self.hosts[host].drains_until = Timestamp::MIN;
        if let Some(conn) = self.hosts[host].current {
            self.tear(conn);
        }
    }
}
