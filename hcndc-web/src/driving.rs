//! A scheduler's task: it leads, waits for its turn when another leads, and tells how it ended.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use hcndc_core::{
    engine::Settings,
    port::{Clock, FileProbe, Inbox as _, Notifier, Observer, ParamResolver, Store, Transport},
    scheduler::{Leadership, Scheduler, SchedulerError},
};
use hcndc_store_mysql::{SqlError, SqlStore};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    clock::SystemClock,
    connect::{
        Connect,
        alert::{
            facts,
            notifier::{self, Alerting},
        },
        file::probe::Probing,
        opening::Opening,
        report::Ids,
        source::resolver::{Asking, Stored},
    },
    handle::Requests,
    lead::{Lead, Leading},
    live::Live,
    local_executor::Transports,
    metrics::{Both, Counting},
    names::Names,
    recording::Recorder,
};

/// How a scheduler ended: well, when its inbox did.
pub type Fate = Result<(), Arc<SchedulerError<SqlError>>>;

/// A scheduler at work.
#[derive(Debug)]
pub struct Driving {
    task: JoinHandle<()>,
    fate: watch::Receiver<Option<Fate>>,
}

/// What a scheduler works with.
#[derive(Debug)]
pub struct Parts {
    /// Where it keeps what it knows.
    pub store: SqlStore,
    /// How it reaches executors.
    pub transport: Arc<Transports>,
    /// Who is told what happens.
    pub live: Arc<Live>,
    /// Its limits.
    pub settings: Settings,
    /// How it leads.
    pub leadership: Leadership,
    /// Who is told whether it leads.
    pub leading: Arc<Leading>,
    /// Who records what goes into its engine, if anybody does.
    pub recorder: Option<Arc<Recorder>>,
    /// The ways to people.
    pub connect: Arc<Connect>,
    /// Where jobs are told their traces, if there are any.
    pub traced: Option<Ids>,
}

impl Parts {
    /// Tells people what a scheduler has to tell, until it is dropped.
    fn alerting(&self) -> Arc<Alerting> {
        let base_url = self.connect.base_url.clone();
        let facts = facts::Read::new(self.store.clone(), Arc::clone(&self.transport), base_url);
        Arc::new(Alerting::start(notifier::Parts {
            facts: Arc::new(facts),
            http: self.connect.http.clone(),
            vault: Arc::clone(&self.connect.vault),
            manners: self.connect.manners,
            patience: self.connect.patience,
        }))
    }

    /// Asks data sources for the values of params, until it is dropped.
    fn asking(&self) -> Arc<Asking> {
        let sources = Arc::new(Stored(self.store.clone()));
        Arc::new(Asking::start(sources, Arc::clone(&self.connect.pools)))
    }
}

impl Driving {
    /// Sets a scheduler to work on what comes through this inbox.
    #[must_use]
    pub fn start(parts: Parts, inbox: Requests) -> Self {
        let (tell, fate) = watch::channel(None);
        let task = tokio::spawn(async move {
            let ended = drive(parts, inbox).await.map_err(Arc::new);
            tell.send_replace(Some(ended));
        });
        Self { task, fate }
    }

    /// Waits until the scheduler has ended.
    ///
    /// # Errors
    /// What it ended with.
    pub async fn ended(&self) -> Fate {
        let mut fate = self.fate.clone();
        match fate.wait_for(Option::is_some).await {
            Ok(fate) => fate.clone().unwrap_or(Ok(())),
            // The task panicked or was aborted, and has nothing more to tell.
            Err(_) => Ok(()),
        }
    }

    /// Waits for the end of a scheduler whose inbox was closed, but not for ever: the store may be away. What was not
    /// stored was not said either, so nothing is lost.
    ///
    /// # Errors
    /// What it ended with.
    pub async fn finish(self, within: Duration) -> Fate {
        match tokio::time::timeout(within, self.ended()).await {
            Ok(fate) => fate,
            Err(_) => {
                tracing::warn!("the store does not answer; stopping without it");
                self.task.abort();
                Ok(())
            }
        }
    }
}

/// How long a scheduler may take to lead before that is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a scheduler is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opens {
    /// For the first time: whoever asks waits for it, unless another is known to lead.
    First,
    /// To begin a new recording: it gets its own lease back at once, so whoever asks waits too.
    Anew,
    /// When another one leads no more.
    Waiting,
}

