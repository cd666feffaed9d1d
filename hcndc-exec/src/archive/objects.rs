//! Logs in an object store: there they are kept for good, and the folder of an archive is a cache of them.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _};
use hcndc_core::id::AttemptId;
use object_store::{
    Error, ObjectStore, ObjectStoreExt as _, PutPayload, buffered::BufWriter, path::Path as Key,
};
use tokio::{
    fs::File,
    io::{AsyncWriteExt as _, copy},
    time::{Instant, timeout},
};

use crate::file_log::{FOLDER_BITS, FileLogError};

/// Beyond this a log goes up in parts.
const PART_BYTES: usize = 8 << 20;
/// How long a reader waits for the store. What it waits for is small, or comes in this time on any line that logs are kept over.
const READ_PATIENCE: Duration = Duration::from_secs(60);
/// How long a log goes up at most; then it is tried again with its end.
const WRITE_PATIENCE: Duration = Duration::from_secs(600);
/// For so long a log that was not there is taken not to be: whoever follows a job that runs asks several times a second.
const MISSED_FOR: Duration = Duration::from_secs(20);
/// Of so many it is known at most.
const MOST_MISSED: usize = 4_096;

/// An object store for complete logs, such as a bucket. Clones share what they know.
#[derive(Clone, Debug)]
pub struct LogObjects {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    missed: Arc<Mutex<BTreeMap<AttemptId, Instant>>>,
    downloads: Arc<AtomicU64>,
}

impl fmt::Display for LogObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.store, self.prefix)
    }
}

impl LogObjects {
    /// Logs in `store`, below `prefix`.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Key) -> Self {
        Self {
            store,
            prefix,
            missed: Arc::default(),
            downloads: Arc::default(),
        }
    }

    /// Whether objects can be written, read and deleted.
    ///
    /// # Errors
    /// The first thing that cannot, in the store's words.
    pub async fn check(&self) -> Result<(), FileLogError> {
        let key = self.prefix.clone().join("check");
        let payload = PutPayload::from_static(b"written by hcndc to see that it can");
        let put = within(READ_PATIENCE, &key, self.store.put(&key, payload));
        put.await?;
        let get = async { self.store.get(&key).await?.bytes().await };
        within(READ_PATIENCE, &key, get).await?;
        within(READ_PATIENCE, &key, self.store.delete(&key)).await
    }

    fn key(&self, attempt: AttemptId) -> Key {
        let folder = format!("{:08x}", attempt.0 >> FOLDER_BITS);
        let file = format!("{attempt}.log.z");
        self.prefix.clone().join(folder).join(file)
    }

    /// Keeps an empty log.
    pub(super) async fn put_nothing(&self, attempt: AttemptId) -> Result<(), FileLogError> {
        let key = self.key(attempt);
        let put = self.store.put(&key, PutPayload::new());
        within(WRITE_PATIENCE, &key, put).await.map(drop)
    }

    /// Keeps the log in a file.
    pub(super) async fn put(&self, attempt: AttemptId, path: &Path) -> Result<(), FileLogError> {
        let key = self.key(attempt);
        let up = async {
            let mut file = File::open(path).await?;
            let mut object =
                BufWriter::with_capacity(Arc::clone(&self.store), key.clone(), PART_BYTES);
            match copy(&mut file, &mut object).await {
                Ok(_) => object.shutdown().await,
                Err(error) => {
                    // Parts that nobody completes are kept, and paid for, by some stores.
                    let _ = object.abort().await;
                    Err(error)
                }
            }
        };
        let up = async { up.await.map_err(generic) };
        within(WRITE_PATIENCE, &key, up).await
    }

    /// Brings a log to this file; whether there is one.
    pub(super) async fn get(&self, attempt: AttemptId, path: &Path) -> Result<bool, FileLogError> {
        if self.was_missed(attempt) {
            return Ok(false);
        }
        let key = self.key(attempt);
        // Several may ask at once, each by itself: the last one stays, and all are the same.
        let number = self.downloads.fetch_add(1, Ordering::Relaxed);
        let new = path.with_extension(format!("{}-{number}.get", std::process::id()));
        let down = within(READ_PATIENCE, &key, self.download(&key, &new)).await;
        match down {
            Ok(()) => {
                let put = tokio::fs::rename(&new, path).await;
                put.map_err(|source| FileLogError::Io {
                    path: path.to_owned(),
                    source,
                })?;
                Ok(true)
            }
            Err(error) => {
                let _ = tokio::fs::remove_file(&new).await;
                match &error {
                    FileLogError::Object { source, .. }
                        if matches!(**source, Error::NotFound { .. }) =>
                    {
                        self.miss(attempt);
                        Ok(false)
                    }
                    _ => Err(error),
                }
            }
        }
    }

    async fn download(&self, key: &Key, path: &Path) -> Result<(), Error> {
        let mut pieces = self.store.get(key).await?.into_stream();
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(generic)?;
        }
        let mut file = File::create(path).await.map_err(generic)?;
        while let Some(piece) = pieces.next().await {
            file.write_all(&piece?).await.map_err(generic)?;
        }
        file.flush().await.map_err(generic)
    }

    /// Deletes logs that came before this, and says how many.
    pub(super) async fn sweep(&self, before: SystemTime) -> Result<usize, FileLogError> {
        let before = DateTime::<Utc>::from(before);
        let old = self.store.list(Some(&self.prefix));
        let old = old.try_filter(move |object| std::future::ready(object.last_modified < before));
        let keys = old.map_ok(|object| object.location).boxed();
        let mut swept = 0;
        let mut gone = self.store.delete_stream(keys);
        while let Some(deleted) = gone.next().await {
            deleted.map_err(|source| fault(&self.prefix, source))?;
            swept += 1;
        }
        Ok(swept)
    }

    fn was_missed(&self, attempt: AttemptId) -> bool {
        let missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed
            .get(&attempt)
            .is_some_and(|at| at.elapsed() < MISSED_FOR)
    }

    fn miss(&self, attempt: AttemptId) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        if missed.len() >= MOST_MISSED {
            missed.retain(|_, at| at.elapsed() < MISSED_FOR);
        }
        if missed.len() < MOST_MISSED {
            missed.insert(attempt, Instant::now());
        }
    }

    /// What was missed is there by now.
    pub(super) fn forget(&self, attempt: AttemptId) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.remove(&attempt);
    }
}

async fn within<T>(
    limit: Duration,
    key: &Key,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, FileLogError> {
    let done = timeout(limit, call).await;
    let done = done.unwrap_or_else(|_| {
        let late = format!("no answer within {} s", limit.as_secs());
        Err(generic(io::Error::new(io::ErrorKind::TimedOut, late)))
    });
    done.map_err(|source| fault(key, source))
}

fn fault(key: &Key, source: Error) -> FileLogError {
    FileLogError::Object {
        key: key.to_string(),
        source: Box::new(source),
    }
}

fn generic(source: io::Error) -> Error {
    Error::Generic {
        store: "log store",
        source: source.into(),
    }
}
