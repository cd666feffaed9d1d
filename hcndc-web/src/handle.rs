//! The way to a running scheduler: a handle that many can hold, and the inbox at its other end.

use async_trait::async_trait;
use hcndc_core::{
    engine::{Engine, Input, Rejected, Reply},
    port::{Answer, Inbox, Request, StartKey},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::unconstrained,
};

/// Requests that may wait; who comes after that waits at the door.
const WAITING: usize = 1_024;

/// A handle to a scheduler. Clones reach the same one.
#[derive(Clone, Debug)]
pub struct SchedulerHandle {
    requests: mpsc::Sender<Request>,
    closing: mpsc::Sender<()>,
}

/// The scheduler's end.
#[derive(Debug)]
pub struct Requests {
    requests: mpsc::Receiver<Request>,
    closing: mpsc::Receiver<()>,
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It was refused.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The scheduler stopped before it answered; whether the command was done shows when it runs again.
    #[error("the scheduler stopped")]
    Stopped,
}

/// A handle and the inbox that it leads to. The inbox ends when all handles are dropped, or one was told to [close](SchedulerHandle::close).
#[must_use]
pub fn channel() -> (SchedulerHandle, Requests) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let (close, closing) = mpsc::channel(1);
    let handle = SchedulerHandle {
        requests: sender,
        closing: close,
    };
    (
        handle,
        Requests {
            requests: receiver,
            closing,
        },
    )
}

impl SchedulerHandle {
    /// Has a command done, and waits until it is stored.
    ///
    /// # Errors
    /// [`CommandError`].
    ///
    /// # Cancel safety
    /// Dropping the future does not take the command back: once it is in line it is done, and nobody hears of it. Who
    /// must know what became of it waits in a task of its own.
    pub async fn command(&self, input: Input) -> Result<Reply, CommandError> {
        self.ask(|answer| Request::Command(input, answer)).await
    }

    async fn ask(&self, request: impl FnOnce(Answer) -> Request) -> Result<Reply, CommandError> {
        let (answer, answered) = oneshot::channel();
        let request = request(Box::new(move |result| {
            // Whoever asked may have gone.
            let _ = answer.send(result);
        }));
        self.requests
            .send(request)
            .await
            .map_err(|_| CommandError::Stopped)?;
        Ok(answered.await.map_err(|_| CommandError::Stopped)??)
    }

    /// Has an execution started by [`Input::Start`] or [`Input::RunSchedule`], and stored under which key it was asked for;
    /// waits until it is.
    ///
    /// # Errors
    /// [`CommandError`].
    ///
    /// # Cancel safety
    /// As for [`command`](Self::command).
    pub async fn start(&self, start: Input, key: StartKey) -> Result<Reply, CommandError> {
        self.ask(|answer| Request::Start(start, key, answer)).await
    }

    /// Tells the scheduler to finish what it has taken, and to stop.
    pub async fn close(&self) {
        // Its end may be gone already.
        let _ = self.closing.send(()).await;
    }

    /// Looks at the engine.
    ///
    /// # Errors
    /// [`CommandError::Stopped`].
    pub async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Engine) -> R + Send + 'static,
    ) -> Result<R, CommandError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Look(Box::new(move |engine| {
            let _ = answer.send(look(engine));
        }));
        self.requests
            .send(request)
            .await
            .map_err(|_| CommandError::Stopped)?;
        answered.await.map_err(|_| CommandError::Stopped)
    }
}

#[async_trait]
impl Inbox for Requests {
    async fn recv(&mut self) -> Option<Request> {
        let recv = async {
            tokio::select! {
                biased;
                // What was sent before the call to close is still taken.
                Some(()) = self.closing.recv() => {
                    self.requests.close();
                    self.requests.recv().await
                }
                request = self.requests.recv() => request,
            }
        };
        // Tokio makes a receiver look empty once its task has received some hundred times without a pause. The scheduler
        // would take that for the end of what waits, and commit in small groups exactly when much waits. It bounds its
        // groups itself, and pauses at each commit.
        unconstrained(recv).await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn all_that_waits_is_received_without_a_pause() {
        let (handle, mut inbox) = channel();
        for _ in 0..WAITING {
            let request = Request::Look(Box::new(|_| ()));
            handle.requests.try_send(request).expect("there is room");
        }
        for number in 0..WAITING {
            let received = inbox.recv().now_or_never().flatten();
            assert!(received.is_some(), "only {number} were received");
        }
        assert!(inbox.recv().now_or_never().is_none());
    }
}
