//! The servers that use a database, known to each other by it.
//!
//! Times here are the database's, for hosts' clocks differ: how long ago a server was seen means the same to all.

use std::time::Duration;

use hcndc_core::time::Timestamp;
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, StatementBuilder,
    sea_query::{Expr, ExprTrait as _, OnConflict, Query, SimpleExpr},
};

use crate::{
    SqlError, SqlStore,
    entity::{Leader, Reader, Server},
    error::Doing as _,
};

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEntry {
    /// The name that it leads by; 255 characters at most.
    pub instance: String,
    /// Drawn by its process, so that two of one name tell each other apart; 255 characters at most.
    pub boot: String,
    /// Where others reach its API; `None` if they cannot.
    pub url: Option<String>,
    /// Version of its program.
    pub version: String,
    /// Whether an executor runs inside, which nobody else reaches.
    pub executor_inside: bool,
}

/// A server, as it is known to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownServer {
    /// What it said of itself.
    pub entry: ServerEntry,
    /// When it started, by the database's clock.
    pub started_at: Timestamp,
    /// When it was seen, by the same clock.
    pub seen_at: Timestamp,
    /// How long ago that is.
    pub silent_for: Duration,
}

/// All servers of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownServers {
    /// Each, by instance.
    pub servers: Vec<KnownServer>,
    /// The instance that holds the lease; it may be dead. `None` after it was released, or before anybody led.
    pub leader: Option<String>,
}

/// What became of a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// All know that the server is alive.
    Seen,
    /// Another process has come under the same name.
    Displaced,
    /// The row is gone: signed off, or forgotten after a long silence.
    Forgotten,
}

impl SqlStore {
    /// Says that a server has started, over whatever was known under its name.
    ///
    /// # Errors
    /// [`SqlError`] when it cannot be stored.
    pub async fn sign_on(&self, entry: &ServerEntry) -> Result<(), SqlError> {
        let now = self.now_micros();
        let mut over = OnConflict::column(Server::Instance);
        over.update_columns([
            Server::Boot,
            Server::Url,
            Server::Version,
            Server::ExecutorInside,
            Server::StartedAt,
            Server::SeenAt,
        ]);
        let statement = Query::insert()
            .into_table(Server::Table)
            .columns([
                Server::Instance,
                Server::Boot,
                Server::Url,
                Server::Version,
                Server::ExecutorInside,
                Server::StartedAt,
                Server::SeenAt,
            ])
            .values_panic([
                entry.instance.as_str().into(),
                entry.boot.as_str().into(),
                Expr::val(entry.url.as_deref()),
                entry.version.as_str().into(),
                entry.executor_inside.into(),
                now.clone(),
                now,
            ])
            .on_conflict(over)
            .to_owned();
        self.sign("sign a server on", &statement).await.map(drop)
    }

    /// Says that a server is alive.
    ///
    /// # Errors
    /// [`SqlError`] when it cannot be stored.
    pub async fn sign_of_life(&self, entry: &ServerEntry) -> Result<Signed, SqlError> {
        let doing = "tell that a server is alive";
        let statement = Query::update()
            .table(Server::Table)
            .value(Server::SeenAt, self.now_micros())
            .and_where(Expr::col(Server::Instance).eq(entry.instance.as_str()))
            .and_where(Expr::col(Server::Boot).eq(entry.boot.as_str()))
            .to_owned();
        if self.sign(doing, &statement).await? > 0 {
            return Ok(Signed::Seen);
        }
        let others = self.known_servers().await?.servers;
        let other = others.iter().find(|it| it.entry.instance == entry.instance);
        Ok(match other {
            // Where the time is the same as before, nothing was affected.
            Some(other) if other.entry.boot == entry.boot => Signed::Seen,
            Some(_) => Signed::Displaced,
            None => Signed::Forgotten,
        })
    }

