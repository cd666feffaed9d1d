//! Calls to the scheduler and to the ports, with their failures as problems.

use std::{future::Future, time::Duration};

use hcndc_core::{
    engine::{DefinitionId, EditBatch, Engine, Input, Reply},
    model::Edit,
    port::{ErrorKind, History, PortError},
};

use super::{
    caller::Caller,
    problem::{Blame, BlameError, Problem},
};
use crate::{
    app::App,
    handle::{CommandError, SchedulerHandle},
    vault::{self, VaultError},
};

/// How long a caller waits for a look at the engine.
const LOOK: Duration = Duration::from_secs(10);
/// How long a caller waits for a command. The store may be away for a while: a command that is in line is still done.
pub(super) const COMMAND: Duration = Duration::from_secs(60);

impl<H, T> App<H, T> {
    /// Looks at the engine.
    ///
    /// # Errors
    /// [`Problem::SchedulerStopped`], [`Problem::SchedulerSlow`].
    pub(super) async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Engine) -> R + Send + 'static,
    ) -> Result<R, Problem> {
        look_within(&self.scheduler, LOOK, look).await
    }
}

impl<H: History, T> App<H, T> {
    /// Has a command of this caller's done, if they may, and written down.
    ///
    /// # Errors
    /// [`Problem::Denied`], [`Problem::Refused`], [`Problem::SchedulerStopped`], [`Problem::SchedulerSlow`].
    pub(super) async fn command(&self, caller: &Caller, input: Input) -> Result<Reply, Problem> {
        self.may_command(caller, &input).await?;
        let input = self.sealed(input).await?;
        let before = self.before(&input).await;
        let reply = tokio::time::timeout(COMMAND, self.scheduler.command(input))
            .await
            .map_err(|_| Problem::SchedulerSlow)?
            .map_err(Problem::from)?;
        self.carried_out(caller, before, &reply).await;
        Ok(reply)
    }

    /// A command with its secrets sealed.
    ///
    /// # Errors
    /// [`Problem::BadBody`] for secrets that would go another way than they were given for, or look sealed.
    pub(super) async fn sealed(&self, input: Input) -> Result<Input, Problem> {
        let Input::Edit(mut batch) = input else {
            return Ok(input);
        };
        let replaced: Vec<_> = batch.edits.iter().map(Edit::replaces).collect();
        let stored = match replaced.iter().any(Option::is_some) {
            true => {
                self.look(move |engine| vault::stored(engine, &replaced))
                    .await?
            }
            false => Vec::new(),
        };
        for (edit, stored) in batch.edits.iter().zip(&stored) {
            let field = stored.as_ref().and_then(|it| vault::diverted(edit, it));
            if let Some(field) = field {
                let blame = Blame::of(field, BlameError::SecretDiverted);
                return Err(Problem::BadBody(vec![blame]));
            }
        }
        let sealed = self.connect.vault.seal_edits(&mut batch.edits, &stored);
        sealed.map_err(|error| match error {
            VaultError::SealedBefore { field } => {
                Problem::BadBody(vec![Blame::of(field, BlameError::SecretSealed)])
            }
            error => {
                tracing::error!(%error, "a secret cannot be sealed");
                Problem::Internal
            }
        })?;
        Ok(Input::Edit(batch))
    }

    /// Has definitions changed.
    ///
    /// # Errors
    /// As for [`command`](Self::command).
    pub(super) async fn edit(
        &self,
        caller: &Caller,
        edits: Vec<Edit>,
    ) -> Result<Vec<DefinitionId>, Problem> {
        let by = caller.by.clone();
        let batch = EditBatch { by, edits };
        match self.command(caller, Input::Edit(batch)).await? {
            Reply::Edited(ids) => Ok(ids),
            _ => Err(Problem::Internal),
        }
    }
}

/// Looks at the engine, if that answers in time.
pub(super) async fn look_within<R: Send + 'static>(
    scheduler: &SchedulerHandle,
    patience: Duration,
    look: impl FnOnce(&Engine) -> R + Send + 'static,
) -> Result<R, Problem> {
    tokio::time::timeout(patience, scheduler.look(look))
        .await
        .map_err(|_| Problem::SchedulerSlow)?
        .map_err(Problem::from)
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Rejected(rejected) => Self::Refused(rejected),
            CommandError::Stopped => Self::SchedulerStopped,
        }
    }
}

/// Reads from the store.
///
/// # Errors
/// [`Problem::StoreUnavailable`] if another try may do; else [`Problem::Internal`], and the cause is logged.
pub(super) async fn read<R, E: PortError>(
    reading: impl Future<Output = Result<R, E>>,
) -> Result<R, Problem> {
    reading.await.map_err(|error| match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Conflict | ErrorKind::Fenced => {
            tracing::warn!(%error, "the store does not answer a read");
            Problem::StoreUnavailable
        }
        ErrorKind::Corrupt | ErrorKind::Invalid => {
            tracing::error!(%error, "the store refuses a read");
            Problem::Internal
        }
    })
}
