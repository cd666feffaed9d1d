//! Object stores in which complete logs are kept: S3 and what speaks it, Google Cloud Storage, Azure Blob Storage.
//!
//! An address says which and where: `s3://bucket/folder`, `gs://bucket/folder`, `az://container/folder`. Who asks, and what is
//! unlike the maker's own service (`AWS_ENDPOINT`, `AWS_ALLOW_HTTP`, …), stands in the environment, under the names that
//! [`object_store`] and the makers' own tools give them.

use std::{sync::Arc, time::Duration};

use hcndc_exec::LogObjects;
use object_store::{
    BackoffConfig, ObjectStore, ObjectStoreScheme, RetryConfig, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder,
};
use reqwest::Url;

/// Variables that object stores are set by.
const VARIABLES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// How long a request is tried again by itself. Not for long: a log that is not brought is tried again anyway, and what is wrong is to
/// be told soon.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        base: 2.,
    },
    max_retries: 3,
    retry_timeout: Duration::from_secs(30),
};

/// The store that a builder makes for an address with these options; those that it does not know are others'.
macro_rules! built {
    ($builder:ty, $url:expr, $options:expr) => {{
        let builder = <$builder>::new().with_url($url).with_retry(RETRY);
        let set = $options.into_iter().fold(builder, |builder, (key, value)| {
            match key.to_ascii_lowercase().parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            }
        });
        set.build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
    }};
}

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

/// As [`open`], where the environment is this: pairs of names and values.
///
/// # Errors
/// [`LogStoreError`].
pub fn open_with(
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
    let options: Vec<_> = options.collect();
    let store: Result<Arc<dyn ObjectStore>, _> = match scheme.0 {
        ObjectStoreScheme::MicrosoftAzure => built!(MicrosoftAzureBuilder, url, options),
        ObjectStoreScheme::GoogleCloudStorage => built!(GoogleCloudStorageBuilder, url, options),
        _ => built!(AmazonS3Builder, url, options),
    };
    let store = store.map_err(|source| LogStoreError::Settings {
        url: url.to_owned(),
        names,
        source: Box::new(source),
    })?;
    Ok(LogObjects::new(store, scheme.1))
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
