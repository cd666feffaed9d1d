//! A few connections to each data source, kept while they are used.
//!
//! It makes connections itself rather than through a pool of the driver's, whose failures to connect would come late and as
//! "timed out": people are to see why there is no connection, and at once.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use hcndc_core::{
    engine::ResolveErrorKind, id::DataSourceId, model::DataSource, port::Clock as _,
    time::Timestamp,
};
use tokio::sync::Semaphore;

use super::{AskError, Connection, row::Row};
use crate::{
    clock::SystemClock,
    connect::{http::Http, settings},
    metrics,
    vault::Vault,
};

/// Connections to a data source, where its options do not say.
const CONNECTIONS: u64 = 4;
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);

/// How long a data source is tried out.
const TRIAL: Duration = Duration::from_secs(20);

/// Connections to all data sources.
pub struct Pools {
    http: Http,
    vault: Arc<Vault>,
    private: Vec<PathBuf>,
    pools: Mutex<BTreeMap<DataSourceId, Arc<Pool>>>,
    checks: Mutex<BTreeMap<DataSourceId, Check>>,
}

/// How a data source was when it was last asked anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// When that was known.
    pub at: Timestamp,
    /// Why it could not be asked, without its password; `None` if it answered.
    pub trouble: Option<String>,
    /// Of the data source.
    version: u32,
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pools").finish_non_exhaustive()
    }
}

/// Connections to one version of a data source.
struct Pool {
    source: Arc<DataSource>,
    permits: Semaphore,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl Pools {
    /// No connections yet. `vault` opens passwords; files that are `private`, or below such folders, are nobody's data source.
    #[must_use]
    pub fn new(http: Http, vault: Arc<Vault>, private: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            http,
            vault,
            private: private.into_iter().collect(),
            pools: Mutex::new(BTreeMap::new()),
            checks: Mutex::default(),
        }
    }

    /// A data source with its password as it is.
    fn opened(&self, source: &DataSource) -> Result<Arc<DataSource>, AskError> {
        let password = self.vault.open(&source.password);
        let password =
            password.map_err(|error| AskError::new(ResolveErrorKind::Other, error.to_string()))?;
        let source = source.clone();
        Ok(Arc::new(DataSource { password, ..source }))
    }

    /// The connections to a data source as it is now; those to an earlier version of it are let go.
    fn pool(&self, source: &Arc<DataSource>) -> Arc<Pool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pools.get(&source.id);
        if let Some(pool) = known.filter(|pool| pool.source == *source) {
            return Arc::clone(pool);
        }
        let most = settings::number(&source.options, "max_connections", CONNECTIONS);
        let pool = Arc::new(Pool {
            source: Arc::clone(source),
            permits: Semaphore::new(usize::try_from(most.clamp(1, 50)).unwrap_or(1)),
            idle: Mutex::new(Vec::new()),
        });
        pools.insert(source.id, Arc::clone(&pool));
        pool
    }

    /// The first row that a query gives, within this time.
    ///
    /// # Errors
    /// [`AskError`], without the data source's password.
    pub async fn ask(
        &self,
        source: &Arc<DataSource>,
        query: &str,
        timeout: Duration,
    ) -> Result<Row, AskError> {
        let source = &self.opened(source)?;
        let pool = self.pool(source);
        let began = Instant::now();
        let asking = unpanicked(self.ask_in(&pool, query, timeout));
        let asked = tokio::time::timeout(timeout, asking).await;
        let asked = asked.unwrap_or_else(|_| Err(AskError::timed_out(timeout)));
        metrics::queried(asked.is_ok(), began.elapsed());
        let asked = asked.map_err(|error| error.without(source.password.reveal()));
        match &asked {
            Ok(_) => self.note(source, None),
            Err(error) if error.kind.is_from_source() => self.note(source, None),
            Err(error) if error.kind == ResolveErrorKind::Unreachable => {
                self.note(source, Some(error.reason.clone()));
            }
            // A query that takes too long says nothing of its data source.
            Err(_) => {}
        }
        asked
    }

    /// How a data source was when this process last asked it; `None` if that was before it was changed, or never.
    #[must_use]
    pub fn last_check(&self, source: &DataSource) -> Option<Check> {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let check = checks.get(&source.id)?;
        (source.revision.version == check.version).then(|| check.clone())
    }

    fn note(&self, source: &DataSource, trouble: Option<String>) {
        let check = Check {
            at: SystemClock::new().now(),
            trouble,
            version: source.revision.version,
        };
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.insert(source.id, check);
    }

    /// Which system a data source is, in its own words.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    pub async fn version(&self, source: &Arc<DataSource>) -> Result<String, AskError> {
        let source = &self.opened(source)?;
        let trying = async {
            let mut connection = Connection::open(source, &self.http, &self.private).await?;
            connection.version().await
        };
        let tried = tokio::time::timeout(TRIAL, unpanicked(trying)).await;
        let tried = tried
            .unwrap_or_else(|_| Err(AskError::unreachable("it does not answer in time")))
            .map_err(|error: AskError| error.without(source.password.reveal()));
        self.note(source, tried.as_ref().err().map(|it| it.reason.clone()));
        tried
    }

    async fn ask_in(
        &self,
        pool: &Arc<Pool>,
        query: &str,
        timeout: Duration,
    ) -> Result<Row, AskError> {
        // It is never closed.
        let _permit = pool.permits.acquire().await;
        if let Some(mut connection) = pool.idle(Vec::pop).map(|(connection, _)| connection) {
            match connection.ask(query, timeout).await {
                // It broke while nobody used it; a new one shows whether the data source is there.
                Err(error) if error.kind == ResolveErrorKind::Unreachable => {}
                asked => {
                    pool.keep(connection);
                    return asked;
                }
            }
        }
        let mut connection = Connection::open(&pool.source, &self.http, &self.private).await?;
        // A connection whose query was given up in the middle is dropped with this future, and so closed.
        let asked = connection.ask(query, timeout).await;
        if !matches!(&asked, Err(error) if error.kind == ResolveErrorKind::Unreachable) {
            pool.keep(connection);
        }
        asked
    }
}

/// What a client makes of an answer. Some panic at what is none of their protocol; then nobody can be asked, and an attempt that waits
/// for its params is told so. The connection is gone with it.
async fn unpanicked<T>(asking: impl Future<Output = Result<T, AskError>>) -> Result<T, AskError> {
    let asked = AssertUnwindSafe(asking).catch_unwind().await;
    asked.unwrap_or_else(|_| Err(AskError::unreachable("what it answers is no such protocol")))
}

impl Pool {
    fn idle<R>(&self, with: impl FnOnce(&mut Vec<(Connection, Instant)>) -> R) -> R {
        with(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(self: &Arc<Self>, connection: Connection) {
        self.idle(|idle| idle.push((connection, Instant::now())));
        // One that was replaced meanwhile is gone with its connections.
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(IDLE).await;
            if let Some(pool) = pool.upgrade() {
                pool.idle(|idle| idle.retain(|(_, since)| since.elapsed() < IDLE));
            }
        });
    }
}
