//! Object stores in which complete logs are kept: S3 and what speaks it, Google Cloud Storage, Azure Blob Storage.
//!
//! An address says which and where: `s3://bucket/folder`, `gs://bucket/folder`, `az://container/folder`. Who asks, and what is
//! unlike the maker's own service (`AWS_ENDPOINT`, `AWS_ALLOW_HTTP`, …), stands in the environment, under the names that
//! [`object_store`] and the makers' own tools give them.

use std::sync::Arc;

use hcndc_exec::LogObjects;
use object_store::{ObjectStore, ObjectStoreScheme, parse_url_opts};
use reqwest::Url;

/// Variables that object stores are set by.
const VARIABLES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// Why an address leads to no object store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogStoreError {
    /// It is none.
    #[error(
        "--log-store {url}: {reason}; give s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or az://CONTAINER/FOLDER"
    )]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What stands in the environment does not do.
    #[error("--log-store {url}: {source}; see the variables {names} in the environment")]
    Settings {
        /// What was given.
        url: String,
        /// Which variables those are, by their beginning.
        names: &'static str,
        /// What is wrong.
        source: Box<object_store::Error>,
    },
}

/// The object store at an address, as the environment sets it. Nobody is asked yet.
///
/// # Errors
/// [`LogStoreError`].
pub fn open(url: &str) -> Result<LogObjects, LogStoreError> {
    open_with(url, std::env::vars())
}

fn open_with(
    url: &str,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<LogObjects, LogStoreError> {
    let address = |reason: String| LogStoreError::Address {
        url: url.to_owned(),
        reason,
    };
    let parsed = Url::parse(url).map_err(|error| address(error.to_string()))?;
    let scheme = ObjectStoreScheme::parse(&parsed).map_err(|error| address(error.to_string()))?;
    let names = match scheme.0 {
        ObjectStoreScheme::AmazonS3 => VARIABLES[0],
        ObjectStoreScheme::MicrosoftAzure => VARIABLES[1],
        ObjectStoreScheme::GoogleCloudStorage => VARIABLES[2],
        _ => return Err(address("it leads to no object store".to_owned())),
    };
    let options = environment.filter(|(name, _)| name.starts_with(names));
    let (store, prefix) =
        parse_url_opts(&parsed, options).map_err(|source| LogStoreError::Settings {
            url: url.to_owned(),
            names,
            source: Box::new(source),
        })?;
    Ok(LogObjects::new(Arc::<dyn ObjectStore>::from(store), prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(url: &str) -> Result<String, String> {
        let none = std::iter::empty();
        let opened = open_with(url, none);
        opened.map(|it| it.to_string()).map_err(|it| it.to_string())
    }

    #[test]
    fn an_address_says_which_store_and_where() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for url in ["s3://logs/night", "s3a://logs/night", "gs://logs/night"] {
            let opened = opened(url);
            assert!(opened.is_ok_and(|it| it.ends_with("/night")), "{url}");
        }
    }

    #[test]
    fn what_leads_to_no_store_is_refused_with_a_remedy() {
        for url in [
            "logs",
            "memory:///",
            "file:///tmp",
            "http://a/b",
            "ftp://a/b",
        ] {
            let error = opened(url).expect_err(url);
            assert!(
                error.contains(url) && error.contains("s3://BUCKET"),
                "{error}"
            );
        }
        let error = opened("az://logs/night").expect_err("no account is named");
        assert!(error.contains("AZURE_"), "{error}");
    }
}
