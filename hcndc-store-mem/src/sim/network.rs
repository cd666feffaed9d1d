//! The network: connections that are made, break, and lose what is on its way; and the transport over it, which
//! keeps the contract of the port and no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{Order, Report},
    id::{AttemptId, ExecutorId},
    model::Executor,
    port::{ErrorKind, Fence, LogRead, Transport},
    time::Timestamp,
};

use super::{
    lots::Lots as _,
    store::SimError,
    world::{Event, Shared, World},
};

/// A connection that a scheduler wants to hold.
#[derive(Debug)]
pub(crate) struct Line {
    address: String,
    fence: Fence,
    /// The connection on which orders go out.
    conn: Option<u64>,
    /// The dialling that is under way.
    dial: u64,
    /// Whether it was reported that no connection stands.
    told: bool,
}

/// A connection, from the dialling of a scheduler to the end on both sides.
#[derive(Debug)]
pub(crate) struct Conn {
    process: usize,
    boot: u64,
    executor: ExecutorId,
    host: usize,
    fence: Fence,
    dial: u64,
    /// Reports still come out of it.
    open: bool,
    /// Reports on their way are lost.
    torn: bool,
    last_down: Timestamp,
    last_up: Timestamp,
}

/// All connections, and who cannot reach whom.
#[derive(Debug, Default)]
pub(crate) struct Network {
    conns: BTreeMap<u64, Conn>,
    cuts: BTreeMap<(usize, usize), Timestamp>,
}

/// The host that an address leads to.
fn host_of(address: &str) -> Option<usize> {
    address.strip_prefix("host")?.parse().ok()
}

impl World {
    fn is_cut(&self, process: usize, host: usize) -> bool {
        let until = self.network.cuts.get(&(process, host));
        until.is_some_and(|&until| self.now < until)
    }

    fn connect(&mut self, process: usize, executor: &Executor, fence: Fence) {
        let lines = &mut self.processes[process].lines;
        if let Some(line) = lines.get(&executor.id) {
            if line.address == executor.address && line.fence == fence {
                return;
            }
            if let Some(conn) = line.conn {
                self.abandon(conn);
                self.report_break(process, executor.id);
            }
        }
        let it = &mut self.processes[process];
        if it
            .lines
            .remove(&executor.id)
            .is_some_and(|line| line.fence < fence)
        {
            // Clause 9 of the port's contract.
            it.reports
                .retain(|(id, old, _)| *id != executor.id || *old >= fence);
        }
        let line = Line {
            address: executor.address.clone(),
            fence,
            conn: None,
            dial: 0,
            told: false,
        };
        it.lines.insert(executor.id, line);
        self.dial(process, executor.id, Duration::ZERO);
    }

    fn disconnect(&mut self, process: usize, executor: ExecutorId) {
        let line = self.processes[process].lines.remove(&executor);
        if let Some(conn) = line.and_then(|line| line.conn) {
            self.abandon(conn);
        }
    }

    /// A scheduler takes nothing more from a connection; the host finds out later.
    fn abandon(&mut self, conn: u64) {
        if let Some(it) = self.network.conns.get_mut(&conn) {
            (it.open, it.torn) = (false, true);
            let span = self.lots.span(1, 2_000);
            self.after(span, Event::HostNotice { conn });
        }
    }

    /// Connections of a scheduler that died. What it had sent may still arrive.
    pub(crate) fn hang_up(&mut self, process: usize) {
        let lines = std::mem::take(&mut self.processes[process].lines);
        for conn in lines.into_values().filter_map(|line| line.conn) {
            self.abandon(conn);
        }
        self.processes[process].reports.clear();
    }

    fn dial(&mut self, process: usize, executor: ExecutorId, pause: Duration) {
        let (dial, boot) = (self.number(), self.processes[process].boot);
        if let Some(line) = self.processes[process].lines.get_mut(&executor) {
            (line.dial, line.conn) = (dial, None);
            let span = pause + self.lots.span(1, 50);
            self.after(
                span,
                Event::Dial {
                    process,
                    boot,
                    executor,
                    dial,
                },
            );
        }
    }

    /// The line to this executor, if it still is what this dialling was for.
    fn line(
        &mut self,
        process: usize,
        boot: u64,
        executor: ExecutorId,
        dial: u64,
    ) -> Option<&mut Line> {
        if !self.lives(process, boot) {
            return None;
        }
        let line = self.processes[process].lines.get_mut(&executor)?;
        (line.dial == dial).then_some(line)
    }

