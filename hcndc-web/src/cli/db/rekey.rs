//! `hcndc db rekey`.

use clap::Args;
use hcndc_core::{
    engine::Engine,
    model::{AlertChannelDraft, DataSourceDraft, Edit, FileServerDraft, Secret, WebhookDraft},
};
use hcndc_store_mysql::{SqlError, SqlStore};

use super::DatabaseArgs;
use crate::{
    cli::{
        Exit,
        alone::{self, AloneError},
        keys::KeyArgs,
        pick, print, runtime, warn_error,
    },
    interchange::Lang,
    vault::{Vault, VaultError},
};

/// Arguments of `db rekey`.
#[derive(Debug, Args)]
pub(super) struct RekeyArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    keys: KeyArgs,
}

/// Why passwords were not sealed anew.
#[derive(Debug, thiserror::Error)]
enum RekeyError {
    #[error("name the key file with --key-file: a key in HCNDC_SECRET_KEY cannot be changed here")]
    NoFile,
    #[error(transparent)]
    Keys(#[from] VaultError),
    #[error("cannot use the database")]
    Database(#[from] SqlError),
    #[error(transparent)]
    Alone(#[from] AloneError),
    #[error("cannot start")]
    Runtime(#[source] std::io::Error),
}

pub(super) fn run(args: &RekeyArgs, lang: Lang) -> Exit {
    crate::cli::log_to_stderr();
    let done = runtime()
        .map_err(RekeyError::Runtime)
        .and_then(|runtime| runtime.block_on(rekey(args)));
    match done {
        Ok(count) => print(
            lang,
            match lang {
                Lang::En => format!("sealed with the new key: {count}"),
                Lang::Zh => format!("已用新密钥加密：{count}"),
            },
        ),
        Err(error) => {
            let doing = pick(lang, "cannot seal anew", "无法重新加密");
            warn_error(lang, doing, &error);
            Exit::Failed
        }
    }
}

/// Each step leaves keys that open all that is stored: a run that was cut off is simply done again.
async fn rekey(args: &RekeyArgs) -> Result<usize, RekeyError> {
    let source = args.keys.source();
    let path = source.path(args.database.own_folder());
    let path = path.filter(|_| source.text.is_none());
    let path = path.ok_or(RekeyError::NoFile)?;
    let old = match path.exists() {
        true => Vault::of_file(&path)?,
        false => Vault::default(),
    };
    // Tables that are not there, or older, are not made by the way.
    let upkeep = args.database.open().await?;
    upkeep.store().await?;
    upkeep.close().await?;
    let store = SqlStore::connect_with(&args.database.options()).await?;
    let mut count = 0;
    let new = old.with_fresh_key()?;
    let make = |engine: &Engine| {
        let edits = edits(engine, &new)?;
        count = edits.len();
        // Nobody else leads now, so nobody seals with another key.
        new.write(&path)?;
        Ok::<_, RekeyError>(edits)
    };
    let done = alone::edit(&store, "hcndc db rekey", make).await;
    store.close().await?;
    done?;
    new.newest().write(&path)?;
    Ok(count)
}

/// Each definition that has a secret, with that sealed anew.
fn edits(engine: &Engine, vault: &Vault) -> Result<Vec<Edit>, VaultError> {
    let again = |stored: &Secret| vault.seal(&vault.open(stored)?).map(Some);
    let mut edits = Vec::new();
    for it in engine.data_sources().filter(|it| !it.password.is_empty()) {
        let draft = DataSourceDraft {
            password: again(&it.password)?,
            ..DataSourceDraft::from(&**it)
        };
        edits.push(draft.into());
    }
    for it in engine.file_servers().filter(|it| !it.password.is_empty()) {
        let draft = FileServerDraft {
            password: again(&it.password)?,
            ..FileServerDraft::from(&**it)
        };
        edits.push(draft.into());
    }
    for it in engine.alert_channels().filter(|it| !it.secret.is_empty()) {
        let draft = AlertChannelDraft {
            secret: again(&it.secret)?,
            ..AlertChannelDraft::from(&**it)
        };
        edits.push(draft.into());
    }
    for it in engine.webhooks().filter(|it| !it.secret.is_empty()) {
        let draft = WebhookDraft {
            secret: again(&it.secret)?,
            ..WebhookDraft::from(&**it)
        };
        edits.push(draft.into());
    }
    Ok(edits)
}
