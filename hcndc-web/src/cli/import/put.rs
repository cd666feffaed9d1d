//! A mesh file into a database that nobody leads.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::{Engine, Rejected, Settings, Snapshot},
    id::RoleId,
    model::{DefinitionError, Edit, Fault},
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
    api::role_names,
    clock::SystemClock,
    interchange::{
        Existing, ExportError, MeshFile, MeshPlan, PlanError, Prune, accounts_of, edits,
        plan_edits, prune_edits,
    },
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
    Alone(AloneError),
    #[error("the scheduler failed")]
    Scheduler(#[from] SchedulerError<SqlError>),
    #[error("the definitions are refused")]
    Refused(#[source] Rejected),
    #[error("still needed: {}", faults.join("; "))]
    InUse { faults: Vec<String> },
    #[error("definitions have changed since the plan was made; nothing was changed: do it again")]
    PlanChanged,
    #[error(transparent)]
    Unsayable(ExportError),
    #[error("cannot use the keys of passwords")]
    Keys(#[from] VaultError),
    #[error("the roles and users are refused")]
    Accounts(#[source] AccountsError),
    #[error("the definitions have been stored, and the roles and users not: import them again")]
    Half(#[source] AccountsError),
}

impl From<AloneError> for PutError {
    fn from(error: AloneError) -> Self {
        match error {
            AloneError::Refused(rejected) => Self::refused(rejected),
            error => Self::Alone(error),
        }
    }
}

impl PutError {
    /// Definitions that are refused; what is only still needed is told by itself.
    fn refused(rejected: Rejected) -> Self {
        let Rejected::Definition { faults } = &rejected else {
            return Self::Refused(rejected);
        };
        let in_use = |fault: &Fault| matches!(fault.error, DefinitionError::InUse { .. });
        match faults.iter().all(in_use) {
            true => Self::InUse {
                faults: faults.iter().map(Fault::to_string).collect(),
            },
            false => Self::Refused(rejected),
        }
    }
}

/// What is wanted beside what the file says.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Also delete what it does not have.
    pub(super) prune: Option<&'a Prune>,
    /// Only if this stands for what would be done.
    pub(super) expected: Option<&'a str>,
}

/// Puts all that a file says, or only finds out whether it could.
pub(super) async fn put(
    database: &DatabaseArgs,
    keys: &KeySource,
    file: &MeshFile,
    wanted: Wanted<'_>,
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
        let mut put = try_out(snapshot, file, wanted.prune)?;
        put.add(&accounts?);
        return Ok(put);
    }
    upkeep.close().await?;
    let accounts = accounts?;
    let vault = keys.vault(database.own_folder())?;
    let store = SqlStore::connect_with(&database.options()).await?;
    let done = put_all(&store, &vault, file, wanted, &accounts).await;
    store.close().await?;
    done
}

/// What would be done.
pub(super) async fn plan(
    database: &DatabaseArgs,
    keys: &KeySource,
    file: &MeshFile,
    prune: Option<&Prune>,
) -> Result<MeshPlan, PutError> {
    let upkeep = database.open().await?;
    let store = upkeep.store().await?;
    let accounts = put_accounts(store, file, true).await;
    let accounts = accounts.map_err(PutError::Accounts)?;
    let names = role_names(store).await.map_err(PutError::Accounts)?;
    let engine = engine(store.load().await?)?;
    upkeep.close().await?;
    let own = database.own_folder();
    // A key that is not there is not made: what is there was sealed with none.
    let vault = match keys.text.is_some() || keys.path(own).is_some_and(|path| path.exists()) {
        true => keys.vault(own)?,
        false => Vault::default(),
    };
    let edits = sealed(&engine, all_edits(&engine, file, prune), &vault)?;
    planned(&engine, edits, &accounts, &names)
}

fn planned(
    engine: &Engine,
    edits: Vec<Edit>,
    accounts: &AccountsDone,
    names: &BTreeMap<RoleId, String>,
) -> Result<MeshPlan, PutError> {
    let mut plan = plan_edits(engine, edits).map_err(|error| match error {
        PlanError::Refused(rejected) => PutError::refused(rejected),
        PlanError::Unsayable(error) => PutError::Unsayable(error),
    })?;
    plan.add_accounts(accounts, names);
    Ok(plan)
}

/// What the file says, and what goes that it does not have.
fn all_edits(engine: &Engine, file: &MeshFile, prune: Option<&Prune>) -> Vec<Edit> {
    let mut all = edits(file, None, &Existing::of(engine));
    if let Some(prune) = prune {
        all.extend(prune_edits(engine, file, prune));
    }
    all
}

/// Edits with their secrets sealed.
fn sealed(engine: &Engine, mut edits: Vec<Edit>, vault: &Vault) -> Result<Vec<Edit>, PutError> {
    let replaced: Vec<_> = edits.iter().map(Edit::replaces).collect();
    vault.seal_edits(&mut edits, &stored(engine, &replaced))?;
    Ok(edits)
}

async fn put_all(
    store: &SqlStore,
    vault: &Vault,
    file: &MeshFile,
    wanted: Wanted<'_>,
    accounts: &AccountsDone,
) -> Result<Put, PutError> {
    let mut put = Put::default();
    let names = role_names(store).await.map_err(PutError::Accounts)?;
    let make = |engine: &Engine| {
        let edits = sealed(engine, all_edits(engine, file, wanted.prune), vault)?;
        if let Some(expected) = wanted.expected {
            let plan = planned(engine, edits.clone(), accounts, &names)?;
            if plan.digest() != expected {
                return Err(PutError::PlanChanged);
            }
        }
        put = count(&edits);
        Ok::<_, PutError>(edits)
    };
    alone::edit(store, BY, make).await?;
    let accounts = put_accounts(store, file, false).await;
    put.add(&accounts.map_err(PutError::Half)?);
    Ok(put)
}

fn engine(snapshot: Snapshot) -> Result<Engine, PutError> {
    let now = SystemClock::new().now();
    let engine = Engine::load(now, Settings::default(), snapshot);
    Ok(engine.map_err(SchedulerError::Inconsistent)?)
}

/// Finds out whether all could be put, without a word to anybody.
fn try_out(snapshot: Snapshot, file: &MeshFile, prune: Option<&Prune>) -> Result<Put, PutError> {
    let mut engine = engine(snapshot)?;
    let edits = all_edits(&engine, file, prune);
    let put = count(&edits);
    let tried = engine.apply(SystemClock::new().now(), alone::batch(BY, edits));
    tried.map(|_| put).map_err(PutError::refused)
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
    for edit in edits {
        match (edit.deletes(), edit.replaces()) {
            (Some(_), _) => put.deleted += 1,
            (None, Some(_)) => put.replaced += 1,
            (None, None) => put.made += 1,
        }
    }
    put
}