    pub(crate) fn on_dial(&mut self, process: usize, boot: u64, executor: ExecutorId, dial: u64) {
        let Some(line) = self.line(process, boot, executor, dial) else {
            return;
        };
        let (host, fence) = (host_of(&line.address), line.fence);
        match host.filter(|&host| host < self.hosts.len()) {
            Some(host) if self.hosts[host].up && !self.is_cut(process, host) => {
                let conn = self.number();
                let new = Conn {
                    process,
                    boot,
                    executor,
                    host,
                    fence,
                    dial,
                    open: true,
                    torn: false,
                    last_down: self.now,
                    last_up: self.now,
                };
                self.network.conns.insert(conn, new);
                let span = self.lots.span(1, 100);
                self.after(span, Event::Hail { conn });
            }
            _ => self.fail(process, executor),
        }
    }

    /// No connection could be made: that is told once, and it is tried again.
    fn fail(&mut self, process: usize, executor: ExecutorId) {
        self.report_break(process, executor);
        let pause = self.lots.span(300, 4_000);
        self.dial(process, executor, pause);
    }

    fn report_break(&mut self, process: usize, executor: ExecutorId) {
        let it = &mut self.processes[process];
        if let Some(line) = it.lines.get_mut(&executor)
            && !std::mem::replace(&mut line.told, true)
        {
            let (fence, reason) = (line.fence, String::from("broken"));
            it.reports
                .push_back((executor, fence, Report::Disconnected { reason }));
        }
    }

    pub(crate) fn on_hail(&mut self, conn: u64) {
        let Some(it) = self.network.conns.get(&conn) else {
            return;
        };
        let (process, boot, executor, host) = (it.process, it.boot, it.executor, it.host);
        let (fence, dial) = (it.fence, it.dial);
        let welcome = self.hosts[host].up
            && !self.is_cut(process, host)
            && (self.hosts[host].seen <= fence || self.obeys_anyone());
        if !welcome {
            self.network.conns.remove(&conn);
            if self.line(process, boot, executor, dial).is_some() {
                self.fail(process, executor);
            }
            return;
        }
        if let Some(older) = self.hosts[host].current.replace(conn) {
            // It is told that another took over.
            let span = self.lots.span(1, 50);
            self.after(span, Event::Notice { conn: older });
        }
        let seen = self.hosts[host].seen.max(fence);
        self.hosts[host].seen = seen;
        self.note(format_args!("h{host} obeys p{process}, fence {}", fence.0));
        self.oracle.hailed(host, fence);
        let held = self.hosts[host].held();
        let version = "1".into();
        self.send_up(conn, Report::hello(version, held));
    }

    /// A host says something to whom it obeys.
    pub(crate) fn say(&mut self, host: usize, report: Report) {
        if let Some(conn) = self.hosts[host].current.filter(|_| self.hosts[host].up) {
            self.send_up(conn, report);
        }
    }

    fn send_up(&mut self, conn: u64, report: Report) {
        let span = self.lots.span(1, 80);
        let at = self.now.after(span);
        if let Some(it) = self.network.conns.get_mut(&conn) {
            it.last_up = it.last_up.max(at);
            let (at, report) = (it.last_up, Box::new(report));
            self.at(at, Event::Up { conn, report });
        }
    }

    pub(crate) fn on_up(&mut self, conn: u64, report: Report) {
        let Some(it) = self.network.conns.get(&conn) else {
            return;
        };
        if !it.open || it.torn {
            self.count("report lost");
            return;
        }
        let (process, boot, executor, dial) = (it.process, it.boot, it.executor, it.dial);
        let (host, fence) = (it.host, it.fence);
        if self.is_cut(process, host) {
            self.tear(conn);
            return;
        }
        let Some(line) = self.line(process, boot, executor, dial) else {
            return;
        };
        if let Report::Hello { .. } = report {
            (line.conn, line.told) = (Some(conn), false);
        }
        let reports = &mut self.processes[process].reports;
        reports.push_back((executor, fence, report));
    }

    fn send(&mut self, process: usize, executor: ExecutorId, order: Order) {
        let line = self.processes[process].lines.get(&executor);
        let Some(conn) = line.and_then(|line| line.conn) else {
            self.count("order dropped");
            return;
        };
        let span = self.lots.span(1, 80);
        let at = self.now.after(span);
        if let Some(it) = self.network.conns.get_mut(&conn) {
            it.last_down = it.last_down.max(at);
            let at = it.last_down;
            // Carrying an order out twice does no harm.
            if !self.healed && self.lots.one_in(12) {
                let order = Box::new(order.clone());
                self.at(at, Event::Down { conn, order });
                self.count("order doubled");
            }
            let order = Box::new(order);
            self.at(at, Event::Down { conn, order });
        }
        if let Some(span) = self.processes[process].freezes_at_order.take() {
            self.freeze(process, span);
        }
    }

