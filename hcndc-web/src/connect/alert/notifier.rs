//! The port's adapter: takes alerts, and is done with each when people were told or nobody can be.
//!
//! One task holds the [`Desk`]; whatever waits for a store or a server runs beside it, so that nothing that is slow holds up
//! anything else. It remembers what it was done with, so that a scheduler which is opened anew in the same process and
//! gives open alerts again has nobody told twice. After a crash it knows nothing: an alert that was sent and not yet
//! recorded as told is sent again then.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{AlertRow, MOST_OPEN_ALERTS},
    id::{AlertChannelId, AlertId},
    port::{Clock as _, Notifier},
};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Manners,
    desk::{Desk, Done, Pace, Patience, SendError},
    facts::Facts,
    send,
    text::{Message, TOLD},
};
use crate::{
    clock::SystemClock,
    connect::{http::Http, settings},
    metrics,
    vault::Vault,
};

/// How long a whole message may take: looking things up and sending.
const MESSAGE: Duration = Duration::from_secs(120);
/// Between two looks into a store that does not answer.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// Last lines of outputs, where a channel does not say.
const LOG_LINES: u64 = 10;

/// Tells people, on channels as the store has them.
pub struct Alerting {
    given: mpsc::UnboundedSender<AlertRow>,
    done: Mutex<mpsc::UnboundedReceiver<Done>>,
    _task: AbortOnDropHandle<()>,
}

impl fmt::Debug for Alerting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerting").finish_non_exhaustive()
    }
}

/// What an [`Alerting`] works with.
#[derive(Clone)]
pub struct Parts {
    /// Where it reads who is to be told, and of what.
    pub facts: Arc<dyn Facts>,
    /// The client for webhooks.
    pub http: Http,
    /// What opens channels' secrets.
    pub vault: Arc<Vault>,
    /// How it speaks where a channel does not say.
    pub manners: Manners,
    /// How long it tries.
    pub patience: Patience,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

impl Alerting {
    /// Begins; ends when it is dropped.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let (given, takes) = mpsc::unbounded_channel();
        let (tells, done) = mpsc::unbounded_channel();
        let work = Work {
            desk: Desk::new(parts.patience),
            parts: Arc::new(parts),
            clock: SystemClock::new(),
            rows: BTreeMap::new(),
            finished: BTreeMap::new(),
            beside: JoinSet::new(),
            tells,
        };
        Self {
            given,
            done: Mutex::new(done),
            _task: AbortOnDropHandle::new(tokio::spawn(work.run(takes))),
        }
    }
}

#[async_trait]
impl Notifier for Alerting {
    fn notify(&self, alert: AlertRow) {
        // Its task ends only with this.
        let _ = self.given.send(alert);
    }

    async fn recv(&self) -> Done {
        let next = self.done.lock().await.recv().await;
        match next {
            Some(done) => done,
            None => std::future::pending().await,
        }
    }
}

struct Work {
    desk: Desk,
    parts: Arc<Parts>,
    clock: SystemClock,
    /// Alerts that it is not done with.
    rows: BTreeMap<AlertId, AlertRow>,
    /// What became of those that it was done with, the latest of them.
    finished: BTreeMap<AlertId, Option<String>>,
    beside: JoinSet<Came>,
    tells: mpsc::UnboundedSender<Done>,
}

/// What came of something that ran beside.
enum Came {
    /// An alert's channels, or why it has none.
    Channels(AlertId, Result<Vec<(AlertChannelId, Pace)>, String>),
    /// A message's outcome.
    Sent(AlertChannelId, Result<(), SendError>),
}

