//! The server, put together: store, executor, scheduler, API.

use std::{
    fs::{self, File, TryLockError},
    io,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono_tz::Tz;
use hcndc_core::{
    engine::{EditBatch, Input, Settings},
    model::{DefinitionKind, Edit, ExecutorDraft},
    port::{Clock as _, DefinitionQuery, History as _},
    scheduler::{Leadership, SchedulerError},
};
use hcndc_exec::{FileLogError, LogObjects, transport::LogSink};
use hcndc_store_mysql::{Durability, ServerEntry, SqlError, SqlOptions, SqlStore};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::task::AbortOnDropHandle;
use warp::http::uri::Authority;

use crate::{
    api,
    app::{App, Hosts, WebSettings},
    auth::{
        Access, Auth, SignInError,
        directory::{Directory, LdapSettings},
        provider::{OidcSettings, OidcSettingsError, Provider},
    },
    causes::with_causes,
    clock::SystemClock,
    connect::{
        Connect,
        log_sink::Known,
        report::{Courier, Ids, Pace, Report},
    },
    database,
    driving::{Driving, Parts},
    handle::{CommandError, SchedulerHandle, channel},
    https::{self, Https, HttpsError, HttpsFiles},
    interchange::Lang,
    lead::{Lead, Leading},
    live::Live,
    local_executor::{self, LocalExecutor, LocalExecutorError, LogsTo, Transports},
    metrics,
    names::Names,
    peers::{Clash, Keeping, Peers},
    recording::{RecordTo, Recorder},
    retention::{self, KeepFor},
    vault::{KeySource, Vault, VaultError, secret_of},
};

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Folder for database, logs and the executor inside; made if need be.
    pub data_dir: PathBuf,
    /// Where the API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whom the API answers. [`Access::Open`] is for loopback: whoever reaches it can run commands.
    pub access: Access,
    /// Address of the database; `None` for a SQLite file in the data folder.
    pub database: Option<String>,
    /// The certificate, if the API speaks TLS, and whom it believes when it asks other servers.
    pub https: HttpsFiles,
    /// The directory that checks passwords of users who are not local.
    pub ldap: Option<LdapSettings>,
    /// The provider that signs people in.
    pub oidc: Option<OidcSettings>,
    /// Requests a second that each caller may send; `None` for as many as they like.
    pub rate_limit: Option<NonZeroU32>,
    /// Where other servers on the database reach the API: `http://host:port` or `https://host:port`. `None` for the address that it listens at,
    /// which is none that others reach if it listens at all.
    pub advertise: Option<String>,
    /// Folder for logs that are complete; `None` for one in the data folder. Servers on one database may share it.
    pub log_dir: Option<PathBuf>,
    /// Object store in which complete logs are kept for good; then that folder is a cache.
    pub log_store: Option<LogObjects>,
    /// Where logs of ended attempts are said again.
    pub log_sinks: Vec<Arc<dyn LogSink>>,
    /// Who is told of executions that have ended.
    pub reports: Vec<Arc<dyn Report>>,
    /// Whether jobs are told which traces they are a part of.
    pub trace_jobs: bool,
    /// Whether an executor runs on this host for this server. Only this server reaches it, so there must be no other then.
    pub executor: bool,
    /// Attempts alive at once in all.
    pub max_running: u32,
    /// Slots of the executor on this host, when it is made.
    pub slots: u32,
    /// Zone that decides which day "yesterday" is.
    pub zone: Tz,
    /// Where people reach the pages, for alerts; `None` for the address that others are told or that it listens at.
    pub base_url: Option<String>,
    /// Language of alerts whose channel names none.
    pub lang: Lang,
    /// Where what goes into the scheduler is recorded, if it is.
    pub record: Option<RecordTo>,
    /// How long history is kept.
    pub keep: KeepFor,
    /// Where the keys are that seal passwords of definitions.
    pub keys: KeySource,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    app: Arc<App<SqlStore, Arc<Transports>>>,
    address: SocketAddr,
    scheme: &'static str,
    stop: watch::Sender<bool>,
    api: JoinHandle<()>,
    driving: Driving,
    peers: Arc<Peers>,
    _keeping: Keeping,
    local: Option<LocalExecutor>,
    store: SqlStore,
    retention: AbortOnDropHandle<()>,
    couriers: Vec<AbortOnDropHandle<()>>,
    first_password: Option<String>,
    _lock: File,
}