    /// Says that a server has ended.
    ///
    /// # Errors
    /// [`SqlError`] when it cannot be stored.
    pub async fn sign_off(&self, entry: &ServerEntry) -> Result<(), SqlError> {
        let statement = Query::delete()
            .from_table(Server::Table)
            .and_where(Expr::col(Server::Instance).eq(entry.instance.as_str()))
            .and_where(Expr::col(Server::Boot).eq(entry.boot.as_str()))
            .to_owned();
        self.sign("sign a server off", &statement).await.map(drop)
    }

    /// Forgets servers that have been silent for so long.
    ///
    /// # Errors
    /// [`SqlError`] when it cannot be stored.
    pub async fn forget_servers(&self, silent_for: Duration) -> Result<(), SqlError> {
        let silent_for = i64::try_from(silent_for.as_micros()).unwrap_or(i64::MAX);
        let statement = Query::delete()
            .from_table(Server::Table)
            .and_where(Expr::col(Server::SeenAt).lt(self.now_micros().sub(silent_for)))
            .to_owned();
        self.sign("forget dead servers", &statement).await.map(drop)
    }

    /// All servers, and who leads.
    ///
    /// # Errors
    /// [`SqlError`] when they cannot be read.
    pub async fn known_servers(&self) -> Result<KnownServers, SqlError> {
        self.soon("read the servers", self.read_servers()).await
    }

    async fn read_servers(&self) -> Result<KnownServers, SqlError> {
        let doing = "read the servers";
        let statement = Query::select()
            .columns([
                Server::Instance,
                Server::Boot,
                Server::Url,
                Server::Version,
                Server::ExecutorInside,
                Server::StartedAt,
                Server::SeenAt,
            ])
            .expr_as(self.now_micros(), "now")
            .from(Server::Table)
            .order_by(Server::Instance, sea_orm::Order::Asc)
            .to_owned();
        let rows = self.reader().query_all(&statement).await.doing(doing)?;
        let servers = rows.iter().map(|row| {
            let row = Reader::new("server", row);
            let now: Timestamp = row.time("now")?;
            Ok(KnownServer {
                entry: ServerEntry {
                    instance: row.column("instance")?,
                    boot: row.column("boot")?,
                    url: row.column("url")?,
                    version: row.column("version")?,
                    executor_inside: row.column("executor_inside")?,
                },
                started_at: row.time("started_at")?,
                seen_at: row.time("seen_at")?,
                silent_for: now.since(row.time("seen_at")?),
            })
        });
        let servers = servers.collect::<Result<_, SqlError>>()?;
        let statement = Query::select()
            .column(Leader::Holder)
            .from(Leader::Table)
            .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
            .to_owned();
        let row = self.reader().query_one(&statement).await.doing(doing)?;
        let leader = match &row {
            Some(row) => Reader::new("leader", row).column("holder")?,
            None => None,
        };
        Ok(KnownServers { servers, leader })
    }

    /// Carries out a statement; returns how many rows matched, or changed, as the database counts.
    async fn sign(
        &self,
        doing: &'static str,
        statement: &impl StatementBuilder,
    ) -> Result<u64, SqlError> {
        let sign = async { self.signs().execute(statement).await.doing(doing) };
        let done = self.soon(doing, sign).await?;
        Ok(done.rows_affected())
    }

    /// The way in for signs of life and for accounts: on MySQL beside the two connections that commits and the lease need; SQLite has one for
    /// all that is written.
    pub(crate) fn signs(&self) -> &DatabaseConnection {
        match self.reader().get_database_backend() {
            DbBackend::MySql => self.reader(),
            _ => self.writer(),
        }
    }

    /// The database's clock, in microseconds.
    pub(crate) fn now_micros(&self) -> SimpleExpr {
        match self.reader().get_database_backend() {
            // The session's zone is UTC, so no hour comes twice.
            DbBackend::MySql => Expr::cust("CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"),
            _ => Expr::cust("CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"),
        }
    }
}
