//! MySQL and MariaDB.

use std::{str::FromStr as _, sync::Arc, time::Duration};

use sea_orm::{Database, DatabaseConnection, DbErr, RuntimeErr, sqlx};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, mysql::MySqlConnectOptions};

use super::{PATIENCE, Pools, SqlOptions, open_error, pool};
use crate::{
    SqlError,
    commit::ScriptForm,
    dialect::{is_cluster, is_mariadb},
    migration,
};

/// What every connection is told first. The server's defaults differ from host to host: strict, so that what does
/// not fit is refused and not cut; repeatable reads, so that a load sees one moment; and a lock that is not had
/// within two seconds is an error that can be told.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
    time_zone = '+00:00', innodb_lock_wait_timeout = 2";
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
/// On a Galera cluster, reads wait for what other nodes have committed; elsewhere it does nothing.
const SYNC_WAIT: &str = "SET SESSION wsrep_sync_wait = 1";
/// MariaDB ends a transaction that nobody goes on with: a leader that was stopped in the middle of a commit would keep others
/// from taking over. Longer than a slow host needs between two statements of a large commit.
const IDLE_WRITES: &str = "SET SESSION idle_write_transaction_timeout = 10";
/// MySQL has no such setting: it ends whoever says nothing for so long, also one who has no transaction. Not shorter, for a
/// load of very much takes some seconds between two statements.
const IDLE: &str = "SET SESSION wait_timeout = 30";
/// ER_UNKNOWN_SYSTEM_VARIABLE: what a server without clusters says to that.
const UNKNOWN_VARIABLE: u16 = 1193;

/// Prepared statements that a connection keeps, enough for all that are asked again and again. For each one that has to make room the driver
/// (sqlx 0.9.0, which leaves Nagle's algorithm on: <https://github.com/transact-rs/sqlx/issues/4335>) waits 40 ms. A server keeps
/// 16,382 for all connections unless it is told otherwise.
const STATEMENTS: usize = 256;

pub(super) async fn connect(options: &SqlOptions, address: String) -> Result<Pools, SqlError> {
    knock(options, &address).await?;
    // The lock of the migrations belongs to a connection: there must be only one.
    let alone = open(options, 1).await;
    let alone = alone.map_err(|source| open_error(&address, source))?;
    migration::migrate(&alone, &address).await?;
    let scripts = script_form(&alone).await;
    let scripts = scripts.map_err(|source| open_error(&address, source))?;
    drop(alone.close().await);

    // Commits come one at a time; the second connection is for the lease, which is asked for while a commit is stuck.
    let writer = open(options, 2).await;
    let reader = open(options, options.readers.clamp(1, 100)).await;
    Ok(Pools {
        writer: writer.map_err(|source| open_error(&address, source))?,
        reader: reader.map_err(|source| open_error(&address, source))?,
        address,
        patience: options.patience,
        scripts,
    })
}

/// One connection to the tables as they are.
pub(super) async fn look(options: &SqlOptions, address: String) -> Result<Pools, SqlError> {
    knock(options, &address).await?;
    let alone = open(options, 1).await;
    let alone = alone.map_err(|source| open_error(&address, source))?;
    Ok(Pools {
        writer: alone.clone(),
        reader: alone,
        address,
        patience: options.patience,
        scripts: ScriptForm::Statements,
    })
}

/// Only MariaDB takes compound statements from outside. A node of a cluster may have to repeat a transaction that another one was in
/// the way of, which is best done by single statements.
async fn script_form(db: &DatabaseConnection) -> Result<ScriptForm, DbErr> {
    let takes_it = is_mariadb(db).await? && !is_cluster(db).await?;
    Ok(match takes_it {
        true => ScriptForm::Compound,
        false => ScriptForm::Statements,
    })
}

/// Finds out at once what is wrong with an address, or with what is there. A pool waits for a server that refuses
/// connections, and then tells of its own impatience only; one connection tells what is wrong.
async fn knock(options: &SqlOptions, address: &str) -> Result<(), SqlError> {
    let Ok(parsed) = MySqlConnectOptions::from_str(&options.url) else {
        let reason = "it is not of the form mysql://user:password@host:3306/database";
        let address = address.into();
        return Err(SqlError::Address { address, reason });
    };
    if parsed.get_database().is_none_or(str::is_empty) {
        let reason = "it names no database";
        let address = address.into();
        return Err(SqlError::Address { address, reason });
    }
    let first = parsed.connect().await;
    let first = first.map_err(|error| open_error(address, driver(error)))?;
    drop(first.close().await);
    Ok(())
}