impl Work {
    async fn run(mut self, mut takes: mpsc::UnboundedReceiver<AlertRow>) {
        loop {
            let wakeup = self.desk.next_wakeup();
            let time = async {
                match wakeup {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                alert = takes.recv() => match alert {
                    Some(alert) => self.take(alert),
                    None => return,
                },
                Some(came) = self.beside.join_next() => match came {
                    Ok(came) => self.came(came),
                    Err(error) => tracing::error!(%error, "telling people failed"),
                },
                () = time => {}
            }
            for (channel, alerts) in self.desk.take_due(self.clock.now()) {
                self.send(channel, &alerts);
            }
        }
    }

    fn take(&mut self, alert: AlertRow) {
        if let Some(outcome) = self.finished.get(&alert.id) {
            let _ = self.tells.send((alert.id, outcome.clone()));
            return;
        }
        if self.rows.contains_key(&alert.id) {
            return;
        }
        let (id, rule) = (alert.id, alert.rule);
        let escalates = alert.escalates.is_some();
        self.rows.insert(id, alert);
        let parts = Arc::clone(&self.parts);
        self.beside.spawn(async move {
            loop {
                match channels(&parts, rule, escalates).await {
                    Ok(found) => return Came::Channels(id, found),
                    Err(error) => {
                        tracing::warn!(error, "the store does not say who is to be told");
                        tokio::time::sleep(STORE_PAUSE).await;
                    }
                }
            }
        });
    }

    fn came(&mut self, came: Came) {
        match came {
            Came::Channels(alert, Ok(channels)) => {
                self.desk.open(self.clock.now(), alert, &channels);
            }
            Came::Channels(alert, Err(why)) => self.finish((alert, Some(why))),
            Came::Sent(channel, outcome) => {
                if let Err(error) = &outcome {
                    tracing::warn!(%channel, %error, "an alert was not delivered");
                }
                for done in self.desk.sent(self.clock.now(), channel, outcome) {
                    self.finish(done);
                }
            }
        }
    }

    fn finish(&mut self, (alert, outcome): Done) {
        self.rows.remove(&alert);
        self.finished.insert(alert, outcome.clone());
        if self.finished.len() > MOST_OPEN_ALERTS {
            self.finished.pop_first();
        }
        // Nobody listens only when all ends.
        let _ = self.tells.send((alert, outcome));
    }

    fn send(&mut self, channel: AlertChannelId, alerts: &[AlertId]) {
        let rows = alerts.iter().filter_map(|alert| self.rows.get(alert));
        let rows: Vec<AlertRow> = rows.cloned().collect();
        let parts = Arc::clone(&self.parts);
        self.beside.spawn(async move {
            let telling = tell(&parts, channel, &rows);
            let told = tokio::time::timeout(MESSAGE, telling).await;
            let late = || {
                Err(SendError::Later {
                    reason: "it took too long".to_owned(),
                    after: None,
                })
            };
            Came::Sent(channel, told.unwrap_or_else(|_| late()))
        });
    }
}

/// The channels on which a rule has people told, or why there are none; an error if the store does not say.
async fn channels(
    parts: &Parts,
    rule: hcndc_core::id::AlertRuleId,
    escalates: bool,
) -> Result<Result<Vec<(AlertChannelId, Pace)>, String>, String> {
    let Some(rule) = parts.facts.rule(rule).await? else {
        return Ok(Err("its rule is gone".to_owned()));
    };
    let escalation = rule.escalation.as_ref();
    let ids: &[AlertChannelId] = match (escalates, escalation) {
        (false, _) => &rule.channels,
        (true, Some(escalation)) => &escalation.channels,
        (true, None) => return Ok(Err(format!("rule {} escalates no more", rule.name))),
    };
    if ids.is_empty() {
        return Ok(Err(format!("rule {} names no channel", rule.name)));
    }
    let mut found = Vec::new();
    let ids: BTreeSet<AlertChannelId> = ids.iter().copied().collect();
    for id in ids {
        if let Some(channel) = parts.facts.channel(id).await?
            && channel.enabled
        {
            found.push((id, parts.manners.pace(&channel.settings)));
        }
    }
    Ok(match found.is_empty() {
        true => Err(format!("no channel of rule {} is enabled", rule.name)),
        false => Ok(found),
    })
}

/// Puts alerts into a message, and sends it.
async fn tell(parts: &Parts, id: AlertChannelId, rows: &[AlertRow]) -> Result<(), SendError> {
    let gone = |reason: &str| SendError::Gone {
        reason: reason.to_owned(),
    };
    let channel = parts.facts.channel(id).await;
    let channel = channel.map_err(|reason| SendError::Later {
        reason,
        after: None,
    })?;
    let channel = channel.ok_or_else(|| gone("its channel is gone"))?;
    if !channel.enabled {
        return Err(gone(&format!("channel {} is not enabled", channel.name)));
    }
    let lines = settings::number(&channel.settings, "log_lines", LOG_LINES);
    let lines = usize::try_from(lines).unwrap_or_default();
    let mut stories = Vec::new();
    for (number, row) in rows.iter().take(TOLD).enumerate() {
        // What is told in a line needs no output.
        let lines = if number < super::text::TOLD_WHOLE {
            lines
        } else {
            0
        };
        stories.push(parts.facts.story(row, lines).await);
    }
    let left_out = rows.len() - stories.len();
    let manners = parts.manners.of(&channel.settings);
    let message = Message::new(id, manners, stories, left_out);
    let now = SystemClock::new().now();
    let sent = send(&parts.http, &parts.vault, &channel, &message, now).await;
    metrics::told(channel.kind.as_str(), sent.is_ok());
    sent
}
