//! Secrets of definitions, sealed: in the database, its copies and recordings lies what nobody can read without the key.
//!
//! ```text
//! people ──► seal ──► scheduler ──► database ──► scheduler ──► open ──► data source, file server, channel
//! ```
//!
//! A sealed secret is `hcndc-sealed:1:KEY:DATA`: KEY names the key without telling anything of it, DATA is the nonce and what
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) makes of the text, in base64. A text without that beginning is one that was
//! stored before there was a key, and is taken as it is.

use std::{
    fmt, fs, io,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hcndc_core::{
    engine::{DefinitionId, Engine},
    model::{Definition, DefinitionDraft, Edit, Secret},
};
use sha2::{Digest as _, Sha256};

const PREFIX: &str = "hcndc-sealed:1:";
/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a nonce.
const NONCE: usize = 24;
/// What is sealed belongs to this use of the key and no other.
const PURPOSE: &[u8] = b"hcndc secret of a definition";

/// The keys of a server: the first one seals, and each opens what it has sealed.
#[derive(Clone, Default)]
pub struct Vault {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    name: String,
    text: String,
    cipher: XChaCha20Poly1305,
}

/// Why a secret cannot be sealed or opened, or a key not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The file cannot be read or written.
    #[error("cannot read or write the key file {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("the key file {} may be read by others: chmod 600 it", path.display())]
    Open {
        /// Which.
        path: PathBuf,
    },
    /// A line is no key.
    #[error("line {line} of the keys is none: a key is 43 characters of base64")]
    BadKey {
        /// Which, from 1 on.
        line: usize,
    },
    /// There are no keys.
    #[error("there is no key")]
    NoKey,
    /// It was sealed with a key that is not here.
    #[error(
        "it is sealed with key {name}, which this server does not have: give it the key file of the server that sealed it (--key-file)"
    )]
    UnknownKey {
        /// Name of the key.
        name: String,
    },
    /// What is stored was changed, or is none of ours.
    #[error("what is stored is not what was sealed with key {name}")]
    Broken {
        /// Name of the key.
        name: String,
    },
    /// The system has no random bytes to give.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

/// Names of keys; never the keys.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keys.iter().map(|key| &key.name);
        f.debug_list().entries(names).finish()
    }
}

impl Key {
    fn of(bytes: [u8; KEY]) -> Self {
        let digest = Sha256::new()
            .chain_update(b"hcndc key name")
            .chain_update(bytes);
        Self {
            name: BASE64.encode(&digest.finalize()[..6]),
            text: BASE64.encode(bytes),
            cipher: XChaCha20Poly1305::new(&bytes.into()),
        }
    }

    fn fresh() -> Result<Self, VaultError> {
        let mut bytes = [0; KEY];
        getrandom::fill(&mut bytes).map_err(VaultError::NoRandomness)?;
        Ok(Self::of(bytes))
    }
}

