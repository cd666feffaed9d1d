//! A pure, deterministic scheduler of meshes of jobs.
//!
//! A *flow* is a set of *jobs* tied by dependencies; flows wait for other flows, and jobs for jobs of other flows, so
//! that all of them together are one mesh. This crate holds the rules: what may run when and where, what an end sets
//! going, what a limit holds back and why. It does no IO, reads no clock, starts no thread and needs no `std`; whoever
//! embeds it gives it those things as they have them.
//!
//! ```text
//!                         ┌──────── Scheduler, the driver ────────┐
//!   Inbox      commands ──┤                                       ├──► Store::commit     changes, in one transaction
//!   Transport   reports ──┼──► Engine::apply(now, input) ─► Step ─┼──► answers            then
//!   Clock          time ──┤      └─ next_wakeup()                 ├──► Transport::send    effects, then
//!                         └───────────────────────────────────────┘    Observer           what became so
//! ```
//!
//! The words and the rules (R1 to R12) that these pages cite are those of `docs/DESIGN.md`.
//!
//! # Where things are
//! - [`model`] has the definitions that people edit, and the edits; [`mesh`] the graph that they make.
//! - [`trigger`] says when schedules fire: cron expressions in three dialects, intervals, business calendars, any zone.
//! - [`engine`] has the one struct that decides, [`Engine`](engine::Engine): inputs go in; changes to store and effects
//!   to carry out come out. The same inputs at the same times give the same steps.
//! - [`forecast`] plays a copy of the engine forward: what will run when, and what a change would change.
//! - [`port`] has the traits through which it meets the world, each with a numbered contract.
//! - [`scheduler`] has the driver, generic over the ports.
//! - [`replay`] plays back what went into an engine.
//! - [`id`] and [`time`] have what all of these speak of.
//!
//! # Examples
//! ## A night from its schedule to its end
//! Whoever drives an engine sends each input with the time, stores the changes, and then carries out the effects. Here
//! nothing is stored, and the executor is played.
//! ```
//! use chrono_tz::Tz;
//! use hcndc_core::{engine::*, model::*, time::Timestamp, trigger::{Timing, cron::{Cron, Dialect}}};
//!
//! // Two flows; the second waits for the first. Both run at half past two.
//! let (orders, report) = (|| FlowRef::Name("orders".into()), || FlowRef::Name("report".into()));
//! let mut below = FlowDraft::new("report");
//! below.parents = vec![orders()];
//! let half_past_two = Cron::parse(Dialect::Unix, "30 2 * * *")?;
//! let mut nightly = ScheduleDraft::new("nightly", orders(), TriggerDraft::Time(Timing::Cron(half_past_two)));
//! nightly.zone = Tz::Asia__Shanghai;
//! nightly.downstream = true;
//! let edits = vec![
//!     Edit::PutExecutor(ExecutorDraft::new("etl-1", "10.0.0.5:7890", 4)),
//!     Edit::PutFlow(FlowDraft::new("orders")),
//!     Edit::PutFlow(below),
//!     Edit::PutJob(JobDraft::new(orders(), "load", "sh load.sh")),
//!     Edit::PutJob(JobDraft::new(report(), "draw", "sh draw.sh")),
//!     nightly.into(),
//! ];
//! let mut engine = Engine::default();
//! let evening: Timestamp = "2026-11-21T20:00:00+08:00".parse()?;
//! engine.apply(evening, Input::Edit(EditBatch { by: "ann".into(), edits }))?;
//! let executor = engine.executors().next().expect("just made").id;
//! let hello = Report::hello("1".into(), vec![]);
//! engine.apply(evening, Input::Report { executor, report: hello })?;
//!
//! // The engine reads no clock; it says when it wants to be woken.
//! let due = engine.next_wakeup().expect("a schedule");
//! assert_eq!(due, "2026-11-22T02:30:00+08:00".parse()?);
//! let mut step = engine.apply(due, Input::Wake)?;
//!
//! let mut ran = Vec::new();
//! while let Some(order) = step.effects.iter().find_map(|effect| match effect {
//!     Effect::Tell { order: Order::Run(order), .. } => Some(order.clone()),
//!     _ => None,
//! }) {
//!     ran.push(format!("{} for {}: {}", order.job, order.data_date, order.command));
//!     let end = End {
//!         cause: EndCause::Exited(0),
//!         started_at: Some(due),
//!         ended_at: due,
//!         peak_memory_bytes: 0,
//!         cpu_time: core::time::Duration::ZERO,
//!         log_bytes: 0,
//!         outputs: Default::default(),
//!     };
//!     let report = Report::Finished { attempt: order.attempt, end };
//!     step = engine.apply(due, Input::Report { executor, report })?;
//! }
//! // The data date is the day before the fire time.
//! assert_eq!(ran, ["load for 2026-11-21: sh load.sh", "draw for 2026-11-21: sh draw.sh"]);
//! assert_eq!(engine.next_wakeup(), Some("2026-11-23T02:30:00+08:00".parse()?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What of this will be when, before it is: [`forecast`].
//!
//! ## Why does it not run?
//! ```
//! use hcndc_core::{engine::*, model::*, time::Timestamp};
//!
//! let mut engine = Engine::default();
//! let now = Timestamp::from_micros(0);
//! let edits = vec![
//!     Edit::PutFlow(FlowDraft::new("nightly")),
//!     Edit::PutJob(JobDraft::new(FlowRef::Name("nightly".into()), "load", "sh load.sh")),
//! ];
//! engine.apply(now, Input::Edit(EditBatch { by: "ann".into(), edits }))?;
//! let flow = engine.find_flow("nightly").expect("just made").id;
//! let start = Start { flows: vec![flow], jobs: None, downstream: false, data_date: "2026-11-21".parse()?, date_format: None, params: vec![], trigger: TriggerKind::Manual, by: "ann".into() };
//! let step = engine.apply(now, Input::Start(start))?;
//!
//! // What to store, in order; the last row of a job run is the one that counts.
//! let Some(Change::JobRun { row, .. }) = step.changes.last() else { panic!("a row") };
//! assert_eq!(row.state, JobRunState::Queued);
//! // Nobody has made an executor yet.
//! let holds = engine.explain(row.id).expect("is live").holds;
//! assert_eq!(holds, [Hold::NoExecutor { placement: Placement::Any }]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Embedding
//! 1. Choose or write a [`Store`](port::Store), a [`Transport`](port::Transport) and a [`Clock`](port::Clock); an
//!    [`Observer`](port::Observer) if something is to be shown, `()` otherwise. A [`Notifier`](port::Notifier) if people are to
//!    be told, a [`ParamResolver`](port::ParamResolver) if params ask queries, a [`FileProbe`](port::FileProbe) if schedules wait
//!    for files. Run the contract suites on your own.
//! 2. [`Scheduler::open`](scheduler::Scheduler::open) waits for the lead, loads what is stored and connects executors.
//! 3. [`Scheduler::run`](scheduler::Scheduler::run) takes what the [`Inbox`](port::Inbox) gives until that ends: commands
//!    with a way to answer them, and looks at the engine. On any async runtime; it spawns nothing.
//! 4. When it ends as `Fenced`, another leads: open a new one.
//!
//! Or drive an [`Engine`](engine::Engine) yourself, as simulations and tests do.
//!
//! # Features
//! - `serde` (default): `Serialize` and `Deserialize` on definitions, states, inputs and rows.
//! - `workload`: named meshes made from a seed, for benches, simulation and examples.
//! - `contract-tests`: the suites that every adapter of a port runs, as macros.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;

#[cfg(feature = "contract-tests")]
pub mod contract;
pub mod engine;
pub mod forecast;
pub mod id;
pub mod mesh;
pub mod model;
pub mod outputs;
pub mod port;
pub mod replay;
pub mod scheduler;
pub mod time;
pub mod trigger;
pub mod watch;
#[cfg(feature = "workload")]
pub mod workload;
