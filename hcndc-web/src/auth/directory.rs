//! Passwords that a directory checks, by LDAP: a service account looks for the person, then the password is tried on what was
//! found.
//!
//! Passwords go over TLS only, unless the settings say otherwise. An empty one is never sent: directories take a name without a
//! password for a wish to be nobody, and say yes (RFC 4513, 5.1.2).

use std::{fmt::Write as _, future::Future, path::PathBuf, sync::Arc, time::Duration};

use hcndc_core::{model::Secret, port::Origin};
use hcndc_exec::trust;
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchEntry,
    SearchOptions, ldap_escape,
};
use tokio::sync::Semaphore;

use super::outside::{Person, Rules};
use crate::causes::with_causes;

/// How long all that a directory is asked for one person may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// People who are looked for at once.
const AT_ONCE: usize = 8;
/// What an entry is known by for ever, whatever it is called: of OpenLDAP and others (RFC 4530), of Active Directory, of FreeIPA.
const SUBJECTS: [&str; 3] = ["entryUUID", "objectGUID", "ipaUniqueID"];
/// What stands for the account in a filter.
pub const ACCOUNT: &str = "{account}";
/// What stands for the name of a person's entry in a filter.
pub const DN: &str = "{dn}";

/// Where a directory is, and how people are found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapSettings {
    /// `ldap://host:port` or `ldaps://host:port`.
    pub url: String,
    /// With `ldap://`: passwords go in clear, and not over StartTLS.
    pub insecure: bool,
    /// PEM file of the authority that vouches for the directory, besides those that this host trusts.
    pub authority: Option<PathBuf>,
    /// The name that the directory is searched under; `None` for nobody's.
    pub bind_dn: Option<String>,
    /// Its password.
    pub bind_password: Secret,
    /// Below which entry people are.
    pub base: String,
    /// Who is meant by an account: a filter with [`ACCOUNT`].
    pub filter: String,
    /// The attribute with what a person is called here.
    pub account_attribute: String,
    /// The attribute with a person's name.
    pub name_attribute: String,
    /// The attribute of a person with its groups.
    pub group_attribute: String,
    /// Where groups name their members instead: a filter with [`DN`] or [`ACCOUNT`]. Names of what it finds are groups.
    pub group_filter: Option<String>,
    /// Below which entry groups are; `None` for the people's.
    pub group_base: Option<String>,
    /// What people from there may do.
    pub rules: Rules,
}

/// What a directory did not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It cannot be reached, or TLS was not agreed on.
    #[error("the directory at {url} cannot be reached: {reason}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why not.
        reason: String,
    },
    /// It did not answer in time.
    #[error("the directory at {url} did not answer in {} s", PATIENCE.as_secs())]
    Slow {
        /// Where.
        url: String,
    },
    /// It refuses who searches.
    #[error("the directory refuses the account that searches ({name}): {reason}")]
    Service {
        /// As whom.
        name: String,
        /// What it says.
        reason: String,
    },
    /// It refuses a search.
    #[error("the directory does not search below {base:?} for {filter}: {reason}")]
    Search {
        /// Where.
        base: String,
        /// What for.
        filter: String,
        /// What it says.
        reason: String,
    },
    /// More than one entry is meant.
    #[error(
        "more than one entry below {base:?} fits {filter}: --ldap-filter must tell one from another"
    )]
    Ambiguous {
        /// Where.
        base: String,
        /// What for.
        filter: String,
    },
    /// An entry does not say what the person is called.
    #[error("{dn} has no attribute {attribute}: name another one with --ldap-account-attribute")]
    NoAccount {
        /// Which entry.
        dn: String,
        /// What it lacks.
        attribute: String,
    },
    /// It answers a try of a password with something else than yes or no.
    #[error("the directory does not check the password of {dn}: {reason}")]
    Check {
        /// Whose.
        dn: String,
        /// What it says.
        reason: String,
    },
}

/// A directory.
#[derive(Debug)]
pub struct Directory {
    settings: LdapSettings,
    tls: Arc<rustls::ClientConfig>,
    permits: Semaphore,
}

/// Somebody in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name of the entry.
    pub dn: String,
    /// Who it is, if the password fits.
    pub person: Person,
}

