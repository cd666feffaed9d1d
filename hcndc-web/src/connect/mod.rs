//! Connectors: the way to people, to data sources and to the places where files arrive.
//!
//! Each connector is a file of its own. What they are told by definitions are texts; [`settings`] says which there are.
//! None knows of the API or of the scheduler: those use them through the ports of the core, and through
//! [`Connect`], which tries a connection out.

pub mod alert;
pub mod http;
pub mod settings;
pub mod tls;

use std::sync::Arc;

use chrono_tz::Tz;

use self::{
    alert::{Manners, desk::Patience},
    http::Http,
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
}

impl Connect {
    /// For a server whose pages are there.
    #[must_use]
    pub fn new(lang: Lang, zone: Tz, base_url: Option<String>) -> Self {
        let base_url = base_url.map(|url| url.trim_end_matches('/').to_owned());
        Self {
            http: Http::new(),
            manners: Manners { lang, zone },
            base_url,
            patience: Patience::default(),
            vault: Arc::default(),
        }
    }

    /// The same with these keys.
    #[must_use]
    pub fn with_vault(self, vault: Vault) -> Self {
        let vault = Arc::new(vault);
        Self { vault, ..self }
    }
}