/// Why a server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}", path.display())]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another server uses the data folder.
    #[error("another hcndc serves from {}; stop it, or name another folder with --data-dir", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// The folder for recordings cannot be used.
    #[error("cannot record to {}", path.display())]
    Recording {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}; name another address with --listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate cannot be used.
    #[error("cannot speak TLS")]
    Https(#[from] HttpsError),
    /// The directory's authority cannot be used.
    #[error("--ldap-ca: {0}")]
    Ldap(hcndc_exec::trust::TlsError),
    /// The provider's settings cannot be used.
    #[error(transparent)]
    Oidc(#[from] OidcSettingsError),
    /// There is no key to open passwords with.
    #[error("cannot use the keys of passwords")]
    Keys(#[from] VaultError),
    /// A password that is stored cannot be opened with these keys.
    #[error("cannot open the password of {kind} {name:?}")]
    Secret {
        /// Of which kind of definition.
        kind: DefinitionKind,
        /// Its name.
        name: String,
        /// Why.
        source: VaultError,
    },
    /// The database cannot be used.
    #[error("cannot use the database")]
    Database(#[from] SqlError),
    /// The scheduler could not start, or stopped.
    #[error("the scheduler failed")]
    Scheduler(#[from] Arc<SchedulerError<SqlError>>),
    /// The executor on this host could not be started.
    #[error("cannot start the executor on this host")]
    Executor(#[from] LocalExecutorError),
    /// The folder for logs cannot be used.
    #[error("cannot keep logs")]
    Logs(#[from] FileLogError),
    /// The address for others is none that they can use.
    #[error(
        "--advertise {url}: an address of the form http://host:port or https://host:port is wanted"
    )]
    Advertise {
        /// What was given.
        url: String,
    },
    /// This server has an executor inside, and others are on the database.
    #[error(
        "another server ({other}) is on this database, and only this one would reach the executor on this host: \
         start it with --no-executor, and run hcndc-exec on hosts that are to run jobs"
    )]
    ExecutorHere {
        /// Where that is, or its instance.
        other: String,
    },
    /// Another server on the database has an executor inside.
    #[error(
        "another server ({other}) on this database runs an executor that only it reaches: restart that one with \
         --no-executor, run hcndc-exec on hosts that are to run jobs, and delete the executor \"local\""
    )]
    ExecutorThere {
        /// Where that is, or its instance.
        other: String,
    },
    /// Another server leads, and does not say where it is.
    #[error(
        "another server leads on this database, and only this one would reach the executor on this host: \
         start it with --no-executor"
    )]
    LedElsewhere,
    /// Another process has this server's name.
    #[error(
        "another server has come under this one's name: each needs a data folder of its own, which is no copy of another's"
    )]
    Displaced,
    /// The first user could not be made.
    #[error("cannot make the first user")]
    FirstUser(#[from] SignInError),
    /// A command of our own was refused.
    #[error("cannot set the server up")]
    Setup(#[from] CommandError),
}

/// How long a lease on the database lasts: the same for all servers of one, for each outlasts the others' by it.
const LEASE: Duration = Duration::from_secs(3);
/// How long a stopping server waits for a look at its scheduler, and for the database to close.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// How long a stopping server waits for its scheduler's last commit.
const LAST_COMMIT: Duration = Duration::from_secs(10);

impl Server {
    /// Starts everything, and returns when the API answers.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn start(config: ServerConfig) -> Result<Self, ServerError> {
        let folder = |source| ServerError::DataDir {
            path: config.data_dir.clone(),
            source,
        };
        fs::create_dir_all(&config.data_dir).map_err(folder)?;
        let data_dir = config.data_dir.canonicalize().map_err(folder)?;
        let lock = lock(&data_dir)?;
        let https = config.https.own.as_ref().map(Https::start).transpose()?;
        let towards_others = https::towards_others(config.https.authority.as_deref())?;
        let listener =
            TcpListener::bind(config.listen)
                .await
                .map_err(|source| ServerError::Listen {
                    address: config.listen,
                    source,
                })?;
        let address = listener.local_addr().map_err(folder)?;
        let options = match &config.database {
            Some(url) => SqlOptions::new(url.clone()),
            None => database::in_folder(&data_dir, Durability::Full),
        };
        if metrics::install().is_none() {
            tracing::warn!("figures go to a recorder of somebody else's; /metrics is empty");
        }
        let url = advertised(&config, address)?;
        let vault = config
            .keys
            .vault(config.database.is_none().then_some(&*data_dir))?;
        let store = SqlStore::connect_with(&options).await?;
        check_secrets(&store, &vault).await?;
        let directory = config.ldap.clone().map(Directory::new).transpose();
        let directory = directory.map_err(ServerError::Ldap)?;
        let pages = config.base_url.as_deref().or(url.as_deref());
        let provider = config.oidc.clone();
        let provider = provider.map(|oidc| Provider::new(oidc, pages.unwrap_or_default()));
        let provider = provider.transpose()?;
        let auth = Auth::new(Arc::new(store.clone())).with_outside(directory, provider);
        let auth = Arc::new(auth);
        if auth.directory().is_some() {
            tokio::spawn(try_directory(Arc::clone(&auth)));
        }
        let first_password = match config.access {
            Access::Users => auth.make_first(SystemClock::new().now()).await?,
            Access::Open => None,
        };
        let leading = Arc::new(Leading::unknown());
        let holder = instance(&data_dir).map_err(folder)?;
        let entry = ServerEntry {
            instance: holder.clone(),
            boot: uuid::Uuid::new_v4().to_string(),
            url: url.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            executor_inside: config.executor,
        };
        let peers = Peers::sign_on(
            store.clone(),
            entry,
            Arc::clone(&leading),
            Some(towards_others),
        );
        let peers = peers.await?;
        if let Some(clash) = peers.clash().await? {
            peers.sign_off().await;
            return Err(clash.into());
        }
        let keeping = peers.keep();
        let local = match config.executor {
            true => Some(LocalExecutor::start(&data_dir).await?),
            false => None,
        };
        let realm = store.realm().await?;
        let ids = Ids::new(&*realm);
        let transport = Arc::new(local_executor::transports_beside(
            realm,
            local.as_ref(),
            LogsTo {
                directory: config
                    .log_dir
                    .clone()
                    .unwrap_or_else(|| data_dir.join("logs")),
                objects: config.log_store.clone(),
                kept_for: config.keep.logs,
                sinks: config.log_sinks.clone(),
                origins: Arc::new(Known(store.clone())),
                forward_marks: data_dir.join("forward"),
            },
        )?);
        if let Some(log_store) = config.log_store.clone() {
            tokio::spawn(try_log_store(log_store));
        }

        let live = Arc::new(Live::new(Names::default()));
        let settings = Settings {
            max_running: config.max_running,
            ..Settings::default()
        };
        let leadership = Leadership {
            holder: holder.clone(),
            ttl: LEASE,
        };
        let recorder = match &config.record {
            Some(to) => Some(Arc::new(Recorder::start(to).map_err(|source| {
                let path = to.dir.clone();
                ServerError::Recording { path, source }
            })?)),
            None => None,
        };
        let names = [url.as_deref(), config.base_url.as_deref()];
        let names = names.into_iter().flatten().filter_map(host_of).collect();
        let base_url = config.base_url.clone().or_else(|| url.clone());
        let connect = Connect::new(config.lang, config.zone, base_url).with_vault(vault);
        let connect = Arc::new(connect.with_private(own_files(&config, &data_dir)));
        let (handle, inbox) = channel();
        let parts = Parts {
            store: store.clone(),
            transport: Arc::clone(&transport),
            live: Arc::clone(&live),
            settings,
            leadership,
            leading: Arc::clone(&leading),
            recorder,
            connect: Arc::clone(&connect),
            traced: config.trace_jobs.then(|| ids.clone()),
        };
        // Before anything can end that is to be told.
        let mut couriers = Vec::new();
        for report in &config.reports {
            let courier = Courier::start(
                store.clone(),
                Arc::clone(report),
                ids.clone(),
                connect.http.clone(),
                Arc::clone(&leading),
                Pace::default(),
            );
            couriers.push(courier.await?);
        }
        let driving = Driving::start(parts, inbox);
        let elsewhere = leading.until(|lead| matches!(lead, Lead::There { alive: true, .. }));
        let set_up = tokio::select! {
            biased;
            () = elsewhere => match config.executor {
                true => {
                    peers.sign_off().await;
                    return Err(ServerError::LedElsewhere);
                }
                false => Ok(()),
            },
            set_up = set_up(&handle, &config) => set_up,
        };
        if let Err(error) = set_up {
            // A scheduler that stopped says better why.
            return Err(match error {
                CommandError::Stopped => driving
                    .ended()
                    .await
                    .map_or_else(ServerError::from, |()| error.into()),
                CommandError::Rejected(_) => error.into(),
            });
        }

        let retention = retention::start(store.clone(), config.keep, holder);
        let web = WebSettings {
            zone: config.zone,
            hosts: Hosts::Known {
                listen: address,
                also: names,
            },
        };
        let app = App::new(handle, store.clone(), transport, live, web);
        let app = app.with_peers(Arc::clone(&peers)).with_connect(connect);
        let app = app.with_https(https).with_rate_limit(config.rate_limit);
        let app = app.with_deliveries(Arc::new(store.clone()));
        let app = Arc::new(app.with_users(config.access, auth));
        let (stop, stopped) = watch::channel(false);
        let api = tokio::spawn(api::serve(Arc::clone(&app), listener, stopping(stopped)));
        Ok(Self {
            app,
            address,
            scheme: scheme(&config),
            stop,
            api,
            driving,
            peers,
            _keeping: keeping,
            local,
            store,
            retention,
            couriers,
            first_password,
            _lock: lock,
        })
    }

    /// What the API works with.
    #[must_use]
    pub const fn app(&self) -> &Arc<App<SqlStore, Arc<Transports>>> {
        &self.app
    }

    /// Where the API listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it is reached there: `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The password of the first user, if this start has made it: to be told once.
    #[must_use]
    pub fn first_password(&self) -> Option<&str> {
        self.first_password.as_deref()
    }

    /// Waits until the scheduler stops by itself, which it only does when it cannot go on.
    pub async fn failed(&self) -> ServerError {
        tokio::select! {
            () = self.peers.displaced() => ServerError::Displaced,
            ended = self.driving.ended() => match ended {
                Err(error) => error.into(),
                Ok(()) => ServerError::Setup(CommandError::Stopped),
            },
        }
    }

    /// Stops: the API first, then the scheduler, when all that it took is stored. Jobs that run go on; the next start finds them.
    ///
    /// # Errors
    /// What stopped the scheduler before.
    pub async fn stop(self) -> Result<(), ServerError> {
        self.stop.send_replace(true);
        // What it is at is taken up by the next server.
        drop(self.retention);
        drop(self.couriers);
        // Whatever the API ends with, the scheduler must end well.
        let _ = self.api.await;
        let scheduler = &self.app.scheduler;
        let idle = scheduler.look(|engine| engine.load_figures().2 == 0);
        let idle = matches!(tokio::time::timeout(LAST_LOOK, idle).await, Ok(Ok(true)));
        scheduler.close().await;
        let ended = self.driving.finish(LAST_COMMIT).await;
        if let Some(local) = self.local {
            local.leave(idle);
        }
        ended?;
        self.peers.sign_off().await;
        match tokio::time::timeout(LAST_LOOK, self.store.close()).await {
            Ok(closed) => Ok(closed?),
            // A database that does not answer is not waited for.
            Err(_) => Ok(()),
        }
    }
}

