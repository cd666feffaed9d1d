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
    model::{AlertChannelKind, Definition, DefinitionDraft, Edit, Secret},
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
    /// What was given is what a server makes of a secret, and none itself.
    #[error("a secret that begins with {PREFIX} cannot be told from one that is sealed")]
    SealedBefore {
        /// The field that holds it.
        field: &'static str,
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
    /// [`VaultError::NoRandomness`], [`VaultError::SealedBefore`].
    pub fn seal_edits(
        &self,
        edits: &mut [Edit],
        stored: &[Option<Definition>],
    ) -> Result<(), VaultError> {
        for (at, edit) in edits.iter_mut().enumerate() {
            let Some(place) = secret_of_mut(edit).filter(|it| !it.is_empty()) else {
                continue;
            };
            if Self::is_sealed(place) {
                let field = field_of(edit);
                return Err(VaultError::SealedBefore { field });
            }
            let old = stored.get(at).and_then(Option::as_ref);
            let old = old.and_then(secret_of);
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
        Edit::Put(DefinitionDraft::Webhook(it)) => it.secret.as_mut(),
        _ => None,
    }
}

/// Those of these definitions that can have a secret, in their order.
pub(crate) fn stored(engine: &Engine, of: &[Option<DefinitionId>]) -> Vec<Option<Definition>> {
    let find = |id: &Option<DefinitionId>| match (*id)? {
        DefinitionId::DataSource(it) => engine.data_source(it).cloned().map(Into::into),
        DefinitionId::FileServer(it) => engine.file_server(it).cloned().map(Into::into),
        DefinitionId::AlertChannel(it) => engine.alert_channel(it).cloned().map(Into::into),
        DefinitionId::Webhook(it) => engine.webhook(it).cloned().map(Into::into),
        _ => None,
    };
    of.iter().map(find).collect()
}

/// The field of its secret.
const fn field_of(edit: &Edit) -> &'static str {
    match edit {
        Edit::Put(DefinitionDraft::AlertChannel(_) | DefinitionDraft::Webhook(_)) => "secret",
        _ => "password",
    }
}

/// Settings that say where a channel's secret goes, and how safely.
const WAYS: [&str; 5] = ["url", "host", "port", "tls", "ca_file"];

/// The field of the secret that an edit would have go another way than it was given for, if it does: whoever may change
/// definitions is not told secrets, and must not have them sent to a host of their own.
pub(crate) fn diverted(edit: &Edit, stored: &Definition) -> Option<&'static str> {
    if secret_of(stored).is_none_or(Secret::is_empty) {
        return None;
    }
    match (edit, stored) {
        (Edit::Put(DefinitionDraft::DataSource(new)), Definition::DataSource(old)) => {
            let same = (new.kind, &new.host, new.port) == (old.kind, &old.host, old.port)
                && ["tls", "ca_file"].map(|it| new.options.get(it))
                    == ["tls", "ca_file"].map(|it| old.options.get(it));
            (new.password.is_none() && !same).then_some("password")
        }
        (Edit::Put(DefinitionDraft::FileServer(new)), Definition::FileServer(old)) => {
            let option = |it: &str| (new.options.get(it), old.options.get(it));
            let stays = |it: &str| {
                let (new, old) = option(it);
                new == old
            };
            let (_, old_key) = option("host_key");
            let same = (new.kind, &new.host, new.port) == (old.kind, &old.host, old.port)
                && ["tls", "ca_file"].into_iter().all(stays)
                // Before there was a host key, the secret went nowhere.
                && (old_key.is_none() || stays("host_key"));
            (new.password.is_none() && !same).then_some("password")
        }
        (Edit::Put(DefinitionDraft::AlertChannel(new)), Definition::AlertChannel(old)) => {
            // What an SMS says, and to whom, may hold the secret.
            let same = match old.kind {
                AlertChannelKind::Sms => new.settings == old.settings,
                _ => WAYS.map(|it| new.settings.get(it)) == WAYS.map(|it| old.settings.get(it)),
            };
            let same = same && new.kind == old.kind;
            (new.secret.is_none() && !same).then_some("secret")
        }
        _ => None,
    }
}