    pub(crate) fn on_down(&mut self, conn: u64, order: Order) {
        let Some(it) = self.network.conns.get(&conn) else {
            return;
        };
        let (process, host, fence) = (it.process, it.host, it.fence);
        let frozen_until = self.processes[process].frozen_until;
        if frozen_until > self.now {
            // Given and not sent yet when the process was frozen: it goes out afterwards, before that is noticed.
            self.count("order held");
            let order = Box::new(order);
            self.at(frozen_until, Event::Down { conn, order });
            return;
        }
        let obeyed = self.hosts[host].current == Some(conn) || self.obeys_anyone();
        if !self.hosts[host].up || !obeyed {
            self.count("order lost");
            return;
        }
        if self.is_cut(process, host) {
            self.tear(conn);
            return;
        }
        self.oracle.obeyed(host, fence, &order);
        let order = self.spoil_order(order);
        if let Order::Run(run) = &order {
            self.oracle.check_values(run);
            self.oracle.check_outputs(run);
        }
        self.obey(host, order);
    }

    pub(crate) fn on_notice(&mut self, conn: u64) {
        let Some(it) = self.network.conns.get_mut(&conn) else {
            return;
        };
        if !std::mem::replace(&mut it.open, false) {
            return;
        }
        let (process, boot, executor, dial) = (it.process, it.boot, it.executor, it.dial);
        if self.line(process, boot, executor, dial).is_some() {
            self.fail(process, executor);
        }
    }

    pub(crate) fn on_host_notice(&mut self, conn: u64) {
        if let Some(host) = self.network.conns.get(&conn).map(|it| it.host)
            && self.hosts[host].current == Some(conn)
        {
            self.hosts[host].current = None;
        }
    }

    /// A connection breaks: what is on its way is lost, and either side finds out when it does.
    pub(crate) fn tear(&mut self, conn: u64) {
        let Some(it) = self.network.conns.get_mut(&conn) else {
            return;
        };
        if std::mem::replace(&mut it.torn, true) {
            return;
        }
        let host = it.host;
        if self.hosts[host].current == Some(conn) {
            self.hosts[host].current = None;
        }
        self.count("connection broken");
        let span = self.lots.span(1, 6_000);
        self.after(span, Event::Notice { conn });
    }

    /// Breaks all connections between a scheduler and a host.
    pub(crate) fn break_lines(&mut self, process: usize, host: usize) {
        let conns = self.network.conns.iter();
        let both = |it: &Conn| it.process == process && it.host == host && it.open;
        let conns: BTreeSet<u64> = conns
            .filter(|(_, it)| both(it))
            .map(|(&id, _)| id)
            .collect();
        for conn in conns {
            self.tear(conn);
        }
    }

    pub(crate) fn cut(&mut self, process: usize, host: usize, span: Duration) {
        let until = self.now.after(span);
        self.network.cuts.insert((process, host), until);
    }

    pub(crate) fn mend_cuts(&mut self) {
        self.network.cuts.clear();
    }
}

/// The transport of one life of a scheduler.
#[derive(Clone, Debug)]
pub(crate) struct SimTransport {
    pub(crate) world: Shared,
    pub(crate) process: usize,
    pub(crate) boot: u64,
}

#[async_trait]
impl Transport for SimTransport {
    type Error = SimError;

    fn connect(&self, executor: Arc<Executor>, fence: Fence) {
        let mut world = self.world.lock();
        if world.speaks(self.process, self.boot) {
            world.connect(self.process, &executor, fence);
        }
    }

    fn disconnect(&self, executor: ExecutorId) {
        let mut world = self.world.lock();
        if world.speaks(self.process, self.boot) {
            world.disconnect(self.process, executor);
        }
    }

    fn send(&self, executor: ExecutorId, order: Order) {
        let mut world = self.world.lock();
        if world.speaks(self.process, self.boot) {
            world.oracle.told(executor, &order);
            world.send(self.process, executor, order);
        }
    }

    async fn recv(&self) -> (ExecutorId, Report) {
        Received(self).await
    }

    async fn read_log(
        &self,
        _: ExecutorId,
        _: AttemptId,
        _: u64,
        _: usize,
        _: Duration,
    ) -> Result<LogRead, SimError> {
        Err(SimError::Fault(ErrorKind::Unavailable))
    }

    fn trouble(&self, executor: ExecutorId) -> Option<String> {
        let world = self.world.lock();
        let line = world.processes[self.process].lines.get(&executor);
        let stands = line.is_some_and(|line| line.conn.is_some());
        (!stands).then(|| "no connection".into())
    }
}

struct Received<'a>(&'a SimTransport);

impl Future for Received<'_> {
    type Output = (ExecutorId, Report);

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let mut world = self.0.world.lock();
        if !world.lives(self.0.process, self.0.boot) {
            return Poll::Pending;
        }
        match world.processes[self.0.process].reports.pop_front() {
            Some((executor, _, report)) => Poll::Ready((executor, report)),
            None => Poll::Pending,
        }
    }
}
