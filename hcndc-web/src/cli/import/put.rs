//! A mesh file into a database that nobody leads: by a scheduler that leads for as long as it takes, and speaks to no
//! executor.

use std::time::Duration;

use hcndc_core::{
    engine::{EditBatch, Engine, Input, Rejected, Settings, Snapshot},
    model::{DefinitionDraft, Edit},
    port::{Clock as _, Store as _},
    scheduler::{Leadership, Scheduler, SchedulerError},
};
use hcndc_store_mysql::{SqlError, SqlOptions, SqlStore, Upkeep};

use super::Put;
use crate::{
    clock::SystemClock,
    handle::{CommandError, channel},
    interchange::{Existing, MeshFile, edits},
};

/// How long the import leads at most without a sign of life.
const LEASE: Duration = Duration::from_secs(3);
/// How long it is waited for a leader that may have died.
const PATIENCE: Duration = Duration::from_secs(8);

/// Why a file was not put into a database.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutError {
    #[error("cannot use the database")]
    Database(#[from] SqlError),
    #[error(
        "a server leads on this database, or did so a moment ago: give the file to it with --server, or stop it first"
    )]
    Led,
    #[error("the scheduler failed")]
    Scheduler(#[from] SchedulerError<SqlError>),
    #[error("the definitions are refused")]
    Refused(#[source] Rejected),
    #[error("the definitions may or may not have been stored: look, and import them again")]
    Unknown,
}

/// Puts all that a file says, or only finds out whether it could.
pub(super) async fn put(
    options: &SqlOptions,
    file: &MeshFile,
    dry_run: bool,
) -> Result<Put, PutError> {
    // Its tables are not changed by the way: that is for a start, or for `hcndc db migrate`.
    let upkeep = Upkeep::open(options).await?;
    let stored = upkeep.store().await?;
    if dry_run {
        let snapshot = stored.load().await?;
        upkeep.close().await?;
        return try_out(snapshot, file);
    }
    upkeep.close().await?;
    let store = SqlStore::connect_with(options).await?;
    let leadership = Leadership {
        holder: format!("import {}", uuid::Uuid::new_v4()),
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
    let mut scheduler = opened.map_err(|_| PutError::Led)??;
    let edits = edits(file, None, &Existing::of(scheduler.engine()));
    let put = count(&edits);
    let (handle, mut inbox) = channel();
    let command = async {
        let answer = handle.command(batch(edits)).await.map(drop);
        handle.close().await;
        answer
    };
    // The edit waits before the scheduler looks what is due: that goes by the definitions as they are after it.
    let (answered, ran) = tokio::join!(biased; command, scheduler.run(&mut inbox));
    store.close().await?;
    ran?;
    match answered {
        Ok(()) => Ok(put),
        Err(CommandError::Rejected(rejected)) => Err(PutError::Refused(rejected)),
        Err(_) => Err(PutError::Unknown),
    }
}

/// Finds out whether all could be put, without a word to anybody.
fn try_out(snapshot: Snapshot, file: &MeshFile) -> Result<Put, PutError> {
    let now = SystemClock::new().now();
    let engine = Engine::load(now, Settings::default(), snapshot);
    let mut engine = engine.map_err(SchedulerError::Inconsistent)?;
    let edits = edits(file, None, &Existing::of(&engine));
    let put = count(&edits);
    let tried = engine.apply(now, batch(edits));
    tried.map(|_| put).map_err(PutError::Refused)
}

fn batch(edits: Vec<Edit>) -> Input {
    let by = "hcndc import".to_owned();
    Input::Edit(EditBatch { by, edits })
}

fn count(edits: &[Edit]) -> Put {
    let mut put = Put::default();
    for edit in edits {
        let replaced = match edit {
            Edit::PutFlow(it) => it.id.is_some(),
            Edit::PutJob(it) => it.id.is_some(),
            Edit::PutExecutor(it) => it.id.is_some(),
            Edit::Put(it) => is_known(it),
            Edit::DeleteFlow { .. }
            | Edit::DeleteJob { .. }
            | Edit::DeleteExecutor { .. }
            | Edit::Delete { .. } => continue,
        };
        match replaced {
            true => put.replaced += 1,
            false => put.made += 1,
        }
    }
    put
}

const fn is_known(draft: &DefinitionDraft) -> bool {
    match draft {
        DefinitionDraft::Pool(it) => it.id.is_some(),
        DefinitionDraft::Calendar(it) => it.id.is_some(),
        DefinitionDraft::DataSource(it) => it.id.is_some(),
        DefinitionDraft::Param(it) => it.id.is_some(),
        DefinitionDraft::FileServer(it) => it.id.is_some(),
        DefinitionDraft::FileEvent(it) => it.id.is_some(),
        DefinitionDraft::AlertChannel(it) => it.id.is_some(),
        DefinitionDraft::AlertRule(it) => it.id.is_some(),
        DefinitionDraft::Schedule(it) => it.id.is_some(),
    }
}
