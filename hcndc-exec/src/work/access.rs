//! How data sources are connected to.

use std::{collections::BTreeMap, path::Path, time::Duration};

use hcndc_core::engine::SourceAccess;
use reqwest::Url;
use sqlx::{
    mysql::{MySqlConnectOptions, MySqlSslMode},
    postgres::{PgConnectOptions, PgSslMode},
    sqlite::SqliteConnectOptions,
};

/// How long a writer of a file is waited for.
const BUSY: Duration = Duration::from_secs(60);

fn option<'a>(options: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    options.get(name).map(|text| text.trim())
}

/// How a MySQL or MariaDB is connected to.
#[must_use]
pub fn mysql(source: &SourceAccess) -> MySqlConnectOptions {
    let mut options = MySqlConnectOptions::new()
        .host(&source.host)
        .port(source.port.unwrap_or(3_306))
        // Times are told as the server would tell them to anybody.
        .timezone(None)
        .ssl_mode(match option(&source.options, "tls") {
            Some("none") => MySqlSslMode::Disabled,
            Some("require") => MySqlSslMode::Required,
            Some("verify_ca") => MySqlSslMode::VerifyCa,
            Some("verify_full") => MySqlSslMode::VerifyIdentity,
            _ => MySqlSslMode::Preferred,
        });
    if !source.user.is_empty() {
        options = options.username(&source.user);
    }
    if !source.password.is_empty() {
        options = options.password(source.password.reveal());
    }
    if !source.database.is_empty() {
        options = options.database(&source.database);
    }
    if let Some(path) = option(&source.options, "ca_file") {
        options = options.ssl_ca(path);
    }
    options
}

/// How a PostgreSQL is connected to.
#[must_use]
pub fn postgres(source: &SourceAccess) -> PgConnectOptions {
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&source.host)
        .port(source.port.unwrap_or(5_432))
        // Also where there are none: what the process's own environment holds is for nobody's host.
        .username(&source.user)
        .password(source.password.reveal())
        .application_name("hcndc")
        .ssl_mode(match option(&source.options, "tls") {
            Some("none") => PgSslMode::Disable,
            Some("require") => PgSslMode::Require,
            Some("verify_ca") => PgSslMode::VerifyCa,
            Some("verify_full") => PgSslMode::VerifyFull,
            _ => PgSslMode::Prefer,
        });
    if !source.database.is_empty() {
        options = options.database(&source.database);
    }
    if let Some(path) = option(&source.options, "ca_file") {
        options = options.ssl_root_cert(path);
    }
    options
}

/// How a file of SQLite is opened to be written. One that is not there is not made: it would be empty.
#[must_use]
pub fn sqlite(source: &SourceAccess) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(Path::new(&source.database))
        .create_if_missing(false)
        .busy_timeout(BUSY)
}

/// Where a ClickHouse is asked, and by which headers its user proves who it is.
///
/// # Errors
/// When no address can be made of its host.
pub fn clickhouse(source: &SourceAccess) -> Result<(Url, Vec<(String, String)>), String> {
    // The port says which of both it is, so there is no "if it is offered".
    let (scheme, usual) = match option(&source.options, "tls") {
        Some("verify_full") => ("https", 8_443),
        _ => ("http", 8_123),
    };
    let port = source.port.unwrap_or(usual);
    let host = match source.host.contains(':') {
        true => format!("[{}]", source.host),
        false => source.host.clone(),
    };
    let mut url = Url::parse(&format!("{scheme}://{host}:{port}/"))
        .map_err(|error| format!("host {:?} cannot stand in an address: {error}", source.host))?;
    // In the address: old versions pass over the header for it, and ask their own default.
    if !source.database.is_empty() {
        url.query_pairs_mut()
            .append_pair("database", &source.database);
    }
    let headers = [
        ("x-clickhouse-user", source.user.as_str()),
        ("x-clickhouse-key", source.password.reveal()),
    ];
    let given = headers.into_iter().filter(|(_, value)| !value.is_empty());
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok((url, given.collect()))
}

/// How long a connection may take.
#[must_use]
pub fn patience(source: &SourceAccess) -> Duration {
    let seconds = option(&source.options, "connect_seconds");
    let seconds = seconds.and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(10))
}
