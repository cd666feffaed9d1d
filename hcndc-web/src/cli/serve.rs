//! `hcndc serve`.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use chrono_tz::Tz;
use clap::{Args, ValueEnum};

use super::{
    Exit, Signals,
    keys::KeyArgs,
    outside_args::{LdapArgs, OidcArgs},
    pick, say, warn_error,
};
use crate::{
    auth::{Access, FIRST_ACCOUNT},
    connect::{
        http::Http,
        log_sink, log_store,
        report::{Report, ReportError},
        settings::is_url,
    },
    https::{HttpsFiles, OwnFiles},
    interchange::Lang,
    local_executor,
    recording::RecordTo,
    retention::KeepFor,
    server::{Server, ServerConfig},
};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Folder for database, logs and the executor of this host
    #[arg(
        long,
        value_name = "DIR",
        default_value = "hcndc-data",
        env = "HCNDC_DATA_DIR"
    )]
    pub(super) data_dir: PathBuf,
    /// Where the API listens; loopback only, unless it speaks TLS (--tls-cert) or --insecure-remote is given
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:2333",
        env = "HCNDC_LISTEN"
    )]
    pub(super) listen: SocketAddr,
    /// PEM file with the certificate by which the API speaks TLS, followed by those between it and the authority; read anew
    /// when it changes
    #[arg(
        long,
        value_name = "FILE",
        env = "HCNDC_TLS_CERT",
        requires = "tls_key"
    )]
    pub(super) tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key
    #[arg(
        long,
        value_name = "FILE",
        env = "HCNDC_TLS_KEY",
        requires = "tls_cert"
    )]
    pub(super) tls_key: Option<PathBuf>,
    /// PEM file with an authority's certificates, by which other servers on the database are believed besides those that this
    /// host trusts
    #[arg(long, value_name = "FILE", env = "HCNDC_TLS_CA")]
    pub(super) tls_ca: Option<PathBuf>,
    /// Requests a second that each caller may send over the API, with ten seconds' worth of them at once; 0 for as many as they
    /// like
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200,
        env = "HCNDC_RATE_LIMIT"
    )]
    pub(super) rate_limit: u32,
    /// Database: mysql://user:password@host/name or sqlite://FILE?mode=rwc; a SQLite file in the data folder if not given
    #[arg(
        long,
        value_name = "URL",
        env = "HCNDC_DATABASE",
        hide_env_values = true
    )]
    pub(super) database: Option<String>,
    /// Where other servers on the database reach this one's API: http://host:port or https://host:port; the address of --listen if not given
    #[arg(long, value_name = "URL", env = "HCNDC_ADVERTISE")]
    pub(super) advertise: Option<String>,
    /// Where people reach the pages: https://hcndc.example.com; alerts link there. The address for other servers if not given
    #[arg(long, value_name = "URL", env = "HCNDC_BASE_URL", value_parser = base_url)]
    pub(super) base_url: Option<String>,
    /// Language of alerts whose channel names none: zh or en; that of this command if not given
    #[arg(long, value_name = "LANG", env = "HCNDC_ALERT_LANG", value_parser = alert_lang)]
    pub(super) alert_lang: Option<Lang>,
    /// Folder for logs that are complete, which servers on one database may share; one in the data folder if not given
    #[arg(long, value_name = "DIR", env = "HCNDC_LOG_DIR")]
    pub(super) log_dir: Option<PathBuf>,
    /// Object store in which complete logs are kept for good: s3://BUCKET/FOLDER, gs://… or az://…; who asks stands in the
    /// environment (AWS_…, GOOGLE_…, AZURE_…)
    #[arg(long, value_name = "URL", env = "HCNDC_LOG_STORE")]
    pub(super) log_store: Option<String>,
    /// Where logs of ended attempts are said again, line by line: fluentd://HOST:24224?tag=TAG, fluentds://…, otlp+http://HOST:4318
    /// or otlp+https://… (headers by OTEL_EXPORTER_OTLP_HEADERS); several by commas
    #[arg(
        long,
        value_name = "URL",
        env = "HCNDC_FORWARD_LOGS",
        value_delimiter = ','
    )]
    pub(super) forward_logs: Vec<String>,
    /// Collector of OpenTelemetry that gets a trace of each execution when it has ended: http://HOST:4318 or https://… (OTLP over
    /// HTTP; headers by OTEL_EXPORTER_OTLP_HEADERS). Jobs get TRACEPARENT
    #[cfg(feature = "traces")]
    #[arg(long, value_name = "URL", env = "HCNDC_TRACES_TO")]
    pub(super) traces_to: Option<String>,
    /// Receiver of OpenLineage that gets events of each execution and its attempts when it has ended: http://HOST:5000 or https://…
    /// (key by OPENLINEAGE_API_KEY)
    #[cfg(feature = "lineage")]
    #[arg(long, value_name = "URL", env = "HCNDC_LINEAGE_TO")]
    pub(super) lineage_to: Option<String>,
    /// Namespace of jobs in OpenLineage
    #[cfg(feature = "lineage")]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "hcndc",
        env = "HCNDC_LINEAGE_NAMESPACE"
    )]
    pub(super) lineage_namespace: String,
    #[command(flatten)]
    pub(super) keys: KeyArgs,
    /// Run no executor on this host; several servers can only be on one database without
    #[arg(long)]
    pub(super) no_executor: bool,
    /// Slots of the executor on this host, when it is made; twice the number of processors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) slots: Option<u32>,
    /// Jobs that run at once at most, on all executors together
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(super) max_running: u32,
    /// Zone that decides which day "yesterday" is, for starts without a data date
    #[arg(long, value_name = "ZONE", default_value = "UTC", env = "HCNDC_ZONE", value_parser = zone)]
    pub(super) zone: Tz,
    /// Record all that goes into the scheduler to files in this folder, for `hcndc replay`
    #[arg(long, value_name = "DIR", env = "HCNDC_RECORD")]
    pub(super) record: Option<PathBuf>,
    /// MiB of recordings to keep; the oldest go, the newest stays whole
    #[arg(long, value_name = "MIB", default_value_t = 256, env = "HCNDC_RECORD_LIMIT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) record_limit: u32,
    /// Days for which executions are kept after their end, with all that belongs to them, firings, alerts and backfills; 0 for
    /// ever
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 90,
        env = "HCNDC_KEEP_HISTORY"
    )]
    pub(super) keep_history: u32,
    /// Days for which it is kept what people did; 0 for ever
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 365,
        env = "HCNDC_KEEP_AUDIT"
    )]
    pub(super) keep_audit: u32,
    /// Days for which logs of executors on other hosts are kept; 0 for ever
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 90,
        env = "HCNDC_KEEP_LOGS"
    )]
    pub(super) keep_logs: u32,
    /// Listen beyond loopback although passwords and tokens are then not encrypted on their way; for networks that a proxy or
    /// firewall guards
    #[arg(long)]
    pub(super) insecure_remote: bool,
    /// Whom the API answers: users who have signed in and their tokens, or whoever reaches it, on loopback only; users if not
    /// given, but for the demo
    #[arg(long, value_enum, env = "HCNDC_ACCESS")]
    pub(super) access: Option<AccessName>,
    #[command(flatten)]
    pub(super) ldap: LdapArgs,
    #[command(flatten)]
    pub(super) oidc: OidcArgs,
}

