//! Edits of a database that nobody leads: by a scheduler that leads for as long as it takes, and speaks to no executor.

use std::time::Duration;

use hcndc_core::{
    engine::{EditBatch, Engine, Input, Rejected, Settings},
    model::Edit,
    scheduler::{Leadership, Scheduler, SchedulerError},
};
use hcndc_store_mysql::{SqlError, SqlStore};

use crate::{
    clock::SystemClock,
    handle::{CommandError, channel},
};

/// How long it leads at most without a sign of life.
const LEASE: Duration = Duration::from_secs(3);
/// How long it is waited for a leader that may have died.
const PATIENCE: Duration = Duration::from_secs(8);

/// Why edits were not stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum AloneError {
    #[error(
        "a server leads on this database, or did so a moment ago: give it the file with --server, or stop it first"
    )]
    Led,
    #[error("the scheduler failed")]
    Scheduler(#[from] SchedulerError<SqlError>),
    #[error("the definitions are refused")]
    Refused(#[source] Rejected),
    #[error("the definitions may or may not have been stored: look, and do it again")]
    Unknown,
}

/// Has the edits done that are made of the definitions as they are; `by` is who does it.
pub(super) async fn edit<E: From<AloneError>>(
    store: &SqlStore,
    by: &str,
    make: impl FnOnce(&Engine) -> Result<Vec<Edit>, E>,
) -> Result<(), E> {
    let leadership = Leadership {
        holder: format!("{by} {}", uuid::Uuid::new_v4()),
        ttl: LEASE,
    };
    let opening = Scheduler::open(
        store.clone(),
        (),
        SystemClock::new(),
        (),
        Settings::default(),
        leadership,
    );
    let opened = tokio::time::timeout(PATIENCE, opening).await;
    let opened = opened.map_err(|_| AloneError::Led)?;
    let mut scheduler = opened.map_err(AloneError::Scheduler)?;
    let edits = make(scheduler.engine())?;
    let (handle, mut inbox) = channel();
    let command = async {
        let answer = handle.command(batch(by, edits)).await.map(drop);
        handle.close().await;
        answer
    };
    // The edit waits before the scheduler looks what is due: that goes by the definitions as they are after it.
    let (answered, ran) = tokio::join!(biased; command, scheduler.run(&mut inbox));
    ran.map_err(AloneError::Scheduler)?;
    match answered {
        Ok(()) => Ok(()),
        Err(CommandError::Rejected(rejected)) => Err(AloneError::Refused(rejected).into()),
        Err(_) => Err(AloneError::Unknown.into()),
    }
}

/// Edits of somebody's.
pub(super) fn batch(by: &str, edits: Vec<Edit>) -> Input {
    let by = by.to_owned();
    Input::Edit(EditBatch { by, edits })
}