impl Vault {
    /// The keys of a text: one in a line or between spaces, the one that seals first.
    ///
    /// # Errors
    /// [`VaultError::BadKey`], [`VaultError::NoKey`].
    pub fn of_text(text: &str) -> Result<Self, VaultError> {
        let words = text.split_ascii_whitespace().enumerate();
        let keys = words.map(|(at, word)| {
            let bytes = BASE64.decode(word).ok();
            let bytes = bytes.and_then(|bytes| <[u8; KEY]>::try_from(bytes).ok());
            bytes
                .map(Key::of)
                .ok_or(VaultError::BadKey { line: at + 1 })
        });
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(VaultError::NoKey);
        }
        Ok(Self { keys })
    }

    /// The keys of a file that nobody else may read.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn of_file(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::File {
            path: path.into(),
            source,
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(VaultError::Open { path: path.into() });
        }
        Self::of_text(&fs::read_to_string(path).map_err(failed)?)
    }

    /// The keys of a file, which is made with a new key if it is not there.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn of_file_or_new(path: &Path) -> Result<Self, VaultError> {
        match Self::of_file(path) {
            Err(VaultError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let vault = Self::default().with_fresh_key()?;
                vault.write(path)?;
                Ok(vault)
            }
            done => done,
        }
    }

    /// The same, with a new key that seals from now on.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn with_fresh_key(&self) -> Result<Self, VaultError> {
        let mut keys = vec![Key::fresh()?];
        keys.extend(self.keys.iter().cloned());
        Ok(Self { keys })
    }

    /// The key that seals, alone.
    #[must_use]
    pub fn newest(&self) -> Self {
        Self {
            keys: self.keys.iter().take(1).cloned().collect(),
        }
    }

    /// Writes the keys to a file that only its owner may read, whole or not at all.
    ///
    /// # Errors
    /// [`VaultError::File`].
    pub fn write(&self, path: &Path) -> Result<(), VaultError> {
        let write = || {
            let path = &fs::canonicalize(path).unwrap_or_else(|_| path.into());
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
            let folder = folder.unwrap_or_else(|| Path::new("."));
            let new = path.with_extension("new");
            let _ = fs::remove_file(&new);
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            for key in &self.keys {
                writeln!(file, "{}", key.text)?;
            }
            file.sync_all()?;
            // Root may do it for the user that servers run as.
            let owner = fs::metadata(path).or_else(|_| fs::metadata(folder))?;
            let _ = fchown(&file, Some(owner.uid()), Some(owner.gid()));
            fs::rename(&new, path)?;
            fs::File::open(folder)?.sync_all()
        };
        write().map_err(|source| VaultError::File {
            path: path.into(),
            source,
        })
    }

    /// Whether there is a key to seal with.
    #[must_use]
    pub fn seals(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether a stored secret is sealed with the key that seals now, or is none.
    #[must_use]
    pub fn is_up_to_date(&self, stored: &Secret) -> bool {
        let Some(key) = self.keys.first() else {
            return true;
        };
        stored.is_empty() || parts(stored).is_some_and(|(name, _)| name == key.name)
    }

    /// Whether a stored secret is sealed, with whatever key.
    #[must_use]
    pub fn is_sealed(stored: &Secret) -> bool {
        parts(stored).is_some()
    }

    /// Seals what people gave. Without a key, it stays as it is.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn seal(&self, given: &Secret) -> Result<Secret, VaultError> {
        let Some(key) = self.keys.first().filter(|_| !given.is_empty()) else {
            return Ok(given.clone());
        };
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(VaultError::NoRandomness)?;
        let payload = Payload {
            msg: given.reveal().as_bytes(),
            aad: PURPOSE,
        };
        let name = || key.name.clone();
        // It fails for texts of many gigabytes only.
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| VaultError::Broken { name: name() })?;
        let data = BASE64.encode([&nonce[..], &sealed].concat());
        Ok(Secret::new(format!("{PREFIX}{}:{data}", key.name)))
    }

    /// What people gave, of what is stored.
    ///
    /// # Errors
    /// [`VaultError::UnknownKey`], [`VaultError::Broken`].
    pub fn open(&self, stored: &Secret) -> Result<Secret, VaultError> {
        let Some((name, data)) = parts(stored) else {
            return Ok(stored.clone());
        };
        let key = self.keys.iter().find(|key| key.name == name);
        let name = || name.to_owned();
        let key = key.ok_or_else(|| VaultError::UnknownKey { name: name() })?;
        let broken = || VaultError::Broken { name: name() };
        let data = BASE64.decode(data).map_err(|_| broken())?;
        let (nonce, msg) = data.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        let payload = Payload { msg, aad: PURPOSE };
        let text = key.cipher.decrypt(&XNonce::from(*nonce), payload);
        let text = text.ok().and_then(|text| String::from_utf8(text).ok());
        text.map(Secret::new).ok_or_else(broken)
    }

    /// Seals what edits bring. Where that is the secret that is `stored` already, as the engine tells of what the edits replace, that
    /// one is kept: so a file that says nothing new changes nothing.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn seal_edits(
        &self,
        edits: &mut [Edit],
        stored: &[Option<Secret>],
    ) -> Result<(), VaultError> {
        if !self.seals() {
            return Ok(());
        }
        for (at, edit) in edits.iter_mut().enumerate() {
            let Some(place) = secret_of_mut(edit).filter(|it| !it.is_empty()) else {
                continue;
            };
            let old = stored.get(at).and_then(Option::as_ref);
            let old = old.filter(|old| self.is_up_to_date(old));
            let same = old.filter(|old| self.open(old).is_ok_and(|old| old == *place));
            *place = match same {
                Some(old) => old.clone(),
                None => self.seal(place)?,
            };
        }
        Ok(())
    }
}