/// Whom the API answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AccessName {
    Users,
    Open,
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        "an IANA zone, such as Asia/Shanghai / IANA 时区名，如 Asia/Shanghai".to_owned()
    })
}

fn base_url(text: &str) -> Result<String, String> {
    if is_url(text) {
        return Ok(text.to_owned());
    }
    Err(
        "an address that begins with http:// or https:// / 以 http:// 或 https:// 开头的地址"
            .to_owned(),
    )
}

fn alert_lang(text: &str) -> Result<Lang, String> {
    match text {
        "zh" => Ok(Lang::Zh),
        "en" => Ok(Lang::En),
        _ => Err("zh or en / zh 或 en".to_owned()),
    }
}

fn own_files((certificate, key): (PathBuf, PathBuf)) -> OwnFiles {
    OwnFiles { certificate, key }
}

/// An age in days; 0 is none.
pub(super) fn days(days: u32) -> Option<Duration> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    (days > 0).then(|| DAY * days)
}

pub(super) fn run(args: ServeArgs, lang: Lang) -> Exit {
    super::log_to_stderr();
    match super::runtime() {
        Ok(runtime) => {
            let exit = runtime.block_on(serve(args, lang));
            // A thread that hangs in a dead mount keeps nobody from stopping.
            runtime.shutdown_timeout(Duration::from_secs(5));
            exit
        }
        Err(error) => {
            warn_error(lang, pick(lang, "cannot start", "无法启动"), &error);
            Exit::Failed
        }
    }
}