/// A conversation with a directory, as the account that searches.
pub struct Asking<'a> {
    settings: &'a LdapSettings,
    ldap: Ldap,
}

impl std::fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

impl Directory {
    /// The directory of these settings; nothing is asked yet.
    ///
    /// # Errors
    /// [`trust::TlsError`] if the authority's file cannot be used.
    pub fn new(settings: LdapSettings) -> Result<Self, trust::TlsError> {
        let authority = settings
            .authority
            .as_deref()
            .map(|path| path.to_string_lossy());
        let tls = Arc::new(trust::client_config(authority.as_deref())?);
        Ok(Self {
            settings,
            tls,
            permits: Semaphore::const_new(AT_ONCE),
        })
    }

    /// What people from there may do.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.settings.rules
    }

    /// The person whose account and password these are; `None` if they are nobody's.
    ///
    /// # Errors
    /// [`DirectoryError`] if the directory does not say.
    pub async fn check(
        &self,
        account: &str,
        password: &str,
    ) -> Result<Option<Person>, DirectoryError> {
        if password.is_empty() {
            return Ok(None);
        }
        self.soon(async {
            // It is never closed.
            let _permit = self.permits.acquire().await.ok();
            let mut asking = self.ask().await?;
            let Some(found) = asking.find(account).await? else {
                return Ok(None);
            };
            let fits = asking.proves(&found, password).await?;
            Ok(fits.then_some(found.person))
        })
        .await
    }

    /// Bounds how long something may take.
    ///
    /// # Errors
    /// [`DirectoryError::Slow`], and what it fails with.
    pub async fn soon<T>(
        &self,
        asking: impl Future<Output = Result<T, DirectoryError>>,
    ) -> Result<T, DirectoryError> {
        let asked = tokio::time::timeout(PATIENCE, asking).await;
        asked.unwrap_or_else(|_| {
            Err(DirectoryError::Slow {
                url: self.settings.url.clone(),
            })
        })
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// [`DirectoryError::Unreachable`], [`DirectoryError::Service`].
    pub async fn ask(&self) -> Result<Asking<'_>, DirectoryError> {
        let settings = &self.settings;
        let unreachable = |error: LdapError| DirectoryError::Unreachable {
            url: settings.url.clone(),
            reason: with_causes(&error),
        };
        let starttls = !settings.insecure && settings.url.starts_with("ldap://");
        let how = LdapConnSettings::new()
            .set_config(Arc::clone(&self.tls))
            .set_starttls(starttls);
        let connected = LdapConnAsync::with_settings(how, &settings.url).await;
        let (connection, mut ldap) = connected.map_err(unreachable)?;
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "connection to the directory ended");
            }
        });
        if let Some(name) = &settings.bind_dn {
            let bound = ldap
                .simple_bind(name, settings.bind_password.reveal())
                .await;
            let bound = bound.map_err(unreachable)?;
            if bound.rc != 0 {
                return Err(DirectoryError::Service {
                    name: name.clone(),
                    reason: said(&bound),
                });
            }
        }
        Ok(Asking { settings, ldap })
    }
}

