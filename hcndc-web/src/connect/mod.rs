//! Connectors: the way to people, to data sources and to the places where files arrive.
//!
//! Each connector is a file of its own. What they are told by definitions are texts; [`settings`] says which there are.
//! None knows of the API or of the scheduler: those use them through the ports of the core, and through
//! [`Connect`], which tries a connection out.

pub mod alert;
pub mod file;
pub mod http;
pub mod log_sink;
pub mod log_store;
pub mod opening;
mod otlp;
pub mod report;
pub mod settings;
pub mod source;
pub use hcndc_exec::trust as tls;

use std::{path::PathBuf, sync::Arc};

use chrono_tz::Tz;

use self::{
    alert::{Manners, desk::Patience},
    file::Finder,
    http::Http,
    source::pool::Pools,
};
use crate::{interchange::Lang, vault::Vault};

/// What all connectors of a server share.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The client for all that speaks HTTP.
    pub http: Http,
    /// How alerts are told where a channel does not say.
    pub manners: Manners,
    /// Where pages are, without a slash at the end; `None` leaves addresses out of alerts.
    pub base_url: Option<String>,
    /// How long it is tried to tell people.
    pub patience: Patience,
    /// What opens passwords.
    pub vault: Arc<Vault>,
    /// Connections to data sources.
    pub pools: Arc<Pools>,
    /// The way to files.
    pub finder: Arc<Finder>,
    private: Vec<PathBuf>,
}

impl Connect {
    /// For a server whose pages are there.
    #[must_use]
    pub fn new(lang: Lang, zone: Tz, base_url: Option<String>) -> Self {
        let base_url = base_url.map(|url| url.trim_end_matches('/').to_owned());
        let http = Http::new();
        Self {
            pools: Arc::new(Pools::new(http.clone(), Arc::default(), None)),
            finder: Arc::new(Finder::new(Arc::default(), None)),
            private: Vec::new(),
            http,
            manners: Manners { lang, zone },
            base_url,
            patience: Patience::default(),
            vault: Arc::default(),
        }
    }

    /// The same with these keys.
    #[must_use]
    pub fn with_vault(mut self, vault: Vault) -> Self {
        self.vault = Arc::new(vault);
        self.renewed()
    }

    /// The same, where these files and all below these folders are nobody's: the server keeps its own there.
    #[must_use]
    pub fn with_private(mut self, private: Vec<PathBuf>) -> Self {
        self.private = private;
        self.renewed()
    }

    fn renewed(mut self) -> Self {
        let (vault, private) = (Arc::clone(&self.vault), self.private.clone());
        self.finder = Arc::new(Finder::new(Arc::clone(&vault), private.clone()));
        self.pools = Arc::new(Pools::new(self.http.clone(), vault, private));
        self
    }
}