async fn serve(args: ServeArgs, lang: Lang) -> Exit {
    let mut signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot watch signals", "无法监听信号"),
                &error,
            );
            return Exit::Failed;
        }
    };
    let data_dir = args.data_dir.clone();
    let started = tokio::select! {
        started = start(args, lang) => started,
        // Another server may lead for long; nobody has to wait for it.
        () = signals.next() => {
            local_executor::dismiss(&data_dir);
            Err(Exit::Success)
        }
    };
    match started {
        Ok(server) => until_stopped(server, &mut signals, lang).await,
        Err(exit) => exit,
    }
}

/// Starts a server as the arguments say, and says where it is.
pub(super) async fn start(args: ServeArgs, lang: Lang) -> Result<Server, Exit> {
    let access = match args.access {
        Some(AccessName::Users) | None => Access::Users,
        Some(AccessName::Open) => Access::Open,
    };
    if !args.listen.ip().is_loopback() {
        let refused = match (access, args.insecure_remote) {
            (Access::Open, _) => pick(
                lang,
                "error: --access open: whoever reaches the API could run commands, so it listens on loopback only",
                "错误：--access open：任何能访问 API 的人都可以执行命令，因此只能监听本机回环地址",
            ),
            (Access::Users, false) if args.tls_cert.is_none() => pick(
                lang,
                "error: --listen: passwords and tokens would not be encrypted on their way, so the API listens on loopback \
                 only; give it a certificate with --tls-cert and --tls-key, put a proxy with TLS before it, or lift this with \
                 --insecure-remote in a network that is guarded",
                "错误：--listen：密码和令牌在传输中不加密，因此 API 只监听本机回环地址；请用 --tls-cert 和 --tls-key 给出证书，\
                 或在其前面设置 TLS 代理，或在受保护的网络中用 --insecure-remote 解除",
            ),
            (Access::Users, _) => "",
        };
        if !refused.is_empty() {
            super::warn(refused);
            return Err(Exit::Wrong);
        }
    }
    let refused = |error: &(dyn std::error::Error + 'static)| {
        warn_error(lang, pick(lang, "cannot serve", "无法启动服务"), error);
        Exit::Wrong
    };
    let outside = args
        .ldap
        .settings()
        .and_then(|ldap| Ok((ldap, args.oidc.settings()?)));
    let (ldap, oidc) = outside.map_err(|error| {
        super::warn(error.message(lang));
        Exit::Wrong
    })?;
    let log_store = args.log_store.as_deref().map(log_store::open).transpose();
    let log_store = log_store.map_err(|error| refused(&error))?;
    let headers = std::env::var("OTEL_EXPORTER_OTLP_HEADERS").ok();
    let http = Http::new();
    let sinks = args
        .forward_logs
        .iter()
        .map(|url| log_sink::open(url, &http, headers.as_deref()));
    let log_sinks: Result<_, _> = sinks.collect();
    let log_sinks = log_sinks.map_err(|error| refused(&error))?;
    let reports = reports(&args).map_err(|error| refused(&error))?;
    let config = ServerConfig {
        data_dir: args.data_dir,
        listen: args.listen,
        access,
        https: HttpsFiles {
            own: args.tls_cert.zip(args.tls_key).map(own_files),
            authority: args.tls_ca,
        },
        ldap,
        oidc,
        rate_limit: NonZeroU32::new(args.rate_limit),
        database: args.database,
        advertise: args.advertise,
        log_dir: args.log_dir,
        log_store,
        log_sinks,
        trace_jobs: reports.iter().any(|report| report.name() == "traces"),
        reports,
        executor: !args.no_executor,
        max_running: args.max_running,
        slots: args.slots.unwrap_or_else(|| 2 * super::processors()),
        zone: args.zone,
        base_url: args.base_url,
        lang: args.alert_lang.unwrap_or(lang),
        record: args.record.map(|dir| RecordTo {
            dir,
            limit: u64::from(args.record_limit) << 20,
        }),
        keep: KeepFor {
            history: days(args.keep_history),
            audit: days(args.keep_audit),
            logs: days(args.keep_logs),
        },
        keys: args.keys.source(),
    };
    match Server::start(config).await {
        Ok(server) => {
            if let Some(password) = server.first_password() {
                first_password(password, lang);
            }
            let doing = pick(lang, "hcndc serves at", "hcndc 服务地址：");
            let scheme = server.scheme();
            say(format_args!("{doing} {scheme}://{}/", server.address()));
            Ok(server)
        }
        Err(error) => {
            warn_error(lang, pick(lang, "cannot serve", "无法启动服务"), &error);
            Err(Exit::Failed)
        }
    }
}

