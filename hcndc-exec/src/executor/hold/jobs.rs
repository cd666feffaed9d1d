//! The jobs that this process holds.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hcndc_core::{engine::RunOrder, id::AttemptId};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Settings, Sink};
use crate::{
    executor::{
        attempt::{self, Tools},
        census::Registrar,
        reaper::Reaper,
    },
    file_log::FileLog,
    ledger::ProcessMark,
    platform::Groups,
};

/// Runs attempts and tells what they come to. Dropping it lets go of them as a crash would.
pub(crate) struct Jobs {
    tools: Arc<Tools>,
    kills: BTreeMap<AttemptId, watch::Sender<Option<Duration>>>,
    tasks: JoinSet<()>,
}

impl Drop for Jobs {
    fn drop(&mut self) {
        // Nothing happens while jobs live there.
        self.settings().groups.iter().for_each(Groups::tidy);
    }
}

impl Jobs {
    pub(crate) fn new(reaper: Arc<Reaper>, log: FileLog, settings: Settings, events: Sink) -> Self {
        Self {
            tools: Arc::new(Tools {
                registrar: Arc::new(Registrar::new(Arc::clone(&reaper))),
                reaper,
                log: Arc::new(log),
                settings,
                events,
                closed: CancellationToken::new(),
            }),
            kills: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.tools.settings
    }

    /// Holds attempts that come from now on by these settings.
    pub(crate) fn settle(&mut self, settings: Settings) {
        self.tools = Arc::new(self.tools.with(settings, Arc::clone(&self.tools.log)));
    }

    /// The same, with logs elsewhere.
    pub(crate) fn settle_with_log(&mut self, settings: Settings, log: FileLog) {
        self.tools = Arc::new(self.tools.with(settings, Arc::new(log)));
    }

    /// From now on no attempt is begun: those whose turn had not come yet are given back.
    pub(crate) fn begin_no_more(&self) {
        self.tools.closed.cancel();
    }

    pub(crate) fn run(&mut self, order: Box<RunOrder>) {
        let killed = self.enter(order.attempt);
        self.tasks
            .spawn(attempt::run(Arc::clone(&self.tools), order, killed));
    }

    pub(crate) fn bury(
        &mut self,
        attempt: AttemptId,
        process: Option<ProcessMark>,
        reason: String,
    ) {
        // A wish to end it changes nothing any more.
        drop(self.enter(attempt));
        self.tasks.spawn(attempt::bury(
            Arc::clone(&self.tools),
            attempt,
            process,
            reason,
        ));
    }

    fn enter(&mut self, attempt: AttemptId) -> attempt::Kill {
        while self.tasks.try_join_next().is_some() {}
        let (kill, killed) = watch::channel(None);
        self.kills.insert(attempt, kill);
        killed
    }

    /// Wishes an attempt to end; a wish can only be made more urgent.
    pub(crate) fn kill(&self, attempt: AttemptId, grace: Duration) {
        let Some(kill) = self.kills.get(&attempt) else {
            return;
        };
        kill.send_if_modified(|wish| {
            let sooner = wish.is_none_or(|before| grace < before);
            if sooner {
                *wish = Some(grace);
            }
            sooner
        });
    }

    /// Lets go of an attempt that has ended.
    pub(crate) fn release(&mut self, attempt: AttemptId) {
        self.kills.remove(&attempt);
    }
}
