//! What the database lets this program do, and with which settings. Asked by doing it.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, RuntimeErr};

use super::{Finding, Upkeep};
use crate::{SqlError, dialect::begin_write, error::Doing as _};

/// A packet that holds any statement of this program but for the row of a very large definition.
const PACKET: u64 = 4 << 20;
/// Connections that a server and its standby need.
const CONNECTIONS: u64 = 30;

impl Upkeep {
    pub(super) async fn probe(&self, findings: &mut Vec<Finding>) -> Result<(), SqlError> {
        match self.backend() {
            DbBackend::MySql => {
                self.session(findings).await?;
                self.server_settings(findings).await?;
                self.privileges(findings).await
            }
            _ => self.sqlite(findings).await,
        }
    }

    /// Each statement of this program on a table of this check's own.
    async fn privileges(&self, findings: &mut Vec<Finding>) -> Result<(), SqlError> {
        let connection: Option<i64> = self
            .one("ask who this is", "SELECT CAST(CONNECTION_ID() AS SIGNED)")
            .await?;
        let table = format!("hcndc_check_{}", connection.unwrap_or_default());
        // Dropping comes first: without that privilege nothing is made that would stay.
        for (privilege, statement) in [
            ("DROP", format!("DROP TABLE IF EXISTS {table}")),
            (
                "CREATE",
                format!("CREATE TABLE {table} (id bigint PRIMARY KEY) ENGINE=InnoDB"),
            ),
            ("ALTER", format!("ALTER TABLE {table} ADD COLUMN note text")),
            ("INDEX", format!("CREATE INDEX by_note ON {table} (id)")),
            (
                "INSERT",
                format!("INSERT INTO {table} (id, note) VALUES (1, '')"),
            ),
            (
                "UPDATE",
                format!("UPDATE {table} SET note = 'x' WHERE id = 1"),
            ),
            ("SELECT", format!("SELECT id FROM {table} FOR UPDATE")),
            ("DELETE", format!("DELETE FROM {table} WHERE id = 1")),
        ] {
            let done = self.db().execute_unprepared(&statement).await;
            if let Err(error) = done {
                let reason = error.to_string();
                findings.push(match is_denied(&error) {
                    true => Finding::Denied { privilege, reason },
                    false => Finding::Unwritable { reason },
                });
                break;
            }
        }
        // Where nothing could be made, there is nothing to drop.
        let drop_it = format!("DROP TABLE IF EXISTS {table}");
        let _ = self.db().execute_unprepared(&drop_it).await;
        Ok(())
    }

    /// Whether the session is as this program asked for when it connected.
    async fn session(&self, findings: &mut Vec<Finding>) -> Result<(), SqlError> {
        // The older name is MariaDB's before 11.1, the newer one that of MySQL 8.
        let isolation = self.variable("transaction_isolation").await?;
        let isolation = match isolation {
            Some(value) => Some(value),
            None => self.variable("tx_isolation").await?,
        };
        let mode = self.variable("sql_mode").await?;
        let zone = self.variable("time_zone").await?;
        for (variable, value, wants) in [
            ("transaction_isolation", isolation, "REPEATABLE-READ"),
            ("sql_mode", mode, "STRICT_ALL_TABLES"),
            ("time_zone", zone, "+00:00"),
        ] {
            let value = value.unwrap_or_default();
            if !value.contains(wants) {
                findings.push(Finding::Session {
                    variable,
                    value,
                    wants,
                });
            }
        }
        Ok(())
    }

    async fn server_settings(&self, findings: &mut Vec<Finding>) -> Result<(), SqlError> {
        let number = |value: Option<String>| value.and_then(|value| value.parse::<u64>().ok());
        if let Some(bytes) = number(self.variable("max_allowed_packet").await?)
            && bytes < PACKET
        {
            findings.push(Finding::Packet { bytes });
        }
        if let Some(most) = number(self.variable("max_connections").await?)
            && most < CONNECTIONS
        {
            findings.push(Finding::Connections { most });
        }
        for (variable, wants) in [
            ("innodb_flush_log_at_trx_commit", "1"),
            ("innodb_doublewrite", "ON"),
        ] {
            if let Some(value) = self.variable(variable).await?
                && value != wants
            {
                findings.push(Finding::Durability {
                    variable,
                    value,
                    wants,
                });
            }
        }
        Ok(())
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, SqlError> {
        let doing = "ask for a setting";
        let query = format!("SHOW SESSION VARIABLES LIKE '{name}'");
        let rows = self.rows(doing, query).await?;
        let value = rows.first().map(|row| row.try_get_by_index::<String>(1));
        value.transpose().doing(doing)
    }

    async fn sqlite(&self, findings: &mut Vec<Finding>) -> Result<(), SqlError> {
        let damage: Option<String> = self.one("look for damage", "PRAGMA quick_check(1)").await?;
        if let Some(reason) = damage.filter(|it| it != "ok") {
            findings.push(Finding::Damaged { reason });
        }
        if let Err(error) = self.write_to_file().await {
            let reason = error.to_string();
            findings.push(Finding::Unwritable { reason });
        }
        Ok(())
    }

    /// Writes, and takes it back.
    async fn write_to_file(&self) -> Result<(), DbErr> {
        let transaction = begin_write(self.db()).await?;
        let made = transaction
            .execute_unprepared("CREATE TABLE hcndc_check (id integer PRIMARY KEY)")
            .await;
        transaction.rollback().await?;
        made.map(drop)
    }
}

/// Whether the database says that this user may not do that.
fn is_denied(error: &DbErr) -> bool {
    #[cfg(feature = "mysql")]
    if let DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) =
        error
    {
        // Access to a database, table or column denied; a privilege that is needed in general.
        return error
            .as_database_error()
            .and_then(|error| error.try_downcast_ref::<sea_orm::sqlx::mysql::MySqlDatabaseError>())
            .is_some_and(|error| matches!(error.number(), 1044 | 1142 | 1143 | 1227));
    }
    let _ = error;
    false
}