/// Who is told of executions that have ended.
fn reports(args: &ServeArgs) -> Result<Vec<Arc<dyn Report>>, ReportError> {
    let all = [traces(args)?, lineage(args)?];
    Ok(all.into_iter().flatten().collect())
}

/// Somebody who is told, if there is one.
type Told = Result<Option<Arc<dyn Report>>, ReportError>;

#[cfg(feature = "traces")]
fn traces(args: &ServeArgs) -> Told {
    use crate::connect::report::traces::Traces;
    let Some(url) = &args.traces_to else {
        return Ok(None);
    };
    let headers = std::env::var("OTEL_EXPORTER_OTLP_HEADERS").ok();
    Ok(Some(Arc::new(Traces::new(url, headers.as_deref())?)))
}

#[cfg(not(feature = "traces"))]
const fn traces(_: &ServeArgs) -> Told {
    Ok(None)
}

#[cfg(feature = "lineage")]
fn lineage(args: &ServeArgs) -> Told {
    use crate::connect::report::lineage::Lineage;
    let Some(url) = &args.lineage_to else {
        return Ok(None);
    };
    let key = std::env::var("OPENLINEAGE_API_KEY").ok();
    let namespace = &args.lineage_namespace;
    let lineage = Lineage::new(url, namespace, args.zone, key.as_deref())?;
    Ok(Some(Arc::new(lineage)))
}

#[cfg(not(feature = "lineage"))]
const fn lineage(_: &ServeArgs) -> Told {
    Ok(None)
}

/// Tells the password of the first user, to the terminal and nowhere else.
fn first_password(password: &str, lang: Lang) {
    super::warn(match lang {
        Lang::En => format!(
            "\n  first start: sign in as \"{FIRST_ACCOUNT}\" with the password\n\n      {password}\n\n  It is told once, \
             and must be changed. Lost? hcndc user password {FIRST_ACCOUNT}\n"
        ),
        Lang::Zh => format!(
            "\n  首次启动：请用账号“{FIRST_ACCOUNT}”和以下密码登录\n\n      {password}\n\n  密码只显示一次，登录后须修改。\
             遗失时：hcndc user password {FIRST_ACCOUNT}\n"
        ),
    });
}

/// Serves until a signal, or until the scheduler cannot go on.
pub(super) async fn until_stopped(server: Server, signals: &mut Signals, lang: Lang) -> Exit {
    let failed = tokio::select! {
        () = signals.next() => None,
        error = server.failed() => Some(error),
    };
    if failed.is_none() {
        say(pick(
            lang,
            "stopping; jobs that run go on, and the next start finds them",
            "正在停止；运行中的任务会继续，下次启动时接管",
        ));
    }
    let stopped = server.stop().await;
    match failed.or_else(|| stopped.err()) {
        Some(error) => {
            warn_error(lang, pick(lang, "the server stopped", "服务已停止"), &error);
            Exit::Failed
        }
        None => Exit::Success,
    }
}
