//! R7, by what is stored and by what hosts really run.

use hcndc_core::{
    engine::{AttemptState, Change},
    id::AttemptId,
    model::Definition,
};

use super::super::oracle::Oracle;

impl Oracle {
    /// `R7`: a dispatch leaves every limit kept.
    pub(crate) fn check_limits_of(&mut self, change: &Change) {
        let Change::Attempt(new) = change else { return };
        if self.rows.attempts.contains_key(&new.id) || new.state.is_ended() {
            return;
        }
        let live = self.rows.attempts.values();
        let live: Vec<_> = live.filter(|row| !row.state.is_ended()).collect();
        let (count, most) = (live.len() + 1, self.most_running as usize);
        let here = live.iter().filter(|row| row.executor == new.executor);
        let slots = here.map(|row| row.slots).sum::<u32>() + new.slots;
        let executor = self.rows.executors.get(&new.executor);
        let (has, enabled) = executor.map_or((0, false), |it| (it.slots, it.enabled));
        let job_of = |row: &hcndc_core::engine::AttemptRow| {
            let run = self.rows.job_runs.get(&row.job_run)?;
            let execution = self.rows.executions.get(&row.execution)?;
            Some((run.job, execution.data_date))
        };
        let mine = job_of(new);
        let twin = live
            .iter()
            .find(|row| job_of(row) == mine)
            .map(|row| row.id);
        let pool_of = |row: &hcndc_core::engine::AttemptRow| {
            let job = self
                .rows
                .job_of(self.rows.job_runs.get(&row.job_run)?)
                .ok()?;
            Some((job.pool?, job.pool_slots))
        };
        let pool = pool_of(new).and_then(|(pool, own)| {
            let others = live.iter().filter_map(|row| pool_of(row));
            let taken: u32 = others.filter(|it| it.0 == pool).map(|it| it.1).sum();
            match self.rows.definitions.get(&pool.into()) {
                Some(Definition::Pool(it)) => Some((taken + own, it.slots)),
                _ => None,
            }
        });
        let id = new.id;
        self.holds("R7", count <= most, || {
            format!("attempt {id} is number {count}, {most} may live")
        });
        self.holds("R7", slots <= has && enabled, || {
            format!("attempt {id} makes it {slots} slots of {has} (enabled: {enabled})")
        });
        self.holds("R7", pool.is_none_or(|(taken, has)| taken <= has), || {
            format!("attempt {id} makes it {pool:?} slots of its pool")
        });
        self.holds("R7", twin.is_none(), || {
            format!("attempt {id} is for the job and date of {twin:?}")
        });
    }

    /// `crowd`: what hosts really run at once keeps the limits too, once a process has begun.
    pub(crate) fn check_crowd(&mut self, host: usize, attempt: AttemptId) {
        let Some(new) = self.ran.get(&attempt) else {
            return;
        };
        let mine = (new.job, new.date);
        let (mut slots, mut count, mut twin) = (0, 0, None);
        for (id, ran) in self.alive() {
            count += 1;
            slots += if ran.host == host { ran.slots } else { 0 };
            if id != attempt && (ran.job, ran.date) == mine {
                twin = Some(id);
            }
        }
        let has = self.most_slots.get(&host).copied().unwrap_or_default();
        let most = self.most_running;
        if self.is_given_up(attempt) {
            return;
        }
        self.holds("crowd", slots <= has, || {
            format!("host {host} runs {slots} slots of {has} with attempt {attempt}")
        });
        self.holds("crowd", count <= most, || {
            format!("{count} processes run, {most} may")
        });
        self.holds("crowd", twin.is_none(), || {
            format!("attempt {attempt} runs beside {twin:?} of the same job and date")
        });
    }

    /// Whether an attempt was given up, for its executor did not come back or came back without it. Nobody can know whether
    /// it runs.
    pub(crate) fn is_given_up(&self, attempt: AttemptId) -> bool {
        let row = self.rows.attempts.get(&attempt);
        row.is_some_and(|row| row.state == AttemptState::Lost)
    }
}
