//! Who leads: the driver against a store that other schedulers use too.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use hcndc_core::{
    engine::{AlertRow, Change, Engine, ExecutionSnapshot, Settings, Snapshot},
    id::{AlertId, ExecutionId},
    port::{
        Asked, Clock, Commit, ErrorKind, Fence, Inbox, Lease, Observer, PortError, Request, Store,
    },
    scheduler::{Leadership, Scheduler, SchedulerError},
    time::Timestamp,
};

const TTL: Duration = Duration::from_secs(3);
const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Debug, thiserror::Error)]
#[error("{0:?}")]
struct Failure(ErrorKind);

impl PortError for Failure {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// What there is besides the scheduler.
#[derive(Debug, Default)]
struct World {
    steady: Duration,
    /// How far the wall clock is off the steady one.
    wall: Duration,
    /// The lease of another, and how often that renews it; never, if it is dead.
    other: Option<(Lease, Option<Duration>)>,
    /// By the steady clock, when the other renews next.
    renews_at: Duration,
    taken_at: Option<Duration>,
    renewals: u32,
    /// How long the next renewal takes, after which another leads.
    slow_renewal: Duration,
    deposed: bool,
    /// How long loading takes.
    loading: Duration,
    heard: u32,
}

#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<World>>);

impl Shared {
    fn with<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(&mut self.0.lock().unwrap())
    }

    /// Another holds a lease, and renews it so often.
    fn held(renews: Option<Duration>) -> Self {
        let lease = Lease {
            fence: Fence(7),
            holder: "other".into(),
            // Its clock is an hour ahead, or behind: that must not matter.
            expires_at: Timestamp::from_micros(0),
        };
        let world = Self::default();
        world.with(|it| it.other = Some((lease, renews)));
        world
    }

    fn pass(&self, span: Duration) {
        self.with(|it| {
            it.steady += span;
            let (now, next) = (it.steady, &mut it.renews_at);
            if let Some((lease, Some(every))) = &mut it.other {
                while *next <= now {
                    *next += *every;
                    lease.expires_at = lease.expires_at.after(*every);
                }
            }
        });
    }
}

#[async_trait]
impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.with(|it| Timestamp::from_micros(0).after(it.steady + it.wall))
    }

    fn steady(&self) -> Duration {
        self.with(|it| it.steady)
    }

    async fn sleep_until(&self, time: Timestamp) {
        self.pass(time.since(self.now()));
    }

    async fn sleep(&self, span: Duration) {
        self.pass(span);
        yield_once().await;
    }
}

/// Lets whatever is waited for beside this have its turn.
async fn yield_once() {
    let mut first = true;
    std::future::poll_fn(|_| match std::mem::take(&mut first) {
        true => std::task::Poll::Pending,
        false => std::task::Poll::Ready(()),
    })
    .await;
}

#[async_trait]
impl Store for Shared {
    type Error = Failure;

    async fn load(&self) -> Result<Snapshot, Failure> {
        let until = self.with(|it| it.steady + it.loading);
        while self.steady() < until {
            yield_once().await;
        }
        Ok(Snapshot::default())
    }

    async fn load_alerts(&self, _: &[AlertId]) -> Result<Vec<AlertRow>, Failure> {
        Ok(Vec::new())
    }

    async fn load_execution(&self, _: ExecutionId) -> Result<Option<ExecutionSnapshot>, Failure> {
        Ok(None)
    }

    async fn commit(&self, _: Fence, _: &Commit) -> Result<(), Failure> {
        Ok(())
    }

    async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        outlasted: Option<&Lease>,
    ) -> Result<Asked, Failure> {
        self.with(|it| {
            if let Some((lease, _)) = &it.other
                && outlasted != Some(lease)
            {
                return Ok(Asked::Held(lease.clone()));
            }
            it.taken_at = Some(it.steady);
            Ok(Asked::Given(Lease {
                fence: Fence(8),
                holder: holder.into(),
                expires_at: now.after(ttl),
            }))
        })
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, ttl: Duration) -> Result<Lease, Failure> {
        if self.with(|it| it.deposed) {
            return Err(Failure(ErrorKind::Fenced));
        }
        self.with(|it| {
            it.renewals += 1;
            let took = std::mem::take(&mut it.slow_renewal);
            it.steady += took;
            it.deposed = !took.is_zero();
        });
        Ok(Lease {
            expires_at: now.after(ttl),
            ..lease.clone()
        })
    }

    async fn release(&self, _: &Lease) -> Result<(), Failure> {
        Ok(())
    }
}