/// The secret of a definition, if it can have one.
#[must_use]
pub fn secret_of(definition: &Definition) -> Option<&Secret> {
    match definition {
        Definition::DataSource(it) => Some(&it.password),
        Definition::FileServer(it) => Some(&it.password),
        Definition::AlertChannel(it) => Some(&it.secret),
        Definition::Webhook(it) => Some(&it.secret),
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
    use std::{collections::BTreeMap, sync::Arc};

    use hcndc_core::{
        id::{AlertChannelId, DataSourceId, FileServerId},
        model::{
            AlertChannel, AlertChannelDraft, DataSource, DataSourceDraft, DataSourceKind,
            FileServer, FileServerDraft, FileServerKind, Revision,
        },
        time::Timestamp,
    };

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

    fn of_password(password: &Secret) -> Definition {
        let source = DataSource {
            id: DataSourceId(1),
            name: "dw".to_owned(),
            directory: "/".to_owned(),
            description: String::new(),
            kind: DataSourceKind::Mysql,
            host: "db".to_owned(),
            port: None,
            database: String::new(),
            user: String::new(),
            password: password.clone(),
            options: BTreeMap::new(),
            revision: revision(),
        };
        Definition::DataSource(Arc::new(source))
    }

    fn revision() -> Revision {
        Revision {
            version: 1,
            created_by: String::new(),
            created_at: Timestamp::from_micros(0),
            updated_by: String::new(),
            updated_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn a_secret_stays_with_the_place_that_it_was_given_for() {
        let (stored, none) = (of_password(&secret("a")), of_password(&secret("")));
        let edit = |change: &dyn Fn(&mut DataSourceDraft)| {
            let mut draft = DataSourceDraft::new("dw", DataSourceKind::Mysql, "db");
            change(&mut draft);
            Edit::from(draft)
        };
        let same = edit(&|draft| draft.database = "other".to_owned());
        assert_eq!(diverted(&same, &stored), None);
        let changes: [&dyn Fn(&mut DataSourceDraft); 4] = [
            &|draft| draft.host = "mine".to_owned(),
            &|draft| draft.port = Some(1),
            &|draft| draft.kind = DataSourceKind::Clickhouse,
            &|draft| drop(draft.options.insert("tls".to_owned(), "none".to_owned())),
        ];
        for change in changes {
            assert_eq!(diverted(&edit(change), &stored), Some("password"));
            assert_eq!(diverted(&edit(change), &none), None);
            let given = edit(&|draft| {
                change(draft);
                draft.password = Some(secret("b"));
            });
            assert_eq!(diverted(&given, &stored), None);
        }
    }

    #[test]
    fn a_file_servers_secret_stays_with_its_host_and_its_key() {
        let draft = |options: &[(&str, &str)]| {
            let mut draft = FileServerDraft::new("bank", FileServerKind::Sftp, "sftp.bank");
            let options = options.iter();
            let options = options.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            draft.options = options.collect();
            draft
        };
        let stored = |options: &[(&str, &str)]| {
            let draft = draft(options);
            let server = FileServer {
                id: FileServerId(1),
                name: draft.name,
                directory: draft.directory,
                description: draft.description,
                kind: draft.kind,
                host: draft.host,
                port: draft.port,
                user: draft.user,
                password: secret("a"),
                options: draft.options,
                revision: revision(),
            };
            Definition::FileServer(Arc::new(server))
        };
        let (new, known) = ([("host_key", "SHA256:b")], [("host_key", "SHA256:a")]);
        assert_eq!(diverted(&draft(&known).into(), &stored(&known)), None);
        // Without one nobody was given the secret.
        assert_eq!(diverted(&draft(&new).into(), &stored(&[])), None);
        assert_eq!(
            diverted(&draft(&new).into(), &stored(&known)),
            Some("password")
        );
        for option in ["tls", "ca_file"] {
            let moved = diverted(&draft(&[(option, "other")]).into(), &stored(&[]));
            assert_eq!(moved, Some("password"), "{option}");
        }
        let mut moved = draft(&known);
        moved.host = "mine".to_owned();
        assert_eq!(diverted(&moved.into(), &stored(&known)), Some("password"));
    }

    #[test]
    fn a_channels_secret_stays_with_its_ways_and_that_of_an_sms_with_what_it_says() {
        let draft = |kind, name: &str, text: &str| {
            let mut draft = AlertChannelDraft::new("people", kind);
            draft.settings.insert(name.to_owned(), text.to_owned());
            draft
        };
        let stored = |kind| {
            let draft = draft(kind, "to", "ann");
            let channel = AlertChannel {
                id: AlertChannelId(1),
                name: draft.name,
                directory: draft.directory,
                description: draft.description,
                enabled: draft.enabled,
                kind: draft.kind,
                settings: draft.settings,
                secret: secret("a"),
                revision: revision(),
            };
            Definition::AlertChannel(Arc::new(channel))
        };
        let moved = |kind, name: &str| diverted(&draft(kind, name, "mine").into(), &stored(kind));
        for way in WAYS {
            assert_eq!(moved(AlertChannelKind::Email, way), Some("secret"), "{way}");
        }
        assert_eq!(moved(AlertChannelKind::Email, "to"), None);
        assert_eq!(moved(AlertChannelKind::Sms, "to"), Some("secret"));
        assert_eq!(moved(AlertChannelKind::Sms, "body"), Some("secret"));
    }

    #[test]
    fn what_looks_sealed_is_no_secret() {
        for vault in [Vault::default(), Vault::default().with_fresh_key().unwrap()] {
            let mut draft = DataSourceDraft::new("dw", DataSourceKind::Mysql, "db");
            draft.password = Some(secret("hcndc-sealed:1:a:b"));
            let refused = vault.seal_edits(&mut [draft.into()], &[None]);
            assert!(
                matches!(refused, Err(VaultError::SealedBefore { field: "password" })),
                "{refused:?}"
            );
        }
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
            let stored = [Some(of_password(old))];
            vault.seal_edits(&mut edits, &stored).unwrap();
            password(&edits[0])
        };
        assert_eq!(seal("a", &stored), stored);
        assert_ne!(seal("b", &stored), stored);
        // What lies in clear is sealed at the first chance.
        assert_ne!(seal("a", &secret("a")), secret("a"));
    }
}
