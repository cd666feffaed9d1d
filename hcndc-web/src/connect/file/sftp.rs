//! SFTP servers.
//!
//! Their host key is checked: without one in the options nobody signs in, and people are told which key the server shows, to be
//! compared with what its owner says.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hcndc_core::{model::FileServer, time::Timestamp};
use russh::{
    MethodKind,
    client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse},
    keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, ssh_key::Fingerprint},
};
use russh_sftp::{
    client::{Config, RawSftpSession, error::Error as SftpError},
    protocol::{File, FileAttributes, StatusCode},
};

use super::{
    Entry, Place,
    ssh::{Credential, HostKeys, fingerprint},
    too_many,
};
use crate::{
    causes::with_causes,
    connect::settings::{self, Form, Setting, SettingFault, Words},
};

/// The port of SSH.
const PORT: u16 = 22;
/// How long a connection may be silent: longer than one is kept that nobody uses. One that falls silent before its keys are exchanged
/// would otherwise stand for ever.
const SILENCE: Duration = Duration::from_secs(180);
/// Questions that a server may ask somebody who signs in.
const QUESTIONS: usize = 5;

/// Options of an SFTP server.
pub(super) const SETTINGS: &[Setting] = &[Setting::optional("host_key", Form::Text)];

/// What is wrong with options beside their form.
pub(super) fn check(options: &BTreeMap<String, String>) -> Option<SettingFault> {
    let why = host_keys(options).err()?;
    Some(SettingFault::unreadable("host_key".to_owned(), why))
}

fn host_keys(options: &BTreeMap<String, String>) -> Result<HostKeys, Words> {
    let text = settings::text(options, "host_key");
    HostKeys::read(text.unwrap_or_default())
}

/// A connection that has signed in.
pub(super) struct Sftp {
    session: RawSftpSession,
    /// The connection ends with this.
    handle: Handle<Checks>,
    shown: Shown,
    is_broken: bool,
}

/// Which host key the server has shown, if it came to that.
#[derive(Clone, Debug, Default)]
struct Shown(Arc<Mutex<Option<(Fingerprint, String)>>>);

/// Compares the server's key with those that are set.
struct Checks {
    wanted: HostKeys,
    shown: Shown,
}

impl client::Handler for Checks {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            return Ok(false);
        };
        let shown = fingerprint(key);
        self.shown.set(shown, key.algorithm().to_string());
        Ok(self.wanted.hold(shown))
    }
}

impl Shown {
    fn set(&self, key: Fingerprint, algorithm: String) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = Some((key, algorithm));
    }

    /// The fingerprint and the kind of the key.
    fn words(&self) -> Option<String> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, algorithm) = shown.as_ref()?;
        Some(format!("{key} ({algorithm})"))
    }
}

impl Sftp {
    /// Connects and signs in. The server may think about each later answer for so many seconds.
    pub(super) async fn connect(server: &FileServer, answer_seconds: u64) -> Result<Self, String> {
        let wanted = host_keys(&server.options).map_err(|why| why.en)?;
        let is_known = !wanted.is_empty();
        let shown = Shown::default();
        let checks = Checks {
            wanted,
            shown: shown.clone(),
        };
        let address = (server.host.as_str(), server.port.unwrap_or(PORT));
        let config = client::Config {
            nodelay: true,
            inactivity_timeout: Some(SILENCE),
            ..client::Config::default()
        };
        let connected = client::connect(Arc::new(config), address, checks).await;
        let mut handle = connected.map_err(|error| match (error, shown.words()) {
            (russh::Error::UnknownKey, Some(key)) if is_known => format!(
                "the server shows the host key {key}, which is not in the option host_key: the server has keys of several \
                 kinds and this is another of them, or its key was changed, or another server answers; ask the server's owner"
            ),
            (russh::Error::UnknownKey, Some(key)) => format!(
                "the server shows the host key {key}; compare it with what the server's owner says, and set it as the option host_key"
            ),
            (error, _) => with_causes(&error),
        })?;
        sign_in(&mut handle, server).await?;
        let opened = open(&handle, answer_seconds).await;
        Ok(Self {
            session: opened?,
            handle,
            shown,
            is_broken: false,
        })
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken || self.handle.is_closed()
    }

    /// The server's key.
    pub(super) fn greeting(&self) -> String {
        self.shown.words().unwrap_or_default()
    }

    async fn read(&self, folder: &str, most: usize) -> Result<Vec<File>, Trouble> {
        let handle = self.session.opendir(folder).await?.handle;
        let mut files = Vec::new();
        let read = loop {
            match self.session.readdir(handle.as_str()).await {
                Ok(name) => files.extend(name.files),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => {
                    break Ok(files);
                }
                Err(error) => break Err(error.into()),
            }
            if files.len() > most {
                break Err(Trouble::TooMany);
            }
        };
        self.session.close(handle).await?;
        read
    }

