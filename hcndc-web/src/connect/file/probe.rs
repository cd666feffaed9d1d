//! The port's adapter: each look is a task of its own, so that no server holds another up.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use hcndc_core::port::{FileProbe, Look, Looked};
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::AbortHandle,
};

use super::Finder;

/// Looks for files.
pub struct Probing {
    finder: Arc<Finder>,
    runtime: Handle,
    tells: UnboundedSender<Looked>,
    told: tokio::sync::Mutex<UnboundedReceiver<Looked>>,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl fmt::Debug for Probing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probing").finish_non_exhaustive()
    }
}

impl Probing {
    /// Begins; what it looks for ends when it is dropped.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn start(finder: Arc<Finder>) -> Self {
        let (tells, told) = mpsc::unbounded_channel();
        Self {
            finder,
            runtime: Handle::current(),
            tells,
            told: tokio::sync::Mutex::new(told),
            tasks: Mutex::new(Vec::new()),
        }
    }
}

#[async_trait]
impl FileProbe for Probing {
    fn look(&self, look: Look) {
        let (finder, tells) = (Arc::clone(&self.finder), self.tells.clone());
        let task = self.runtime.spawn(async move {
            let found = finder.find(&look).await;
            // Nobody listens only when all ends.
            let _ = tells.send(Looked {
                event: look.event.id,
                number: look.number,
                found,
            });
        });
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task.abort_handle());
    }

    async fn recv(&self) -> Looked {
        let next = self.told.lock().await.recv().await;
        match next {
            Some(looked) => looked,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.drain(..).for_each(|task| task.abort());
    }
}
