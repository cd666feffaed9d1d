//! Faults: what a plan breaks, and the end of all of them.

use std::time::Duration;

use hcndc_core::time::Timestamp;

use super::{
    host::Host,
    plan::{Fault, Stage},
    world::{Event, World},
};

impl World {
    /// Breaks what is to be broken.
    pub(crate) fn break_something(&mut self, fault: Fault) {
        self.note(format_args!("{fault:?}"));
        match fault {
            Fault::Crash {
                process,
                stage,
                down,
            } => {
                let it = &mut self.processes[process];
                if it.dead {
                    return;
                }
                it.down = down;
                if stage == Stage::Now {
                    it.die();
                    self.count("crash anywhere");
                } else {
                    it.dying = Some(stage);
                }
            }
            Fault::Leave { process, down } => {
                let it = &mut self.processes[process];
                (it.leaving, it.down) = (true, down);
                self.count("leave");
            }
            // Some as it happens, others in the middle of giving an order.
            Fault::Freeze { process, span } if span.as_millis().is_multiple_of(2) => {
                self.processes[process].freezes_at_order = Some(span);
            }
            Fault::Freeze { process, span } => self.freeze(process, span),
            Fault::ClockJump { process, millis } => {
                let it = &mut self.processes[process];
                it.ahead = it.ahead.saturating_add(millis.saturating_mul(1_000));
                self.count("clock jump");
            }
            Fault::StoreFails { fate, calls } => {
                self.fates.extend((0..calls).map(|_| fate));
            }
            Fault::StoreSlow { span } => {
                self.slow_until = self.now.after(span);
                self.count("store slow");
            }
            Fault::Break { process, host } => self.break_lines(process, host),
            Fault::Cut {
                process,
                host,
                span,
            } => self.cut(process, host, span),
            Fault::HostCrash {
                host,
                jobs_die,
                down,
            } => self.host_dies(host, jobs_die, down),
            Fault::Drain { host, span } => {
                self.drain(host, span);
                self.after(span, Event::EndDrain { host });
            }
            Fault::Echo { host, reports } => self.echo(host, reports),
        }
    }
    /// All faults end.
    pub(crate) fn heal(&mut self) {
        self.note(format_args!("all faults end"));
        self.healed = true;
        self.fates.clear();
        self.slow_until = Timestamp::MIN;
        self.mend_cuts();
        for it in &mut self.processes {
            (it.dying, it.frozen_until) = (None, Timestamp::MIN);
            it.freezes_at_order = None;
            // Alerts that were lost are given again by the next life.
            (it.leaving, it.down) = (true, Duration::from_millis(500));
        }
        for host in 0..self.hosts.len() {
            self.hosts[host].up = true;
            self.end_drain(host);
        }
    }

    /// Hosts for all executors that are defined.
    pub(crate) fn raise_hosts(&mut self) {
        while self.hosts.len() < 102 {
            self.hosts.push(Host::new());
        }
    }
}
