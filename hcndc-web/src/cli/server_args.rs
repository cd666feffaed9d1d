//! Which server a command talks to, and what shows it who asks: arguments, environment, settings file.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches, parser::ValueSource};
use serde::Deserialize;

use super::{
    client::{ClientError, Served, same_server},
    warn,
};
use crate::interchange::Lang;

/// Where a server listens if nobody says anything else.
const USUAL: &str = "http://127.0.0.1:2333";
/// The variable with the token itself.
const TOKEN: &str = "HCNDC_TOKEN";
/// The variable that names another settings file.
const CONFIG: &str = "HCNDC_CONFIG";
/// Arguments that say which database a command works on, where it can do without a server.
const OF_DATABASE: [&str; 2] = ["database", "data_dir"];

/// Which server.
#[derive(Debug, Default)]
pub(super) struct ServerArgs {
    /// As arguments or the environment name it.
    server: Option<String>,
    token_file: Option<PathBuf>,
    authority: Option<PathBuf>,
    /// Whether it is named among the arguments, and not by the environment.
    by_hand: bool,
}

/// The arguments themselves.
#[derive(Debug, Args)]
struct Flags {
    /// Talk to this server, for instance http://127.0.0.1:2333
    #[arg(long, value_name = "URL", env = "HCNDC_SERVER", global = true)]
    server: Option<String>,
    /// File with a token for the server; the variable HCNDC_TOKEN if not given, else what the settings file says
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
    /// PEM file with an authority's certificates, by which a server at https://… is believed besides those that this host trusts
    #[arg(long, value_name = "FILE", env = "HCNDC_TLS_CA", global = true)]
    tls_ca: Option<PathBuf>,
}

impl FromArgMatches for ServerArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        let by_hand = |name: &str| is_by_hand(matches, name);
        // Whoever names a database means it, whatever the environment says of servers.
        let is_named = by_hand("server");
        let passed_over = !is_named && OF_DATABASE.into_iter().any(by_hand);
        let flags = Flags::from_arg_matches_mut(matches)?;
        Ok(Self {
            server: flags.server.filter(|_| !passed_over),
            token_file: flags.token_file,
            authority: flags.tls_ca,
            by_hand: is_named,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Whether an argument was given, to this command or to one below it.
fn is_by_hand(matches: &ArgMatches, name: &str) -> bool {
    let here = matches.ids().any(|id| id.as_str() == name)
        && matches.value_source(name) == Some(ValueSource::CommandLine);
    let below = || {
        matches
            .subcommand()
            .is_some_and(|(_, below)| is_by_hand(below, name))
    };
    here || below()
}

impl Args for ServerArgs {
    fn augment_args(command: Command) -> Command {
        Flags::augment_args(command)
            .mut_arg("server", hide_empty)
            .mut_arg("tls_ca", hide_empty)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args_for_update(command)
    }
}

/// An address has no secret, but an empty variable only makes noise in the help.
fn hide_empty(arg: Arg) -> Arg {
    arg.hide_env_values(true)
}

/// What the settings file may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    server: Option<String>,
    token: Option<String>,
    token_file: Option<PathBuf>,
    tls_ca: Option<PathBuf>,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigError {
    #[error("cannot read the token in {}", path.display())]
    TokenFile { path: PathBuf, source: io::Error },
    #[error("cannot read the settings in {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the settings in {} are wrong: {reason}", path.display())]
    Wrong { path: PathBuf, reason: String },
    #[error("--token-file is for a server: name one with --server")]
    NoServer,
}

impl ConfigError {
    pub(super) fn message(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return match self {
                Self::TokenFile { source, .. } | Self::Read { source, .. } => {
                    format!("{self}: {source}")
                }
                Self::Wrong { .. } => {
                    format!("{self}\n  → it may say: server, token, token_file, tls_ca")
                }
                Self::NoServer => self.to_string(),
            };
        }
        match self {
            Self::TokenFile { path, source } => {
                format!("无法读取 {} 中的令牌：{source}", path.display())
            }
            Self::Read { path, source } => {
                format!("无法读取设置文件 {}：{source}", path.display())
            }
            Self::Wrong { path, reason } => format!(
                "设置文件 {} 有误：{reason}\n  → 其中可以写：server、token、token_file、tls_ca",
                path.display()
            ),
            Self::NoServer => "--token-file 用于服务：请用 --server 指定".to_owned(),
        }
    }
}

impl ServerArgs {
    /// The server that a command talks to which can do nothing without one.
    pub(super) fn served(&self, lang: Lang) -> Result<Served, ClientError> {
        let config = Config::read(lang)?;
        let server = self.server.clone().or_else(|| config.server.clone());
        let server = server.unwrap_or_else(|| USUAL.to_owned());
        let authority = self.authority.clone().or_else(|| config.tls_ca.clone());
        let token = self.token(&server, config)?;
        Served::at(&server, token.as_deref(), authority.as_deref(), lang)
    }

    /// The server, if arguments or the environment name one: without, the command works on the database itself.
    pub(super) fn named(&self, lang: Lang) -> Result<Option<Served>, ClientError> {
        match (&self.server, &self.token_file) {
            (Some(_), _) => self.served(lang).map(Some),
            (None, Some(_)) => Err(ConfigError::NoServer.into()),
            (None, None) => Ok(None),
        }
    }

    /// Whether a server is named among the arguments themselves.
    pub(super) const fn is_by_hand(&self) -> bool {
        self.by_hand
    }

    fn token(&self, server: &str, config: Config) -> Result<Option<String>, ConfigError> {
        let of_file = |path: &Path| {
            let text = fs::read_to_string(path);
            text.map_err(|source| ConfigError::TokenFile {
                path: path.to_path_buf(),
                source,
            })
        };
        let given = std::env::var(TOKEN).ok();
        let token = match (&self.token_file, given.filter(|it| !it.trim().is_empty())) {
            (Some(path), _) => of_file(path)?,
            (None, Some(token)) => token,
            // The file's token is for the file's server, and for nobody else.
            (None, None) if same_server(server, config.server.as_deref().unwrap_or(USUAL)) => {
                match (config.token, config.token_file) {
                    (Some(token), _) => token,
                    (None, Some(path)) => of_file(&path)?,
                    (None, None) => return Ok(None),
                }
            }
            (None, None) => return Ok(None),
        };
        let token = token.trim();
        Ok((!token.is_empty()).then(|| token.to_owned()))
    }
}

/// Where the settings are: HCNDC_CONFIG, else `hcndc/config.toml` in the folder of people's settings.
fn config_path() -> Option<(PathBuf, bool)> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = variable(CONFIG) {
        return Some((path.into(), true));
    }
    let folder = match variable("XDG_CONFIG_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(variable("HOME")?).join(".config"),
    };
    Some((folder.join("hcndc").join("config.toml"), false))
}