    /// What an entry is; `None` for what is neither file nor folder, or no longer there.
    async fn entry(&self, folder: &str, file: File) -> Result<Option<Entry>, Trouble> {
        // A name that is no text cannot be a key.
        if matches!(file.filename.as_str(), "." | "..") || file.filename.contains('\u{fffd}') {
            return Ok(None);
        }
        let mut about = Cow::Borrowed(&file.attrs);
        if about.is_symlink() {
            // Links are what they lead to. What leads nowhere is not there.
            let path = format!("{}/{}", folder.trim_end_matches('/'), file.filename);
            match self.session.stat(path).await {
                Ok(target) => about = Cow::Owned(target.attrs),
                Err(SftpError::Status(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        let is_folder = is_folder(&about, &file.longname);
        if !is_folder && about.permissions.is_some() && !about.is_regular() {
            return Ok(None);
        }
        let (size, modified) = match (about.size, about.mtime) {
            (Some(size), Some(modified)) => (size, modified),
            _ if is_folder => (0, 0),
            // It could not be seen whether it is still being written.
            _ => return Err(Trouble::Untold(file.filename)),
        };
        Ok(Some(Entry {
            is_folder,
            size,
            modified: Some(Timestamp::from_micros(i64::from(modified) * 1_000_000)),
            name: file.filename,
        }))
    }

    async fn entries(&self, folder: &str, most: usize) -> Result<Vec<Entry>, Trouble> {
        let mut entries = Vec::new();
        for file in self.read(folder, most).await? {
            entries.extend(self.entry(folder, file).await?);
        }
        Ok(entries)
    }
}

impl Place for Sftp {
    async fn list(&mut self, folder: &str, most: usize) -> Result<Option<Vec<Entry>>, String> {
        match self.entries(folder, most).await {
            Ok(entries) => Ok(Some(entries)),
            Err(Trouble::TooMany) => Err(too_many()),
            Err(Trouble::Untold(name)) => Err(format!(
                "{folder}: the server does not tell the size and the time of {name}"
            )),
            Err(Trouble::Server(SftpError::Status(status))) => match status.status_code {
                StatusCode::NoSuchFile => Ok(None),
                code if status.error_message.is_empty() => Err(format!("{folder}: {code}")),
                _ => Err(format!("{folder}: {}", status.error_message)),
            },
            Err(Trouble::Server(error)) => {
                self.is_broken = true;
                Err(match error {
                    SftpError::Timeout => format!("{folder}: the server does not answer"),
                    error => format!("{folder}: the connection broke: {error}"),
                })
            }
        }
    }
}

/// Why a folder cannot be listed.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("more entries than may be read")]
    TooMany,
    #[error("the size or the time of {0} is not told")]
    Untold(String),
    #[error(transparent)]
    Server(#[from] SftpError),
}

/// Some servers tell what an entry is in the line for people only.
fn is_folder(about: &FileAttributes, longname: &str) -> bool {
    match about.permissions {
        Some(_) => about.is_dir(),
        None => longname.starts_with('d'),
    }
}

/// Opens the part of the connection that speaks SFTP.
async fn open(handle: &Handle<Checks>, answer_seconds: u64) -> Result<RawSftpSession, String> {
    let channel = handle.channel_open_session().await;
    let channel = channel.map_err(|error| with_causes(&error))?;
    let asked = channel.request_subsystem(true, "sftp").await;
    asked.map_err(|error| with_causes(&error))?;
    let config = Config {
        request_timeout_secs: answer_seconds,
        ..Config::default()
    };
    let session = RawSftpSession::new_with_config(channel.into_stream(), config);
    match session.init().await {
        Ok(_) => Ok(session),
        Err(error) => Err(format!("the server does not speak SFTP: {error}")),
    }
}

/// Signs in with the password, or by the private key that stands in its place.
async fn sign_in(handle: &mut Handle<Checks>, server: &FileServer) -> Result<(), String> {
    let secret = server.password.clone();
    // The passphrase of a key is made slow to try.
    let read = tokio::task::spawn_blocking(move || Credential::read(secret.reveal()));
    let tried = match read.await.map_err(|error| error.to_string())?? {
        Credential::Key(key) => with_key(handle, &server.user, *key).await,
        Credential::Password(password) => with_password(handle, &server.user, &password).await,
    };
    let AuthResult::Failure {
        remaining_methods,
        partial_success,
    } = tried.map_err(|error| with_causes(&error))?
    else {
        return Ok(());
    };
    let methods: Vec<String> = remaining_methods.iter().map(String::from).collect();
    let (user, methods) = (&server.user, methods.join(", "));
    Err(match partial_success {
        true => format!("the server asks user {user} for more than that: {methods}"),
        false => format!("the server refuses user {user}; it lets people sign in by: {methods}"),
    })
}

async fn with_key(
    handle: &mut Handle<Checks>,
    user: &str,
    key: PrivateKey,
) -> Result<AuthResult, russh::Error> {
    let hash = match key.algorithm().is_rsa() {
        true => handle.best_supported_rsa_hash().await?.flatten(),
        false => None,
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    handle.authenticate_publickey(user, key).await
}

/// Gives the password. Many servers take it as the answer to a question only.
async fn with_password(
    handle: &mut Handle<Checks>,
    user: &str,
    password: &str,
) -> Result<AuthResult, russh::Error> {
    let tried = handle.authenticate_password(user, password).await?;
    let AuthResult::Failure {
        remaining_methods,
        partial_success: false,
    } = &tried
    else {
        return Ok(tried);
    };
    // Where passwords are taken as they are, this one is wrong: to give it again would count as another try.
    let asks = remaining_methods.contains(&MethodKind::KeyboardInteractive);
    if !asks || remaining_methods.contains(&MethodKind::Password) {
        return Ok(tried);
    }
    let mut said = handle
        .authenticate_keyboard_interactive_start(user, None)
        .await?;
    for _ in 0..QUESTIONS {
        let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = &said else {
            break;
        };
        // What is shown while it is typed is no password.
        let answer = |echo: bool| {
            if echo {
                String::new()
            } else {
                password.to_owned()
            }
        };
        let answers = prompts.iter().map(|prompt| answer(prompt.echo)).collect();
        said = handle
            .authenticate_keyboard_interactive_respond(answers)
            .await?;
    }
    Ok(match said {
        KeyboardInteractiveAuthResponse::Success => AuthResult::Success,
        KeyboardInteractiveAuthResponse::Failure {
            remaining_methods,
            partial_success,
        } => AuthResult::Failure {
            remaining_methods,
            partial_success,
        },
        KeyboardInteractiveAuthResponse::InfoRequest { .. } => tried,
    })
}
