//! What the web side of a server works with: one scheduler, and the ports that it reads through.

use std::{
    borrow::BorrowMut,
    fmt,
    net::SocketAddr,
    num::NonZeroU32,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use chrono_tz::Tz;
use hcndc_core::{
    port::{Clock as _, Deliveries},
    time::DataDate,
};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{EventNumbers, HookDoors, Starts},
    auth::{Access, Auth},
    clock::SystemClock,
    connect::Connect,
    handle::SchedulerHandle,
    https::Https,
    interchange::Lang,
    lead::Leading,
    live::Live,
    peers::Peers,
    rates::Rates,
};

/// What the web side of a server works with: its [`Parts`], which handlers share behind an [`Arc`].
///
/// The parts are behind a trait: where a future holds a reference to this, the compiler does not ask of all that is in them whether it may
/// go to another thread. It would ask so hundreds of times, and take twice as long to build the server.
pub struct App<H, T>(Box<dyn BorrowMut<Parts<H, T>> + Send + Sync>);

impl<H, T> Deref for App<H, T> {
    type Target = Parts<H, T>;

    fn deref(&self) -> &Parts<H, T> {
        (*self.0).borrow()
    }
}

impl<H, T> DerefMut for App<H, T> {
    fn deref_mut(&mut self) -> &mut Parts<H, T> {
        (*self.0).borrow_mut()
    }
}

impl<H: fmt::Debug, T: fmt::Debug> fmt::Debug for App<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Parts::fmt(self, f)
    }
}

/// A server's parts.
#[derive(Debug)]
pub struct Parts<H, T> {
    /// The scheduler, in this process.
    pub scheduler: SchedulerHandle,
    /// The read side of the store.
    pub history: H,
    /// The way to executors, for the output of attempts.
    pub transport: T,
    /// What happens, for those who watch. The scheduler's observer is this one.
    pub live: Arc<Live>,
    /// What can be set.
    pub settings: WebSettings,
    /// Whether the scheduler in this process leads; with no [`peers`](App::with_peers) it always does.
    pub leading: Arc<Leading>,
    /// The other servers on the database, if there may be any.
    pub(crate) peers: Option<Arc<Peers>>,
    /// Whom it answers.
    pub(crate) access: Access,
    /// Users, if they are kept.
    pub(crate) auth: Option<Arc<Auth>>,
    /// The ways to people, data sources and files.
    pub(crate) connect: Arc<Connect>,
    /// How much each caller may ask for, if that is bounded.
    pub(crate) rates: Option<Rates>,
    /// What it speaks TLS with, if it does.
    pub(crate) https: Option<Https>,
    /// Cancelled when the server stops: open streams end.
    pub(crate) stopping: CancellationToken,
    pub(crate) clock: SystemClock,
    pub(crate) starts: Starts,
    /// What came to webhooks, if that is kept.
    pub(crate) deliveries: Option<Arc<dyn Deliveries>>,
    pub(crate) doors: HookDoors,
    pub(crate) event_numbers: EventNumbers,
}

/// Settings of the web side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSettings {
    /// Zone in which "yesterday" is, for starts without a data date. Default: UTC.
    pub zone: Tz,
    /// Names by which callers may know this server.
    pub hosts: Hosts,
}

/// Names by which callers may know this server: a request for another `Host` is refused, so that a page of
/// somebody else's cannot reach it by letting its own name point here (DNS rebinding).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// The address that it listens at, loopback addresses and `localhost`, and these names. Listening at all
    /// addresses (`0.0.0.0`, `[::]`) allows every address, but no further name.
    Known {
        /// Where it listens.
        listen: SocketAddr,
        /// Further names or addresses, without port, in lower case.
        also: Vec<String>,
    },
    /// Any: something in front of the server checks.
    Any,
}

impl<H: Send + Sync + 'static, T: Send + Sync + 'static> App<H, T> {
    /// A server's parts, put together.
    #[must_use]
    pub fn new(
        scheduler: SchedulerHandle,
        history: H,
        transport: T,
        live: Arc<Live>,
        settings: WebSettings,
    ) -> Self {
        let clock = SystemClock::new();
        let event_numbers = EventNumbers::from(clock.now());
        let zone = settings.zone;
        Self(Box::new(Parts {
            scheduler,
            history,
            transport,
            live,
            settings,
            leading: Arc::new(Leading::alone()),
            peers: None,
            access: Access::Open,
            auth: None,
            connect: Arc::new(Connect::new(Lang::En, zone, None)),
            rates: None,
            https: None,
            stopping: CancellationToken::new(),
            clock,
            starts: Starts::default(),
            deliveries: None,
            doors: HookDoors::default(),
            event_numbers,
        }))
    }

    /// The same as one server of several: what only the leader can do is passed on to it while that is another.
    #[must_use]
    pub fn with_peers(mut self, peers: Arc<Peers>) -> Self {
        self.leading = Arc::clone(peers.leading());
        self.peers = Some(peers);
        self
    }

    /// The same with these users. Without, nobody is asked who they are, and whoever reaches the server may do everything.
    #[must_use]
    pub fn with_users(mut self, access: Access, auth: Arc<Auth>) -> Self {
        self.access = access;
        self.auth = Some(auth);
        self
    }

    /// The same with this place to keep what comes to webhooks. Without, a delivery that comes again is known for as long as what it
    /// started is kept, and nothing else is told of it.
    #[must_use]
    pub fn with_deliveries(mut self, deliveries: Arc<dyn Deliveries>) -> Self {
        self.deliveries = Some(deliveries);
        self
    }

    /// The same with these ways to people, data sources and files.
    #[must_use]
    pub fn with_connect(mut self, connect: Arc<Connect>) -> Self {
        self.connect = connect;
        self
    }

    /// The same, with so many requests a second for each caller, and ten seconds' worth of them at once.
    #[must_use]
    pub fn with_rate_limit(mut self, per_second: Option<NonZeroU32>) -> Self {
        self.rates = per_second.map(Rates::new);
        self
    }

    /// The same, speaking TLS.
    #[must_use]
    pub fn with_https(mut self, https: Option<Https>) -> Self {
        self.https = https;
        self
    }
}

impl<H, T> Parts<H, T> {
    /// How events are numbered now.
    pub(crate) fn event_numbers(&self) -> EventNumbers {
        let of_term = self.live.before_first().map(EventNumbers::after);
        of_term.unwrap_or(self.event_numbers)
    }

    /// The day before today in the server's zone.
    pub(crate) fn yesterday(&self) -> DataDate {
        DataDate::day_before(self.clock.now(), self.settings.zone)
    }
}

impl WebSettings {
    /// The defaults for a server that listens there.
    #[must_use]
    pub const fn for_listener(listen: SocketAddr) -> Self {
        Self {
            zone: Tz::UTC,
            hosts: Hosts::Known {
                listen,
                also: Vec::new(),
            },
        }
    }
}