impl Config {
    /// What the settings file says; nothing if there is none.
    fn read(lang: Lang) -> Result<Self, ConfigError> {
        let Some((path, named)) = config_path() else {
            return Ok(Self::default());
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !named => {
                return Ok(Self::default());
            }
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        let config = Self::parse(&text).map_err(|reason| ConfigError::Wrong {
            path: path.clone(),
            reason,
        })?;
        let mode = fs::metadata(&path).map_or(0, |it| it.permissions().mode());
        if config.token.is_some() && mode & 0o077 != 0 {
            let path = path.display();
            warn(match lang {
                Lang::En => {
                    format!("others can read the token in {path}: chmod 600 {path}")
                }
                Lang::Zh => format!("其他用户可以读取 {path} 中的令牌：请执行 chmod 600 {path}"),
            });
        }
        Ok(config)
    }

    /// What a file says. Its words are not told again when it is wrong: one of them may be a token.
    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().map(|span| &text[..span.start]);
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            format!("line {line}: {}", error.message())
        })?;
        match (&config.token, &config.token_file) {
            (Some(_), Some(_)) => Err("token and token_file: one of them".to_owned()),
            _ => Ok(config),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Both {
        #[command(flatten)]
        server: ServerArgs,
        #[arg(long)]
        database: Option<String>,
    }

    fn named(arguments: &[&str]) -> Option<String> {
        let both = Both::parse_from([&["it"], arguments].concat());
        both.server.server
    }

    #[test]
    fn a_server_that_is_named_by_hand_goes_before_a_database() {
        assert_eq!(
            named(&["--server", "http://a"]).as_deref(),
            Some("http://a")
        );
        let both = ["--server", "http://a", "--database", "sqlite://x"];
        assert_eq!(named(&both).as_deref(), Some("http://a"));
    }

    #[test]
    fn settings_are_read_and_wrong_ones_are_told_without_what_they_say() {
        let config = Config::parse("server = \"http://a\"\ntoken = \"t\"").unwrap();
        assert_eq!(config.server.as_deref(), Some("http://a"));
        assert_eq!(config.token.as_deref(), Some("t"));
        let wrong = Config::parse("server = \"http://a\"\ntokn = \"hunter2\"").unwrap_err();
        assert!(wrong.starts_with("line 2: unknown field"), "{wrong}");
        assert!(!wrong.contains("hunter2"), "{wrong}");
        Config::parse("token = \"a\"\ntoken_file = \"b\"").unwrap_err();
    }

    #[test]
    fn the_settings_token_goes_to_the_settings_server_only() {
        // Where the environment has a token, that one goes to whatever is named.
        if std::env::var_os(TOKEN).is_some() {
            return;
        }
        let config = || Config::parse("server = \"http://a:1\"\ntoken = \"t\"").unwrap();
        let args = ServerArgs::default();
        let token = |server| args.token(server, config()).unwrap();
        assert_eq!(token("http://a:1/").as_deref(), Some("t"));
        assert_eq!(token("http://b:1"), None);
        assert_eq!(token("https://a:1"), None);
    }
}
