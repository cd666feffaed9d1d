//! SQL Server, by TDS.
//!
//! A query runs in a transaction that is always rolled back; if it ends that itself, what comes after begins the next one.
//! Only what asks is sent at all: `SELECT`, `WITH` and `VALUES`. Numbers and dates come as bytes, and are written as the
//! server would write them.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use futures_util::TryStreamExt as _;
use hcndc_core::{engine::ResolveErrorKind, model::DataSource};
use tiberius::{
    AuthMethod, ColumnData, ColumnType, Config, EncryptionLevel, QueryItem, error::Error,
};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

use super::{
    AskError, GRACE,
    row::{Cell, Row},
    statement,
};
use crate::connect::{settings, tls};

/// Tries to connect: as it is asked for, where that leads to, and without TLS.
const MOST_TRIES: usize = 4;
/// From this severity on the server ends the connection.
const FATAL: u8 = 20;
/// Where the words of the client begin that are about its own interface.
const ADVICE: &str = " To connect anyway you can:";

/// A connection.
pub(super) struct Client {
    connection: tiberius::Client<Compat<TcpStream>>,
}

impl Client {
    pub(super) async fn connect(source: &DataSource) -> Result<Self, AskError> {
        let mut to = (source.host.clone(), source.port.unwrap_or(1_433));
        let mut level = level(source);
        let mut left = MOST_TRIES;
        let connection = loop {
            let stream = TcpStream::connect((to.0.as_str(), to.1)).await;
            let stream = stream.map_err(|error| AskError::unreachable(error.to_string()))?;
            let _ = stream.set_nodelay(true);
            let config = config(source, &to, level)?;
            left -= 1;
            // Boxed, for it is by far the largest future that a query has.
            let connecting = Box::pin(tiberius::Client::connect(config, stream.compat_write()));
            match connecting.await {
                Ok(connection) => break connection,
                // A group of servers has those that only read elsewhere.
                Err(Error::Routing { host, port }) if left > 0 => to = (host, port),
                // It offers none; and nobody asked for more than what is offered.
                Err(Error::Protocol(_)) if left > 0 && level == EncryptionLevel::On => {
                    level = EncryptionLevel::NotSupported;
                }
                Err(error) => return Err(AskError::unreachable(told(&error))),
            }
        };
        let mut client = Self { connection };
        // One row is enough; and what follows the end of a transaction begins another, which is rolled back as well.
        client
            .run("SET IMPLICIT_TRANSACTIONS ON; SET XACT_ABORT ON; SET ROWCOUNT 1")
            .await
            .map_err(|error| AskError::unreachable(told(&error)))?;
        Ok(client)
    }

    async fn run(&mut self, statement: &str) -> tiberius::Result<()> {
        self.connection
            .simple_query(statement)
            .await?
            .into_results()
            .await?;
        Ok(())
    }

    pub(super) async fn ask(
        &mut self,
        query: &str,
        timeout: Duration,
    ) -> Result<Option<Row>, AskError> {
        if !statement::asks(query, &["select", "with", "values"]) {
            let reason = "a data source of SQL Server answers SELECT, WITH and VALUES, one of them and nothing else";
            return Err(AskError::new(ResolveErrorKind::Refused, reason));
        }
        let limit = timeout.saturating_add(GRACE).as_millis();
        // What waits for a lock gives up by itself; what computes is ended with its connection.
        let begin = format!(
            "SET LOCK_TIMEOUT {}; IF @@TRANCOUNT = 0 BEGIN TRANSACTION",
            limit.min(i32::MAX as u128)
        );
        self.run(&begin).await.map_err(|error| of_query(&error))?;
        let asked = self.first(query).await.map_err(|error| of_query(&error));
        // What fails here fails the next query on this connection, which then is not used again.
        let _ = self.run("IF @@TRANCOUNT > 0 ROLLBACK").await;
        asked
    }

    async fn first(&mut self, query: &str) -> tiberius::Result<Option<Row>> {
        let mut found = self.connection.query(query, &[]).await?;
        let mut first = None;
        // To the end, for errors come behind rows, too.
        while let Some(item) = found.try_next().await? {
            if let (QueryItem::Row(row), None) = (item, &first) {
                first = Some(read(&row));
            }
        }
        Ok(first)
    }
}

/// How much of the connection is to be TLS.
fn level(source: &DataSource) -> EncryptionLevel {
    match settings::text(&source.options, "tls") {
        Some("none") => EncryptionLevel::NotSupported,
        Some("require" | "verify_full") => EncryptionLevel::Required,
        _ => EncryptionLevel::On,
    }
}

