//! Simulation: whole schedulers over the store in memory, in a world whose clock, network, hosts and faults all follow
//! from one seed.
//!
//! ```text
//!   Plan ──► commands, faults ──┐             ┌── SimClock, SimStore, SimTransport ──► Scheduler (the real driver) × n
//!                               ├──► World ───┤
//!   seed ──► delays, ends ──────┘             └── Oracle: what was stored, what ran, what was promised ──► Violation
//! ```
//!
//! [`run`] plays a [`Plan`] to its end on one thread: it polls each scheduler after each event, turns the clock to
//! the next, and after every step asks the rules, those of [`Engine::check`](hcndc_core::engine::Engine::check) and
//! those that only somebody outside can keep. Then all faults end, and everything must come to its end. The same plan
//! gives the same trace.
//!
//! ```
//! use hcndc_store_mem::sim::{Plan, run};
//!
//! let outcome = run(&Plan::draw(7));
//! assert_eq!(outcome.violation, None);
//! assert_eq!(outcome.trace, run(&Plan::draw(7)).trace);
//! ```

mod ask;
mod clock;
mod course;
mod edit;
mod fault;
mod host;
mod invariant;
mod life;
mod lots;
mod mend;
mod mesh;
mod network;
mod notifier;
mod oracle;
mod plan;
mod resolver;
mod run;
mod sabotage;
mod schedule;
mod store;
mod trace;
mod world;

pub use plan::{Act, Command, Fate, Fault, Plan, Stage, What};
pub use run::{Outcome, run, run_broken};
pub use sabotage::Sabotage;