impl Asking<'_> {
    /// Who is meant by an account, if anybody.
    ///
    /// # Errors
    /// [`DirectoryError::Search`], [`DirectoryError::Ambiguous`], [`DirectoryError::NoAccount`].
    pub async fn find(&mut self, account: &str) -> Result<Option<Found>, DirectoryError> {
        let settings = self.settings;
        let filter = settings.filter.replace(ACCOUNT, &ldap_escape(account));
        let mut attributes = SUBJECTS.to_vec();
        attributes.extend([
            settings.account_attribute.as_str(),
            &settings.name_attribute,
            &settings.group_attribute,
        ]);
        let entries = self.search(&settings.base, &filter, &attributes, 2).await?;
        let [entry] = entries.as_slice() else {
            return match entries.is_empty() {
                true => Ok(None),
                false => Err(DirectoryError::Ambiguous {
                    base: settings.base.clone(),
                    filter,
                }),
            };
        };
        let called = texts(entry, &settings.account_attribute).into_iter().next();
        let called = called.ok_or_else(|| DirectoryError::NoAccount {
            dn: entry.dn.clone(),
            attribute: settings.account_attribute.clone(),
        })?;
        let groups = match &settings.group_filter {
            None => texts(entry, &settings.group_attribute),
            Some(filter) => {
                let filter = filter
                    .replace(DN, &ldap_escape(entry.dn.as_str()))
                    .replace(ACCOUNT, &ldap_escape(called.as_str()));
                let base = settings.group_base.as_ref().unwrap_or(&settings.base);
                let found = self.search(base, &filter, &["1.1"], 0).await?;
                found.into_iter().map(|group| group.dn).collect()
            }
        };
        let subject = SUBJECTS.iter().find_map(|name| subject(entry, name));
        let name = texts(entry, &settings.name_attribute).into_iter().next();
        Ok(Some(Found {
            person: Person {
                origin: Origin::Ldap,
                subject: subject.unwrap_or_else(|| entry.dn.to_lowercase()),
                account: called,
                name: name.unwrap_or_default(),
                groups,
            },
            dn: entry.dn.clone(),
        }))
    }

    /// Whether a password is somebody's. The conversation is that person's from then on.
    ///
    /// # Errors
    /// [`DirectoryError::Check`] if the directory says neither yes nor no.
    pub async fn proves(&mut self, found: &Found, password: &str) -> Result<bool, DirectoryError> {
        if password.is_empty() {
            return Ok(false);
        }
        let check = |reason: String| DirectoryError::Check {
            dn: found.dn.clone(),
            reason,
        };
        let bound = self.ldap.simple_bind(&found.dn, password).await;
        let bound = bound.map_err(|error| check(with_causes(&error)))?;
        match bound.rc {
            0 => Ok(true),
            // Wrong, or not to be used now: expired, locked, not allowed here. Which, is in the directory's words.
            19 | 48 | 49 | 50 | 53 => {
                tracing::debug!(
                    dn = found.dn,
                    reason = said(&bound),
                    "the directory refuses a password"
                );
                Ok(false)
            }
            _ => Err(check(said(&bound))),
        }
    }

    async fn search(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[&str],
        most: i32,
    ) -> Result<Vec<SearchEntry>, DirectoryError> {
        let failed = |reason: String| DirectoryError::Search {
            base: base.to_owned(),
            filter: filter.to_owned(),
            reason,
        };
        let options = SearchOptions::new().sizelimit(most);
        let searched = self.ldap.with_search_options(options);
        let searched = searched
            .search(base, Scope::Subtree, filter, attributes)
            .await;
        let ldap3::SearchResult(entries, result) =
            searched.map_err(|error| failed(with_causes(&error)))?;
        // That there are more than were asked for is an answer.
        if !matches!(result.rc, 0 | 4) {
            return Err(failed(said(&result)));
        }
        Ok(entries.into_iter().map(SearchEntry::construct).collect())
    }
}

/// What a directory says to something that it does not do.
fn said(result: &LdapResult) -> String {
    let text = result.text.trim_matches(['\0', ' ', '\n']);
    // The library knows the names of codes.
    let name = result.to_string();
    match text.is_empty() || name.contains(text) {
        true => name,
        false => format!("{name}: {text}"),
    }
}

/// The values of an attribute, whatever its case.
fn texts(entry: &SearchEntry, name: &str) -> Vec<String> {
    let mut all = entry.attrs.iter();
    let found = all.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, values)| values.clone()).unwrap_or_default()
}

/// What an entry is known by, by this attribute. Active Directory's has 16 bytes, which may look like a text.
fn subject(entry: &SearchEntry, name: &str) -> Option<String> {
    let is_it = |key: &String| key.eq_ignore_ascii_case(name);
    let bytes = entry.bin_attrs.iter().find(|(key, _)| is_it(key));
    let bytes = bytes.and_then(|(_, values)| values.first().cloned());
    let bytes = match bytes {
        Some(bytes) => bytes,
        None => texts(entry, name).into_iter().next()?.into_bytes(),
    };
    if name != "objectGUID" {
        return String::from_utf8(bytes).ok().filter(|it| !it.is_empty());
    }
    let mut text = String::new();
    for byte in bytes {
        // A text takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}