fn config(
    source: &DataSource,
    to: &(String, u16),
    level: EncryptionLevel,
) -> Result<Config, AskError> {
    let mut config = Config::new();
    config.host(&to.0);
    config.port(to.1);
    config.application_name("hcndc");
    config.readonly(true);
    config.authentication(AuthMethod::sql_server(
        &source.user,
        source.password.reveal(),
    ));
    if !source.database.is_empty() {
        config.database(&source.database);
    }
    // Limits are the pool's, which drops a connection that it has given up.
    config.handshake_timeout(None);
    config.command_timeout(None);
    config.encryption(level);
    if settings::text(&source.options, "tls") != Some("verify_full") {
        config.trust_cert();
    } else if let Some(path) = settings::text(&source.options, "ca_file") {
        let found = tls::read_authorities(path);
        let other =
            |error: tls::TlsError| AskError::new(ResolveErrorKind::Other, error.to_string());
        for authority in found.map_err(other)? {
            config.trust_cert_ca_bundle(authority.to_vec());
        }
    }
    Ok(config)
}

fn told(error: &Error) -> String {
    let mut text = match error {
        Error::Server(said) => format!("{} ({})", said.message(), said.code()),
        other => other.to_string(),
    };
    if let Some(at) = text.find(ADVICE) {
        text.truncate(at);
    }
    text
}

fn of_query(error: &Error) -> AskError {
    let kind = match error {
        Error::Server(said) if said.class() >= FATAL => ResolveErrorKind::Unreachable,
        Error::Server(_) => ResolveErrorKind::Refused,
        Error::Conversion(_) => ResolveErrorKind::Other,
        _ => ResolveErrorKind::Unreachable,
    };
    AskError::new(kind, told(error))
}

fn read(found: &tiberius::Row) -> Row {
    let mut row = Row::default();
    for (at, (column, data)) in found.cells().enumerate() {
        row.push(column.name(), cell(found, at, column.column_type(), data));
    }
    row
}

/// A value as the server writes it as a text.
fn cell(row: &tiberius::Row, at: usize, of: ColumnType, data: &ColumnData<'_>) -> Cell {
    let is_money = matches!(of, ColumnType::Money | ColumnType::Money4);
    let moment = |form: &str| match row.try_get::<NaiveDateTime, _>(at) {
        Ok(moment) => Cell::of(moment.map(|it| it.format(form).to_string())),
        Err(error) => Cell::Unreadable(error.to_string()),
    };
    Cell::of(match data {
        ColumnData::U8(value) => value.map(|it| it.to_string()),
        ColumnData::I16(value) => value.map(|it| it.to_string()),
        ColumnData::I32(value) => value.map(|it| it.to_string()),
        ColumnData::I64(value) => value.map(|it| it.to_string()),
        ColumnData::F32(value) => value.map(|it| it.to_string()),
        ColumnData::F64(value) if is_money => value.map(|it| format!("{it:.4}")),
        ColumnData::F64(value) => value.map(|it| it.to_string()),
        ColumnData::Bit(value) => value.map(|it| u8::from(it).to_string()),
        ColumnData::String(value) => value.as_ref().map(ToString::to_string),
        ColumnData::Guid(value) => value.map(|it| it.to_string().to_uppercase()),
        ColumnData::Numeric(value) => value.map(|it| decimal(it.value(), it.scale())),
        ColumnData::Xml(value) => value.as_ref().map(|it| it.as_ref().to_string()),
        ColumnData::Binary(None) => None,
        ColumnData::Binary(Some(_)) => {
            return Cell::Unreadable("binary data are no text".to_owned());
        }
        ColumnData::DateTime(_) | ColumnData::DateTime2(_) => {
            return moment("%Y-%m-%d %H:%M:%S%.f");
        }
        ColumnData::SmallDateTime(_) => return moment("%Y-%m-%d %H:%M:%S"),
        ColumnData::Date(_) => match row.try_get::<NaiveDate, _>(at) {
            Ok(day) => day.map(|it| it.format("%Y-%m-%d").to_string()),
            Err(error) => return Cell::Unreadable(error.to_string()),
        },
        ColumnData::Time(_) => match row.try_get::<NaiveTime, _>(at) {
            Ok(time) => time.map(|it| it.format("%H:%M:%S%.f").to_string()),
            Err(error) => return Cell::Unreadable(error.to_string()),
        },
        ColumnData::DateTimeOffset(_) => match row.try_get::<DateTime<FixedOffset>, _>(at) {
            Ok(moment) => moment.map(|it| it.format("%Y-%m-%d %H:%M:%S%.f %:z").to_string()),
            Err(error) => return Cell::Unreadable(error.to_string()),
        },
    })
}

/// A number with so many of its digits behind the point, exactly.
fn decimal(value: i128, scale: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    let behind = usize::from(scale);
    if behind == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = behind + 1);
    let (before, behind) = digits.split_at(digits.len() - behind);
    format!("{sign}{before}.{behind}")
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals_are_exact() {
        for (value, scale, expected) in [
            (0, 2, "0.00"),
            (-5, 2, "-0.05"),
            (12_345, 0, "12345"),
            (12_345, 5, "0.12345"),
            (i128::MAX, 10, "17014118346046923173168730371.5884105727"),
        ] {
            assert_eq!(decimal(value, scale), expected);
        }
    }
}
