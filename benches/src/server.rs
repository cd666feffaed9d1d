//! A MySQL or MariaDB server to measure on.

use sea_orm::{ConnectionTrait as _, DatabaseConnection};

/// A server that the environment names.
#[derive(Debug)]
pub struct Server {
    url: String,
}

/// A database that was made for one measurement.
#[derive(Debug)]
pub struct Database {
    connection: DatabaseConnection,
    url: String,
    name: String,
}

impl Server {
    /// The server that `HCNDC_TEST_MYSQL_URL` names; its user may make databases.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        std::env::var("HCNDC_TEST_MYSQL_URL")
            .ok()
            .map(|url| Self { url })
    }

    /// Makes a database.
    ///
    /// # Panics
    /// If the server does not let us: a measurement has no other way to say so.
    pub async fn create_database(&self) -> Database {
        let connection = sea_orm::Database::connect(&self.url)
            .await
            .expect("the server answers");
        let name = format!("hcndc_bench_{}", std::process::id());
        let statement = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
        connection
            .execute_unprepared(&statement)
            .await
            .expect("a new database");
        let (server, query) = match self.url.split_once('?') {
            Some((server, query)) => (server, format!("?{query}")),
            None => (&*self.url, String::new()),
        };
        let url = format!("{}/{name}{query}", server.trim_end_matches('/'));
        Database {
            connection,
            url,
            name,
        }
    }
}

impl Database {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the database away.
    ///
    /// # Panics
    /// If the server does not let us.
    pub async fn drop(self) {
        let statement = format!("DROP DATABASE {}", self.name);
        self.connection
            .execute_unprepared(&statement)
            .await
            .expect("the database goes");
    }
}