impl From<Clash> for ServerError {
    fn from(clash: Clash) -> Self {
        let (Clash::Ours(server) | Clash::Theirs(server)) = &clash;
        let entry = &server.entry;
        let other = entry.url.clone().unwrap_or_else(|| entry.instance.clone());
        match clash {
            Clash::Ours(_) => Self::ExecutorHere { other },
            Clash::Theirs(_) => Self::ExecutorThere { other },
        }
    }
}

/// Where others reach the API.
fn advertised(config: &ServerConfig, address: SocketAddr) -> Result<Option<String>, ServerError> {
    match &config.advertise {
        Some(url) if host_of(url).is_some() => Ok(Some(url.trim_end_matches('/').to_owned())),
        Some(url) => Err(ServerError::Advertise { url: url.clone() }),
        None if address.ip().is_unspecified() => {
            tracing::warn!(
                "other servers on the database cannot reach this one without --advertise"
            );
            Ok(None)
        }
        None => Ok(Some(format!("{}://{address}", scheme(config)))),
    }
}

/// How the API is reached.
const fn scheme(config: &ServerConfig) -> &'static str {
    match config.https.own {
        Some(_) => "https",
        None => "http",
    }
}

/// The host that a server's address names.
fn host_of(url: &str) -> Option<String> {
    let (_, authority) = api::authority(url)?;
    // The address of the pages may go on with a path.
    let authority = authority.split('/').next().unwrap_or_default();
    let authority: Authority = authority.parse().ok()?;
    let plain = !authority.as_str().contains('@') && !authority.host().is_empty();
    plain.then(|| authority.host().to_ascii_lowercase())
}