/// Name of the key and data of a sealed secret.
fn parts(stored: &Secret) -> Option<(&str, &str)> {
    stored.reveal().strip_prefix(PREFIX)?.split_once(':')
}

/// The secret that an edit brings.
const fn secret_of_mut(edit: &mut Edit) -> Option<&mut Secret> {
    match edit {
        Edit::Put(DefinitionDraft::DataSource(it)) => it.password.as_mut(),
        Edit::Put(DefinitionDraft::FileServer(it)) => it.password.as_mut(),
        Edit::Put(DefinitionDraft::AlertChannel(it)) => it.secret.as_mut(),
        _ => None,
    }
}

/// The definition that an edit replaces, if it can have a secret.
const fn replaced(edit: &Edit) -> Option<DefinitionId> {
    match edit {
        Edit::Put(DefinitionDraft::DataSource(draft)) => match draft.id {
            Some(id) => Some(DefinitionId::DataSource(id)),
            None => None,
        },
        Edit::Put(DefinitionDraft::FileServer(draft)) => match draft.id {
            Some(id) => Some(DefinitionId::FileServer(id)),
            None => None,
        },
        Edit::Put(DefinitionDraft::AlertChannel(draft)) => match draft.id {
            Some(id) => Some(DefinitionId::AlertChannel(id)),
            None => None,
        },
        _ => None,
    }
}

/// Definitions that edits replace, for [`stored`]; in their order.
pub(crate) fn all_replaced(edits: &[Edit]) -> Vec<Option<DefinitionId>> {
    edits.iter().map(replaced).collect()
}

/// The secrets that definitions have, in their order.
pub(crate) fn stored(engine: &Engine, of: &[Option<DefinitionId>]) -> Vec<Option<Secret>> {
    let secret = |id: &Option<DefinitionId>| match (*id)? {
        DefinitionId::DataSource(it) => Some(engine.data_source(it)?.password.clone()),
        DefinitionId::FileServer(it) => Some(engine.file_server(it)?.password.clone()),
        DefinitionId::AlertChannel(it) => Some(engine.alert_channel(it)?.secret.clone()),
        _ => None,
    };
    of.iter().map(secret).collect()
}

/// The secret of a definition, if it can have one.
#[must_use]
pub fn secret_of(definition: &Definition) -> Option<&Secret> {
    match definition {
        Definition::DataSource(it) => Some(&it.password),
        Definition::FileServer(it) => Some(&it.password),
        Definition::AlertChannel(it) => Some(&it.secret),
        _ => None,
    }
}

/// Where a server's keys are.
#[derive(Clone, Default)]
pub struct KeySource {
    /// Keys themselves, in the place of a file.
    pub text: Option<String>,
    /// The file; `None` for one in the data folder, if the database is there, too.
    pub file: Option<PathBuf>,
}

