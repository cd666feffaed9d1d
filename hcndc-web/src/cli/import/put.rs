//! A mesh file into a database that nobody leads.

use hcndc_core::{
    engine::{Engine, Rejected, Settings, Snapshot},
    model::Edit,
    port::{
        Accounts as _, AccountsDone, AccountsError, AuditEntry, Clock as _, PutDone, Store as _,
    },
    scheduler::SchedulerError,
};
use hcndc_store_mysql::{SqlError, SqlStore};

use super::{
    super::{
        account::by_host,
        alone::{self, AloneError},
        db::DatabaseArgs,
    },
    Put,
};
use crate::{
    clock::SystemClock,
    interchange::{Existing, MeshFile, accounts_of, edits},
    vault::{KeySource, Vault, VaultError, stored},
};

/// Who does it.
const BY: &str = "hcndc import";

/// Why a file was not put into a database.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutError {
    #[error("cannot use the database")]
    Database(#[from] SqlError),
    #[error(transparent)]
    Alone(#[from] AloneError),
    #[error("the scheduler failed")]
    Scheduler(#[from] SchedulerError<SqlError>),
    #[error("the definitions are refused")]
    Refused(#[source] Rejected),
    #[error("cannot use the keys of passwords")]
    Keys(#[from] VaultError),
    #[error("the roles and users are refused")]
    Accounts(#[source] AccountsError),
    #[error("the definitions have been stored, and the roles and users not: import them again")]
    Half(#[source] AccountsError),
}

/// Puts all that a file says, or only finds out whether it could.
pub(super) async fn put(
    database: &DatabaseArgs,
    keys: &KeySource,
    file: &MeshFile,
    dry_run: bool,
) -> Result<Put, PutError> {
    // Its tables are not changed by the way: that is for a start, or for `hcndc db migrate`.
    let upkeep = database.open().await?;
    let opened = upkeep.store().await?;
    // What is wrong with roles and users is found before anything is changed.
    let accounts = put_accounts(opened, file, true).await;
    let accounts = accounts.map_err(PutError::Accounts);
    if dry_run {
        let snapshot = opened.load().await?;
        upkeep.close().await?;
        let mut put = try_out(snapshot, file)?;
        put.add(&accounts?);
        return Ok(put);
    }
    upkeep.close().await?;
    accounts?;
    let vault = keys.vault(database.own_folder())?;
    let store = SqlStore::connect_with(&database.options()).await?;
    let done = put_all(&store, &vault, file).await;
    store.close().await?;
    done
}

async fn put_all(store: &SqlStore, vault: &Vault, file: &MeshFile) -> Result<Put, PutError> {
    let mut put = Put::default();
    let make = |engine: &Engine| {
        let mut edits = edits(file, None, &Existing::of(engine));
        let replaced: Vec<_> = edits.iter().map(Edit::replaces).collect();
        let stored = stored(engine, &replaced);
        vault.seal_edits(&mut edits, &stored)?;
        put = count(&edits);
        Ok::<_, PutError>(edits)
    };
    alone::edit(store, BY, make).await?;
    let accounts = put_accounts(store, file, false).await;
    put.add(&accounts.map_err(PutError::Half)?);
    Ok(put)
}

/// Finds out whether all could be put, without a word to anybody.
fn try_out(snapshot: Snapshot, file: &MeshFile) -> Result<Put, PutError> {
    let now = SystemClock::new().now();
    let engine = Engine::load(now, Settings::default(), snapshot);
    let mut engine = engine.map_err(SchedulerError::Inconsistent)?;
    let edits = edits(file, None, &Existing::of(&engine));
    let put = count(&edits);
    let tried = engine.apply(now, alone::batch(BY, edits));
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
    for edit in edits.iter().filter(|edit| edit.deletes().is_none()) {
        match edit.replaces() {
            Some(_) => put.replaced += 1,
            None => put.made += 1,
        }
    }
    put
}