async fn drive(parts: Parts, mut inbox: Requests) -> Result<(), SchedulerError<SqlError>> {
    let recorder: Arc<dyn Observer> = match &parts.recorder {
        Some(recorder) => Arc::clone(recorder) as _,
        None => Arc::new(()),
    };
    let leading = &parts.leading;
    let mut opens = Opens::First;
    let mut alerting = None;
    loop {
        let observer = Both(
            Both(Arc::clone(&parts.live), Counting),
            Both(Arc::clone(&recorder), Arc::clone(leading)),
        );
        let opening = Scheduler::open(
            parts.store.clone(),
            Opening::new(
                Arc::clone(&parts.transport),
                Arc::clone(&parts.connect.vault),
            )
            .with_traces(parts.traced.clone()),
            SystemClock::new(),
            observer,
            parts.settings.clone(),
            parts.leadership.clone(),
        );
        let Some(scheduler) = open(opening, leading, &mut inbox, opens).await? else {
            return Ok(());
        };
        // One that is opened anew goes on with what was being told; whoever leads after another begins afresh.
        let tells = alerting.get_or_insert_with(|| parts.alerting());
        let mut scheduler = scheduler
            .with_notifier(Arc::clone(tells))
            // What an earlier one asked is asked again, and whoever asked it is gone with it.
            .with_resolver(parts.asking())
            .with_probe(Probing::start(Arc::clone(&parts.connect.finder)));
        parts.live.learn(Names::of(scheduler.engine()));
        if opens != Opens::Anew {
            tracing::info!("the scheduler leads");
            parts.live.begin_term(SystemClock::new().now());
        }
        leading.taken();
        let ended = match &parts.recorder {
            Some(recorder) => until_full(&mut scheduler, &mut inbox, recorder).await,
            None => scheduler.run(&mut inbox).await.map(|()| true),
        };
        parts.live.commits().forget();
        opens = match ended {
            Ok(true) => return Ok(()),
            Ok(false) => Opens::Anew,
            Err(SchedulerError::Fenced) => {
                tracing::warn!("another scheduler leads; standing by");
                leading.lost();
                // Another tells people from now on.
                alerting = None;
                Opens::Waiting
            }
            Err(error) => return Err(error),
        };
    }
}

/// Waits until a scheduler leads; `None` if the inbox ends before.
async fn open<T, E>(
    opening: impl Future<Output = Result<T, E>>,
    leading: &Leading,
    inbox: &mut Requests,
    opens: Opens,
) -> Result<Option<T>, E> {
    let mut opening = pin!(opening);
    if opens != Opens::Waiting {
        let mut patience = pin!(tokio::time::sleep(PATIENCE));
        let mut elsewhere =
            pin!(leading.until(|lead| matches!(lead, Lead::There { alive: true, .. })));
        loop {
            tokio::select! {
                opened = &mut opening => return opened.map(Some),
                () = &mut elsewhere => break,
                () = &mut patience, if !patience.is_elapsed() => tracing::warn!(
                    "another scheduler leads on this database, or it is slow; waiting"
                ),
            }
        }
        tracing::info!("another scheduler leads; standing by");
    }
    loop {
        tokio::select! {
            opened = &mut opening => return opened.map(Some),
            // Whoever asks now is told at once that nobody here leads, instead of being obeyed much later.
            request = inbox.recv() => match request {
                Some(refused) => drop(refused),
                None => return Ok(None),
            },
        }
    }
}

/// Runs until the inbox has ended, or until the recording wants to begin anew: then all that was taken is stored and told, as
/// it is before a crash between two rounds. Whether it was the former.
async fn until_full<S, T, C, O, N, P, F>(
    scheduler: &mut Scheduler<S, T, C, O, N, P, F>,
    inbox: &mut Requests,
    recorder: &Recorder,
) -> Result<bool, SchedulerError<S::Error>>
where
    S: Store,
    T: Transport,
    C: Clock,
    O: Observer,
    N: Notifier,
    P: ParamResolver,
    F: FileProbe,
{
    while scheduler.turn(inbox).await? {
        if recorder.wants_anew() {
            return Ok(false);
        }
    }
    // The end of a run gives the lease back.
    scheduler.run(inbox).await.map(|()| true)
}