impl Observer for Shared {
    fn committed(&self, _: Timestamp, _: &[Change]) {}

    fn stands_by(&self, _: &Lease) {
        self.with(|it| it.heard += 1);
    }
}

type Driver = Scheduler<Shared, (), Shared, Shared>;

fn open(world: &Shared) -> impl Future<Output = Result<Driver, SchedulerError<Failure>>> + use<> {
    Scheduler::open(
        world.clone(),
        (),
        world.clone(),
        world.clone(),
        Settings::default(),
        Leadership {
            holder: "ours".into(),
            ttl: TTL,
        },
    )
}

/// Polls as often as a test needs.
fn finish<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    (0..1_000).find_map(|_| future.as_mut().now_or_never())
}

/// Asks for a look, once.
struct Looks(Option<Arc<Mutex<bool>>>);

#[async_trait]
impl Inbox for Looks {
    async fn recv(&mut self) -> Option<Request> {
        match self.0.take() {
            Some(told) => Some(Request::Look(Box::new(move |_: &Engine| {
                *told.lock().unwrap() = true;
            }))),
            None => std::future::pending().await,
        }
    }
}

#[test]
fn who_stands_by_takes_over_after_a_whole_lease_without_a_sign_of_life() {
    for wall in [Duration::ZERO, HOUR] {
        let world = Shared::held(None);
        world.with(|it| it.wall = wall);
        assert!(finish(open(&world)).unwrap().is_ok());
        let taken_at = world.with(|it| it.taken_at).unwrap();
        assert!((TTL..TTL + TTL / 6).contains(&taken_at), "{taken_at:?}");
        assert!(world.with(|it| it.heard) >= 10);
    }
}

#[test]
fn who_stands_by_does_not_take_over_from_a_leader_that_is_alive() {
    let world = Shared::held(Some(TTL / 3));
    assert!(finish(open(&world)).is_none());
    assert_eq!(world.with(|it| it.taken_at), None);
    assert!(world.steady() > 10 * TTL);
}

#[test]
fn a_lease_is_renewed_while_much_is_loaded() {
    let world = Shared::default();
    world.with(|it| it.loading = 4 * TTL);
    assert!(finish(open(&world)).unwrap().is_ok());
    assert!(world.with(|it| it.renewals) >= 10);
}

#[test]
fn nothing_is_told_by_a_leader_whose_lease_is_over_by_either_clock() {
    for (steady, wall) in [
        (TTL, Duration::ZERO),
        (TTL - TTL / 12, Duration::ZERO),
        (Duration::ZERO, TTL),
    ] {
        let world = Shared::default();
        let mut scheduler = finish(open(&world)).unwrap().unwrap();
        world.with(|it| {
            it.steady += steady;
            it.wall += wall;
            it.deposed = true;
        });
        let told = Arc::new(Mutex::new(false));
        let mut inbox = Looks(Some(Arc::clone(&told)));
        let turned = finish(scheduler.turn(&mut inbox)).unwrap();
        assert!(matches!(turned, Err(SchedulerError::Fenced)));
        assert!(!*told.lock().unwrap());
    }
}

#[test]
fn a_renewal_whose_answer_comes_after_the_lease_is_none() {
    let world = Shared::default();
    let mut scheduler = finish(open(&world)).unwrap().unwrap();
    world.with(|it| {
        it.steady += TTL;
        it.slow_renewal = 2 * TTL;
    });
    let told = Arc::new(Mutex::new(false));
    let mut inbox = Looks(Some(Arc::clone(&told)));
    let turned = finish(scheduler.turn(&mut inbox)).unwrap();
    assert!(matches!(turned, Err(SchedulerError::Fenced)));
    assert!(!*told.lock().unwrap());
    assert_eq!(world.with(|it| it.renewals), 1);
}

#[test]
fn a_leader_whose_lease_lasts_tells_without_asking() {
    let world = Shared::default();
    let mut scheduler = finish(open(&world)).unwrap().unwrap();
    world.with(|it| it.steady += TTL / 4);
    let told = Arc::new(Mutex::new(false));
    let mut inbox = Looks(Some(Arc::clone(&told)));
    assert!(finish(scheduler.turn(&mut inbox)).unwrap().unwrap());
    assert!(*told.lock().unwrap());
    assert_eq!(world.with(|it| it.renewals), 0);
}
