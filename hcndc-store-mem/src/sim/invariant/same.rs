//! The engine and the store are of one mind whenever the driver is at rest.

use hcndc_core::{engine::Engine, replay::Mark};

use super::super::{store::at_once, world::World};

impl World {
    /// `R1` to `R10` over the state ([`Engine::check`]); `same`: another engine could go on from what is stored.
    pub(crate) fn check_engine(&mut self, process: usize, engine: &Engine) {
        // Nothing has changed since the last look: a lease was renewed, or somebody was refused.
        let (stored, figures) = (self.oracle.commits, engine.load_figures());
        let looked = &mut self.processes[process].looked;
        if *looked == Some((stored, figures)) {
            return;
        }
        *looked = Some((stored, figures));
        self.looks += 1;
        let played = self.processes[process].player.engine();
        // All of it is a long text, so it is compared now and then.
        if self.looks.is_multiple_of(16)
            && played.is_none_or(|played| Mark::of_engine(played) != Mark::of_engine(engine))
        {
            let detail = format!("p{process} has another engine than its recording makes");
            self.oracle.breaks("replay", detail);
        }
        // Whether a limit was lowered after something began the engine can only tell by the times of both, and another clock
        // may have shown them. The oracle's own look at each order does not go by times.
        let mut clocks = self.processes.iter().map(|it| it.ahead);
        let first = clocks.next();
        let differ = clocks.any(|ahead| Some(ahead) != first);
        for violation in engine.check() {
            if !(differ && violation.rule == "R7") {
                self.oracle.breaks(violation.rule, violation.detail);
            }
        }
        let newest = self.store.lock().lease.as_ref().map(|lease| lease.fence);
        if newest != Some(self.processes[process].fence) {
            return;
        }
        let stored = match at_once(hcndc_core::port::Store::load(&self.store)) {
            Ok(stored) => stored,
            Err(error) => return self.oracle.breaks("same", format!("{error}")),
        };
        let mut held = engine.snapshot();
        // A refused input may have been given ids; what is stored then comes later.
        held.next_id = held.next_id.max(stored.next_id);
        let mut expected = stored;
        expected.next_id = held.next_id;
        for execution in &mut expected.executions {
            execution.drop_unread_outputs();
        }
        self.oracle.holds("same", held == expected, || {
            format!("the engine has {held:#?}\nand stored is {expected:#?}")
        });
    }
}
