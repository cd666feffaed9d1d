//! A mesh file into a database that nobody leads: by a scheduler that leads for as long as it takes, and speaks to no
//! executor.

use std::time::Duration;

use hcndc_core::{
    engine::{EditBatch, Engine, Input, Rejected, Settings, Snapshot},
    model::{DefinitionDraft, Edit},
    port::{
        Accounts as _, AccountsDone, AccountsError, AuditEntry, Clock as _, PutDone, Store as _,
    },
    scheduler::{Leadership, Scheduler, SchedulerError},
};
use hcndc_store_mysql::{SqlError, SqlOptions, SqlStore, Upkeep};

use super::{super::account::by_host, Put};
use crate::{
    clock::SystemClock,
    handle::{CommandError, channel},
    interchange::{Existing, MeshFile, accounts_of, edits},
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
    #[error("the roles and users are refused")]
    Accounts(#[source] AccountsError),
    #[error("the definitions have been stored, and the roles and users not: import them again")]
    Half(#[source] AccountsError),
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
        let accounts = put_accounts(stored, file, true).await;
        upkeep.close().await?;
        let mut put = try_out(snapshot, file)?;
        put.add(&accounts.map_err(PutError::Accounts)?);
        return Ok(put);
    }
    // What is wrong with roles and users is found before anything is changed.
    let accounts = put_accounts(stored, file, true).await;
    accounts.map_err(PutError::Accounts)?;
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
    let mut put = count(&edits);
    let (handle, mut inbox) = channel();
    let command = async {
        let answer = handle.command(batch(edits)).await.map(drop);
        handle.close().await;
        answer
    };
    // The edit waits before the scheduler looks what is due: that goes by the definitions as they are after it.
    let (answered, ran) = tokio::join!(biased; command, scheduler.run(&mut inbox));
    let accounts = match answered {
        Ok(()) => put_accounts(&store, file, false).await,
        Err(_) => Ok(AccountsDone::default()),
    };
    store.close().await?;
    ran?;
    match answered {
        Ok(()) => {
            put.add(&accounts.map_err(PutError::Half)?);
            Ok(put)
        }
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

/// Puts the roles and users of a file, and writes down which of them changed.
async fn put_accounts(
    store: &SqlStore,
    file: &MeshFile,
    dry_run: bool,
) -> Result<AccountsDone, AccountsError> {
    let put = accounts_of(file);
    if put.roles.is_empty() && put.users.is_empty() {
        return Ok(AccountsDone::default());
    }
    let now = SystemClock::new().now();
    let done = store.put_accounts(&put, dry_run, now).await?;
    if !dry_run {
        let changed = |kind: &str, is_new: bool, id: u64, name: &str| {
            let action = if is_new { "create" } else { "change" };
            by_host(now, action, kind, id, name)
        };
        let roles = done.roles.iter().filter(|it| is_changed(it));
        let roles = roles.map(|PutDone { before, after }| {
            changed("role", before.is_none(), after.id.0, &after.name)
        });
        let users = done.users.iter().filter(|it| is_changed(it));
        let users = users.map(|PutDone { before, after }| {
            changed("user", before.is_none(), after.id.0, &after.account)
        });
        let entries: Vec<AuditEntry> = roles.chain(users).collect();
        store.record(&entries).await?;
    }
    Ok(done)
}

fn is_changed<T: PartialEq>(done: &PutDone<T>) -> bool {
    done.before.as_ref() != Some(&done.after)
}

fn batch(edits: Vec<Edit>) -> Input {
    let by = "hcndc import".to_owned();
    Input::Edit(EditBatch { by, edits })
}

impl Put {
    fn add(&mut self, done: &AccountsDone) {
        let roles = done.roles.iter().map(|it| it.before.is_some());
        let users = done.users.iter().map(|it| it.before.is_some());
        for replaced in roles.chain(users) {
            match replaced {
                true => self.replaced += 1,
                false => self.made += 1,
            }
        }
        self.without_password.clone_from(&done.without_password);
    }
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