/// Without the keys.
impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl KeySource {
    /// The file of the keys; `own` is the data folder, if the database is in it.
    #[must_use]
    pub fn path(&self, own: Option<&Path>) -> Option<PathBuf> {
        let own = || own.map(|folder| folder.join("secret.key"));
        self.file.clone().or_else(own)
    }

    /// The keys. The file in the data folder is made if it is not there; one that was named must be there.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn vault(&self, own: Option<&Path>) -> Result<Vault, VaultError> {
        if let Some(text) = &self.text {
            return Vault::of_text(text);
        }
        match (&self.file, self.path(own)) {
            (Some(file), _) => Vault::of_file(file),
            (None, Some(file)) => Vault::of_file_or_new(&file),
            (None, None) => Ok(Vault::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use hcndc_core::model::{DataSourceDraft, DataSourceKind};

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[test]
    fn what_is_sealed_is_opened_with_its_key_only() {
        let vault = Vault::default().with_fresh_key().unwrap();
        let sealed = vault.seal(&secret("hunter2 密")).unwrap();
        assert!(!sealed.reveal().contains("hunter2"));
        assert_ne!(sealed, vault.seal(&secret("hunter2 密")).unwrap());
        assert_eq!(vault.open(&sealed).unwrap(), secret("hunter2 密"));
        assert_eq!(vault.open(&secret("in clear")).unwrap(), secret("in clear"));
        assert_eq!(vault.seal(&secret("")).unwrap(), secret(""));

        let other = Vault::default().with_fresh_key().unwrap();
        let unknown = other.open(&sealed).unwrap_err();
        assert!(
            matches!(unknown, VaultError::UnknownKey { .. }),
            "{unknown}"
        );
        let unknown = Vault::default().open(&sealed).unwrap_err();
        assert!(
            matches!(unknown, VaultError::UnknownKey { .. }),
            "{unknown}"
        );
        let mut text = sealed.reveal().to_owned();
        let last = text.pop().unwrap();
        text.push(if last == 'A' { 'B' } else { 'A' });
        for text in [
            text.as_str(),
            &text[..text.len() - 40],
            &format!("{PREFIX}{}:", vault.keys[0].name),
        ] {
            let broken = vault.open(&secret(text)).unwrap_err();
            assert!(matches!(broken, VaultError::Broken { .. }), "{broken}");
        }
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let old = Vault::default().with_fresh_key().unwrap();
        let new = old.with_fresh_key().unwrap();
        let sealed = old.seal(&secret("a")).unwrap();
        assert_eq!(new.open(&sealed).unwrap(), secret("a"));
        assert!(old.is_up_to_date(&sealed) && !new.is_up_to_date(&sealed));
        assert!(!new.is_up_to_date(&secret("in clear")) && new.is_up_to_date(&secret("")));
        let again = new.seal(&secret("a")).unwrap();
        assert!(new.is_up_to_date(&again));
        assert_eq!(new.newest().open(&again).unwrap(), secret("a"));
        assert!(new.newest().open(&sealed).is_err() && old.open(&again).is_err());
    }

    #[test]
    fn keys_lie_in_a_file_that_only_its_owner_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        let made = Vault::of_file_or_new(&path).unwrap();
        let sealed = made.seal(&secret("a")).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Vault::of_file_or_new(&path).unwrap();
        assert_eq!(again.open(&sealed).unwrap(), secret("a"));
        made.with_fresh_key().unwrap().write(&path).unwrap();
        let both = Vault::of_file(&path).unwrap();
        assert_eq!(
            (both.keys.len(), both.open(&sealed).unwrap()),
            (2, secret("a"))
        );

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Vault::of_file(&path).unwrap_err();
        assert!(matches!(refused, VaultError::Open { .. }), "{refused}");
        let bad = Vault::of_text(&format!("{}\nhunter2", made.keys[0].text)).unwrap_err();
        assert!(matches!(bad, VaultError::BadKey { line: 2 }), "{bad}");
        assert!(matches!(
            Vault::of_text(" \n").unwrap_err(),
            VaultError::NoKey
        ));
    }

    #[test]
    fn the_same_secret_again_changes_nothing() {
        let vault = Vault::default().with_fresh_key().unwrap();
        let put = |text: &str| {
            let mut draft = DataSourceDraft::new("dw", DataSourceKind::Mysql, "db");
            draft.password = Some(secret(text));
            Edit::Put(DefinitionDraft::DataSource(draft))
        };
        let password = |edit: &Edit| match edit {
            Edit::Put(DefinitionDraft::DataSource(it)) => it.password.clone().unwrap(),
            _ => panic!("not put"),
        };
        let mut first = [put("a")];
        vault.seal_edits(&mut first, &[None]).unwrap();
        let stored = password(&first[0]);
        assert_eq!(vault.open(&stored).unwrap(), secret("a"));
        let seal = |text, old: &Secret| {
            let mut edits = [put(text)];
            let stored = [Some(old.clone())];
            vault.seal_edits(&mut edits, &stored).unwrap();
            password(&edits[0])
        };
        assert_eq!(seal("a", &stored), stored);
        assert_ne!(seal("b", &stored), stored);
        // What lies in clear is sealed at the first chance.
        assert_ne!(seal("a", &secret("a")), secret("a"));
    }
}