async fn open(options: &SqlOptions, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut pool = pool(&options.url, connections);
    let patience = options.patience.min(PATIENCE);
    pool.test_before_acquire_if_idle_for(Duration::from_secs(5))
        .map_sqlx_mysql_opts(|mysql| mysql.statement_cache_capacity(STATEMENTS))
        .map_sqlx_mysql_pool_opts(move |pool| {
            // What was given up in the middle comes back here: perhaps in a transaction that the driver does not know of,
            // for it counts one only once the server has answered. And the pool would wait for an answer for as long as
            // the system keeps trying to send; meanwhile nobody could have its place.
            let pool = pool.after_release(move |connection, _| {
                Box::pin(async move {
                    let cleared = tokio::time::timeout(patience, connection.execute("ROLLBACK"));
                    let cleared = cleared.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
                    cleared.map(|_| true)
                })
            });
            pool.after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(SESSION).await?;
                    connection.execute(ISOLATION).await?;
                    for (where_there_is, otherwise) in
                        [(SYNC_WAIT, None), (IDLE_WRITES, Some(IDLE))]
                    {
                        match connection.execute(where_there_is).await {
                            Ok(_) => {}
                            Err(error) if !is_unknown_variable(&error) => return Err(error),
                            Err(_) => {
                                if let Some(otherwise) = otherwise {
                                    connection.execute(otherwise).await?;
                                }
                            }
                        }
                    }
                    Ok(())
                })
            })
        });
    Database::connect(pool).await
}

fn is_unknown_variable(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>())
        .is_some_and(|error| error.number() == UNKNOWN_VARIABLE)
}

fn driver(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

    use super::*;

    /// The server, if there is one. Where there must be, the tests in `tests` fail without it.
    fn server() -> Option<String> {
        let url = std::env::var("HCNDC_TEST_MYSQL_URL").ok();
        url.filter(|url| !url.is_empty())
    }

    #[tokio::test]
    async fn connections_wait_for_the_commits_of_other_nodes_where_there_can_be_any() {
        let Some(url) = server() else {
            return;
        };
        let db = open(&SqlOptions::new(url), 1).await.expect("connect");
        let show = "SHOW SESSION VARIABLES LIKE 'wsrep_sync_wait'";
        let found = Statement::from_string(DbBackend::MySql, show);
        let found = db.query_one_raw(found).await.expect("ask");
        if let Some(variable) = found {
            let value: String = variable.try_get_by_index(1).expect("a value");
            assert_eq!(value, "1");
        }
    }

    #[tokio::test]
    async fn many_statements_are_kept_prepared() {
        let Some(url) = server() else {
            return;
        };
        let db = open(&SqlOptions::new(url), 1).await.expect("connect");
        let ask = async |text: String| {
            let asked = Statement::from_string(DbBackend::MySql, text);
            let found = db.query_one_raw(asked).await.expect("ask");
            found.expect("an answer")
        };
        for number in 0..STATEMENTS - 1 {
            ask(format!("SELECT {number}")).await;
        }
        let closed = ask("SHOW SESSION STATUS LIKE 'Com_stmt_close'".to_owned()).await;
        let closed: String = closed.try_get_by_index(1).expect("a number");
        assert_eq!(closed, "0", "each would have cost 40 ms");
    }

    #[tokio::test]
    async fn a_server_without_clusters_is_taken_as_it_is() {
        let Some(url) = server() else {
            return;
        };
        let url = MySqlConnectOptions::from_str(&url).expect("an address");
        let mut server = url.connect().await.expect("connect");
        let unknown = server.execute("SET SESSION no_such_variable = 1").await;
        assert!(is_unknown_variable(&unknown.expect_err("there is none")));
        let wrong = server
            .execute("SET SESSION sql_mode = 'NO_SUCH_MODE'")
            .await;
        assert!(!is_unknown_variable(&wrong.expect_err("there is none")));
    }
}
