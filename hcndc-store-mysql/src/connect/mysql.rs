//! MySQL and MariaDB.

use std::{str::FromStr as _, sync::Arc, time::Duration};

use sea_orm::{Database, DatabaseConnection, DbErr, RuntimeErr, sqlx};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, mysql::MySqlConnectOptions};

use super::{Pools, SqlOptions, open_error, pool};
use crate::{SqlError, migration};

/// What every connection is told first. The server's defaults differ from host to host: strict, so that what does
/// not fit is refused and not cut; repeatable reads, so that a load sees one moment; and a lock that is not had
/// within two seconds is an error that can be told.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
    time_zone = '+00:00', innodb_lock_wait_timeout = 2";
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

pub(super) async fn connect(options: &SqlOptions, address: String) -> Result<Pools, SqlError> {
    let Ok(parsed) = MySqlConnectOptions::from_str(&options.url) else {
        let reason = "it is not of the form mysql://user:password@host:3306/database";
        return Err(SqlError::Address { address, reason });
    };
    if parsed.get_database().is_none_or(str::is_empty) {
        let reason = "it names no database";
        return Err(SqlError::Address { address, reason });
    }
    // A pool waits for a server that refuses connections, and then tells of its own impatience only; one connection
    // tells at once what is wrong.
    let first = parsed.connect().await;
    let first = first.map_err(|error| open_error(&address, driver(error)))?;
    drop(first.close().await);

    // The lock of the migrations belongs to a connection: there must be only one.
    let alone = open(&options.url, 1).await;
    let alone = alone.map_err(|source| open_error(&address, source))?;
    migration::migrate(&alone, &address).await?;
    drop(alone.close().await);

    // Commits come one at a time; the second connection is for the lease, which is asked for while a commit is stuck.
    let writer = open(&options.url, 2).await;
    let reader = open(&options.url, options.readers.clamp(1, 100)).await;
    Ok(Pools {
        writer: writer.map_err(|source| open_error(&address, source))?,
        reader: reader.map_err(|source| open_error(&address, source))?,
        address,
    })
}

async fn open(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut pool = pool(url, connections);
    pool.test_before_acquire_if_idle_for(Duration::from_secs(5))
        .map_sqlx_mysql_pool_opts(|pool| {
            pool.after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(SESSION).await?;
                    connection.execute(ISOLATION).await?;
                    Ok(())
                })
            })
        });
    Database::connect(pool).await
}

fn driver(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}