async fn stopping(mut stopped: watch::Receiver<bool>) {
    // An error means that the server is gone, which is the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Waits until the scheduler leads, and makes the executor on this host known to it.
async fn set_up(handle: &SchedulerHandle, config: &ServerConfig) -> Result<(), CommandError> {
    handle.look(|_| ()).await?;
    if config.executor {
        put_local_executor(handle, config.slots).await?;
    }
    Ok(())
}

/// Makes the executor on this host known, unless it is.
async fn put_local_executor(handle: &SchedulerHandle, slots: u32) -> Result<(), CommandError> {
    let known = handle
        .look(|engine| {
            engine
                .executors()
                .any(|it| it.address == local_executor::ADDRESS)
        })
        .await?;
    if !known {
        let draft = ExecutorDraft::new(local_executor::NAME, local_executor::ADDRESS, slots);
        let edits = vec![Edit::PutExecutor(draft)];
        handle
            .command(Input::Edit(EditBatch {
                by: "system".to_owned(),
                edits,
            }))
            .await?;
    }
    Ok(())
}

/// Sees to it that no other server uses the folder; held while the file is open.
pub(crate) fn lock(data_dir: &Path) -> Result<File, ServerError> {
    let path = data_dir.join("serve.lock");
    let folder = |source| ServerError::DataDir {
        path: data_dir.to_path_buf(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServerError::InUse {
            path: data_dir.to_path_buf(),
        }),
        Err(TryLockError::Error(source)) => Err(folder(source)),
    }
}

/// Name of this server, which it keeps over restarts: so it takes its own lease over at once.
fn instance(data_dir: &Path) -> io::Result<String> {
    let path = data_dir.join("instance");
    match fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => Ok(name.trim().to_owned()),
        Ok(_) => new_instance(&path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => new_instance(&path),
        Err(error) => Err(error),
    }
}

fn new_instance(path: &Path) -> io::Result<String> {
    let name = uuid::Uuid::new_v4().to_string();
    fs::write(path, &name)?;
    Ok(name)
}

/// That these keys open all passwords which are stored: better here than when one is needed. Says in the log how many lie
/// in clear.
async fn check_secrets(store: &SqlStore, vault: &Vault) -> Result<(), ServerError> {
    let mut clear = 0;
    for kind in [
        DefinitionKind::DataSource,
        DefinitionKind::FileServer,
        DefinitionKind::AlertChannel,
        DefinitionKind::Webhook,
    ] {
        let mut query = DefinitionQuery::all(kind);
        loop {
            let page = store.definitions(&query).await?;
            for definition in &page.items {
                let Some(secret) = secret_of(definition).filter(|it| !it.is_empty()) else {
                    continue;
                };
                vault.open(secret).map_err(|source| ServerError::Secret {
                    kind,
                    name: definition.name().to_owned(),
                    source,
                })?;
                clear += u32::from(!Vault::is_sealed(secret));
            }
            match page.next {
                Some(next) => query.page.after = Some(next),
                None => break,
            }
        }
    }
    if clear > 0 && vault.seals() {
        tracing::warn!(
            clear,
            "passwords lie in clear in the database: `hcndc db rekey` seals them"
        );
    } else if clear > 0 {
        tracing::warn!(
            clear,
            "passwords lie in clear in the database: name a key file with --key-file"
        );
    }
    Ok(())
}

/// Says at the start, and not with the first end of a job, that logs cannot be kept. Ends wait for it, so it need not be there yet.
async fn try_log_store(log_store: LogObjects) {
    match log_store.check().await {
        Ok(()) => tracing::info!(%log_store, "complete logs go to an object store"),
        Err(error) => tracing::error!(
            %log_store,
            error = %with_causes(&error),
            "the log store does not work: ends of jobs stay with their executors until it does"
        ),
    }
}

/// Says at the start, and not with the first who signs in, that the directory cannot be asked.
async fn try_directory(auth: Arc<Auth>) {
    let Some(directory) = auth.directory() else {
        return;
    };
    match directory.soon(directory.ask()).await {
        Ok(_) => tracing::info!("the directory answers"),
        Err(error) => tracing::error!(
            error = %with_causes(&error),
            "nobody of the directory can sign in until it answers; `hcndc user check` tries it out"
        ),
    }
}

/// What nobody is shown through a data source or a file event.
fn own_files(config: &ServerConfig, data_dir: &Path) -> Vec<PathBuf> {
    let database = config.database.as_deref().unwrap_or_default();
    let database = database.strip_prefix("sqlite:").unwrap_or_default();
    let path = database.split('?').next().unwrap_or_default();
    let path = path.strip_prefix("//").unwrap_or(path);
    let recordings = config.record.as_ref().map(|to| to.dir.as_path());
    let key = config.keys.file.as_deref();
    let others = [
        (!path.is_empty()).then_some(Path::new(path)),
        recordings,
        key,
        config.log_dir.as_deref(),
        config.https.own.as_ref().map(|own| own.key.as_path()),
    ];
    let others = others.into_iter().flatten();
    let others = others.filter_map(|path| path.canonicalize().ok());
    std::iter::once(data_dir.to_owned()).chain(others).collect()
}
