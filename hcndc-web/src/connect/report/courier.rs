//! Tells one report of all that ends, for as long as this server leads.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use hcndc_core::{
    id::ExecutorId,
    port::{Clock as _, ExecutionEnd, History, PortError, Reports},
    time::Timestamp,
};
use metrics::{counter, gauge};
use reqwest::Method;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::{Ids, Message, Report, Story, story};
use crate::{
    causes::with_causes,
    clock::SystemClock,
    connect::http::{Answer, Http, HttpError, Request},
    lead::{Lead, Leading},
};

/// Ends that are read at once.
const PAGE: u32 = 50;
/// The longest that a receiver may ask to be left alone.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// How patient a courier is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often it looks for what has ended.
    pub look_every: Duration,
    /// How long it waits after the first failure; twice as long after each further one.
    pub first_wait: Duration,
    /// How long it waits at most.
    pub longest_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look_every: Duration::from_secs(1),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
        }
    }
}

/// Tells one report.
pub struct Courier<S> {
    store: S,
    report: Arc<dyn Report>,
    ids: Ids,
    http: Http,
    leading: Arc<Leading>,
    pace: Pace,
}

impl<S> fmt::Debug for Courier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier")
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// Why a round came to nothing.
enum Halt<E> {
    /// Another server leads.
    Follows,
    /// The store cannot be read.
    Store(E),
}

impl<S, E> Courier<S>
where
    S: History<Error = E> + Reports<Error = E> + 'static,
    E: PortError,
{
    /// Begins to tell of all that ends from the report's mark on. One that has no mark yet begins with what ends from now on.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn start(
        store: S,
        report: Arc<dyn Report>,
        ids: Ids,
        http: Http,
        leading: Arc<Leading>,
        pace: Pace,
    ) -> Result<AbortOnDropHandle<()>, E> {
        if store.mark(report.name()).await?.is_none() {
            let from = store.last_position().await?;
            store.put_mark(report.name(), from).await?;
        }
        let courier = Self {
            store,
            report,
            ids,
            http,
            leading,
            pace,
        };
        Ok(AbortOnDropHandle::new(tokio::spawn(courier.run())))
    }

    async fn run(self) {
        let mut failed = 0;
        loop {
            if !self.leading.is_here() {
                self.lag(None);
            }
            self.leading.until(|lead| *lead == Lead::Here).await;
            match self.round().await {
                Ok(more) => {
                    failed = 0;
                    if !more {
                        sleep(self.pace.look_every).await;
                    }
                }
                Err(Halt::Follows) => {}
                Err(Halt::Store(error)) => {
                    let error = with_causes(&error);
                    let report = self.report.name();
                    tracing::warn!(report, error, "what has ended cannot be read; trying again");
                    sleep(self.wait(failed)).await;
                    failed += 1;
                }
            }
        }
    }

    /// Tells of a page of ends. Whether there may be more.
    async fn round(&self) -> Result<bool, Halt<E>> {
        let name = self.report.name();
        let mark = self.store.mark(name).await.map_err(Halt::Store)?;
        let ends = self.store.ends(mark.unwrap_or_default(), PAGE).await;
        let ends = ends.map_err(Halt::Store)?;
        let more = ends.len() >= PAGE as usize;
        let mut ends = ends.into_iter().peekable();
        self.lag(ends.peek().map(|end| end.ended_at));
        if ends.peek().is_none() {
            return Ok(false);
        }
        let executors = story::executors(&self.store).await;
        let executors = Arc::new(executors.map_err(Halt::Store)?);
        while let Some(end) = ends.next() {
            self.tell(end, &executors).await?;
            // A mark stands behind all ends of a position, and none can be added to one that has been seen.
            let is_last = ends.peek().is_none_or(|next| next.position > end.position);
            if is_last {
                let marked = self.store.put_mark(name, end.position).await;
                marked.map_err(Halt::Store)?;
                self.lag(ends.peek().map(|next| next.ended_at));
            }
        }
        Ok(more)
    }

    async fn tell(
        &self,
        end: ExecutionEnd,
        executors: &Arc<BTreeMap<ExecutorId, String>>,
    ) -> Result<(), Halt<E>> {
        let story = Story::read(&self.store, &self.ids, end, executors).await;
        let Some(story) = story.map_err(Halt::Store)? else {
            // History that is as old as that is gone for good.
            return Ok(());
        };
        for message in self.report.messages(&story) {
            self.send(&message, end.ended_at).await?;
        }
        Ok(())
    }

    /// Sends a message until it is taken, or refused for good.
    async fn send(&self, message: &Message, since: Timestamp) -> Result<(), Halt<E>> {
        let report = self.report.name();
        let mut failed = 0;
        loop {
            if !self.leading.is_here() {
                return Err(Halt::Follows);
            }
            let (reason, asked) = match self.try_send(message).await {
                Ok(answer) if answer.is_ok() => {
                    counter!("hcndc_report_messages_total", "report" => report, "outcome" => "sent")
                        .increment(1);
                    if failed > 0 {
                        tracing::info!(report, tries = failed + 1, "a report is taken again");
                    }
                    return Ok(());
                }
                // A key that is wrong is put right by somebody: what is due until then is not lost.
                Ok(answer) if !answer.may_do_later() && !matches!(answer.status, 401 | 403) => {
                    self.refused(message, &answer.line());
                    return Ok(());
                }
                Err(HttpError::Bad { reason }) => {
                    self.refused(message, &reason);
                    return Ok(());
                }
                Ok(answer) => (answer.line(), answer.retry_after),
                Err(HttpError::NoAnswer { reason }) => (reason, None),
            };
            counter!("hcndc_report_messages_total", "report" => report, "outcome" => "failed")
                .increment(1);
            self.lag(Some(since));
            if failed == 0 {
                let about = &message.about;
                tracing::warn!(report, about, reason, "a report is not taken; trying again");
            } else {
                tracing::debug!(report, reason, failed, "a report is still not taken");
            }
            let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
            sleep(self.wait(failed).max(asked)).await;
            failed += 1;
        }
    }

    async fn try_send(&self, message: &Message) -> Result<Answer, HttpError> {
        let target = self.report.target();
        let request = Request {
            method: Method::POST,
            url: &target.url,
            headers: target.headers.clone(),
            content_type: target.media_type,
            body: message.body.clone(),
        };
        self.http.send(request).await
    }

    fn refused(&self, message: &Message, reason: &str) {
        let (report, about) = (self.report.name(), &message.about);
        counter!("hcndc_report_messages_total", "report" => report, "outcome" => "refused")
            .increment(1);
        tracing::warn!(
            report,
            about,
            reason,
            "a report was refused, and is left out"
        );
    }

    /// Says how old the oldest is that has not been told.
    fn lag(&self, since: Option<Timestamp>) {
        let now = SystemClock::new().now();
        let lag = since.map_or(Duration::ZERO, |since| now.since(since));
        gauge!("hcndc_report_lag_seconds", "report" => self.report.name()).set(lag.as_secs_f64());
    }

    fn wait(&self, failed: u32) -> Duration {
        let wait = self.pace.first_wait * 2_u32.saturating_pow(failed.min(16));
        wait.min(self.pace.longest_wait)
    }
}
