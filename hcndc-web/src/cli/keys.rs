//! Where the keys are that seal passwords of definitions.

use std::path::PathBuf;

use clap::Args;

use crate::vault::KeySource;

/// The variable with keys themselves.
const KEYS: &str = "HCNDC_SECRET_KEY";

/// Which keys.
#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    /// File with the key that seals passwords of data sources, file servers and alert channels; all servers of a database
    /// need the same. secret.key in the data folder if not given and the database is there, too
    #[arg(long, value_name = "FILE", env = "HCNDC_KEY_FILE")]
    key_file: Option<PathBuf>,
}

impl KeyArgs {
    /// As the arguments and the environment say.
    pub(super) fn source(&self) -> KeySource {
        let text = std::env::var(KEYS).ok();
        KeySource {
            text: text.filter(|text| !text.trim().is_empty()),
            file: self.key_file.clone(),
        }
    }
}
