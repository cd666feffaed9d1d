//! The scheduler that was turned away last because of its version of the protocol, in a file for whoever checks.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::link::{Action, Refusal, Up};

/// Name of the file in the data directory. There is none while the last scheduler that came was understood.
const FILE: &str = "turned-away.json";

/// A scheduler that was turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TurnedAway {
    /// The name that it said.
    pub(super) scheduler: String,
    /// Why, in words for people.
    pub(super) reason: String,
}

impl TurnedAway {
    /// The one whose hello led to this; `None` if it was understood.
    pub(super) fn by(scheduler: String, actions: &[Action]) -> Option<Self> {
        actions.iter().find_map(|action| match action {
            Action::Send {
                message: Up::Refused(refusal @ Refusal::Protocol { .. }),
                ..
            } => Some(Self {
                scheduler: scheduler.clone(),
                reason: refusal.to_string(),
            }),
            _ => None,
        })
    }

    /// Who was turned away last on a data directory. A file that says nothing sensible is none.
    pub(super) fn find(data_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(data_dir.join(FILE)).ok()?).ok()
    }
}

/// Keeps the file as it should be.
#[derive(Debug)]
pub(super) struct Doorman {
    path: PathBuf,
    last: Option<TurnedAway>,
    is_written: bool,
}

impl Doorman {
    /// Takes away, when next it writes, what another executor left.
    pub(super) fn new(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join(FILE),
            last: None,
            is_written: false,
        }
    }

    /// A scheduler has come.
    pub(super) fn on_hello(&mut self, outcome: Option<TurnedAway>) {
        // One that comes again every few seconds is told once.
        if self.last == outcome {
            return;
        }
        if let Some(TurnedAway { scheduler, reason }) = &outcome {
            tracing::warn!(%scheduler, %reason, "a scheduler was turned away");
        }
        self.last = outcome;
        self.is_written = false;
    }

    /// Writes what has changed. A disk that fails costs a check its finding, and nothing else.
    pub(super) async fn write(&mut self) {
        if std::mem::replace(&mut self.is_written, true) {
            return;
        }
        let (path, last) = (self.path.clone(), self.last.clone());
        let written = tokio::task::spawn_blocking(move || match last {
            Some(last) => fs::write(path, serde_json::to_vec_pretty(&last)?),
            None => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        })
        .await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "cannot write down who was turned away");
        }
    }
}
