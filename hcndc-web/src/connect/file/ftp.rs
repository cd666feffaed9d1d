//! FTP servers, without TLS and with it.
//!
//! Folders are listed by MLSD where the server has it: it tells sizes and times as they are. By LIST, whose times are for people, only
//! names and sizes are taken; the time of a file that fits is asked for with MDTM. Connections for data are always made to the server
//! that was connected to, wherever it says that it waits: else it could have us connect to hosts of others.

use std::{borrow::Cow, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use chrono::NaiveDateTime;
use hcndc_core::{
    model::{FileServer, FileServerKind},
    time::Timestamp,
};
use suppaftp::{
    FtpError, FtpResult, Mode, Status,
    list::ListParser,
    tokio::{AsyncRustlsConnector, AsyncRustlsFtpStream},
    tokio_rustls::TlsConnector,
    types::{Features, FileType},
};
use tokio::io::AsyncReadExt as _;

use super::{Entry, Place, too_many};
use crate::connect::{
    settings::{self, Form, Setting},
    tls,
};

/// Options of an FTP server that speaks TLS.
pub(super) const TLS: &[Setting] = &[
    Setting::optional("tls", Form::Word(&["explicit", "implicit"])),
    Setting::optional("ca_file", Form::Text),
];

/// The port of FTP, also where TLS is asked for.
const PORT: u16 = 21;
/// The port of FTP with TLS from the start.
const TLS_PORT: u16 = 990;
/// Bytes of one listing.
const BYTES: usize = 32 << 20;

/// A connection that has signed in.
pub(super) struct Ftp {
    stream: AsyncRustlsFtpStream,
    /// How long the server may think about an answer.
    answer: Duration,
    has_mlsd: bool,
    is_broken: bool,
}

/// Why something was not done.
#[derive(Debug)]
enum Trouble {
    /// What the server says to it, with its code.
    Refused(Status, String),
    /// The connection is of no use any more, for this reason.
    Broken(String),
    TooMany,
    /// A line of a listing is written otherwise than is known.
    Unreadable(String),
}

impl From<FtpError> for Trouble {
    fn from(error: FtpError) -> Self {
        match error {
            // It closes the connection with that.
            FtpError::UnexpectedResponse(said) if said.status != Status::NotAvailable => {
                Self::Refused(said.status, words(&said.body))
            }
            error => Self::Broken(reason(&error)),
        }
    }
}

/// What the server says, in one line, without the code.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = text.trim_start_matches(|it: char| it.is_ascii_digit());
    said.trim_start_matches(['-', ' ']).to_owned()
}

fn reason(error: &FtpError) -> String {
    match error {
        FtpError::UnexpectedResponse(said) => words(&said.body),
        FtpError::ConnectionError(error) => error.to_string(),
        FtpError::SecureError(error) => format!("TLS: {error}"),
        FtpError::BadResponse => "it does not answer as an FTP server does".to_owned(),
        other => other.to_string(),
    }
}

impl Ftp {
    /// Connects and signs in. The server may think about each later answer for so many seconds.
    pub(super) async fn connect(server: &FileServer, answer_seconds: u64) -> Result<Self, String> {
        let mut stream = open(server).await?;
        let told = |error| reason(&error);
        let secret = server.password.reveal();
        stream.login(&*server.user, secret).await.map_err(told)?;
        stream.transfer_type(FileType::Binary).await.map_err(told)?;
        // One that does not know the question has none.
        let features = match stream.feat().await {
            Err(FtpError::UnexpectedResponse(_) | FtpError::BadResponse) => Features::default(),
            asked => asked.map_err(told)?,
        };
        let has = |name: &str| features.keys().any(|it| it.eq_ignore_ascii_case(name));
        let (has_mlsd, has_mdtm) = (has("MLST") || has("MLSD"), has("MDTM"));
        if has("UTF8") {
            // Where names are so anyway, some do not know the command.
            let _ = stream.opts("UTF8", Some("ON")).await;
        }
        if !has_mlsd && !has_mdtm {
            return Err(
                "the server tells no times that can be relied on: it has neither MLSD nor MDTM"
                    .to_owned(),
            );
        }
        let peer = stream.get_ref().await.peer_addr();
        stream.set_mode(match peer {
            Ok(SocketAddr::V6(_)) => Mode::ExtendedPassive,
            _ => Mode::Passive,
        });
        stream.set_passive_nat_workaround(true);
        Ok(Self {
            stream,
            answer: Duration::from_secs(answer_seconds),
            has_mlsd,
            is_broken: false,
        })
    }

    pub(super) const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// What the server said first.
    pub(super) fn greeting(&self) -> String {
        let said = self.stream.get_welcome_msg().unwrap_or_default();
        words(said.as_bytes())
    }

    /// The lines of a folder's listing; `None` if there is no such folder, or the server hides it.
    async fn lines(&mut self, folder: &str, most: usize) -> Result<Option<Vec<String>>, Trouble> {
        // Into the folder first: what stands behind LIST is a pattern to some servers.
        match in_time(self.answer, self.stream.cwd(folder)).await {
            Err(Trouble::Refused(Status::FileUnavailable, _)) => return Ok(None),
            done => done?,
        }
        let command = if self.has_mlsd { "MLSD" } else { "LIST" };
        let good = [Status::AboutToSend, Status::AlreadyOpen];
        let began = in_time(self.answer, self.stream.custom_data_command(command, &good)).await;
        let mut transfer = match began {
            Ok((_, transfer)) => transfer,
            // So some servers tell of an empty folder; of those with MLSD none.
            Err(Trouble::Refused(
                Status::FileUnavailable | Status::RequestFileActionIgnored,
                _,
            )) if !self.has_mlsd => return Ok(Some(Vec::new())),
            Err(trouble) => return Err(trouble),
        };
        let mut bytes = Vec::new();
        let mut lines = 0;
        let mut part = vec![0; 65_536];
        loop {
            let reading = async { Ok(transfer.read(&mut part).await) };
            let read = match in_time(self.answer, reading).await? {
                Ok(0) => break,
                Ok(read) => &part[..read],
                // Some close the connection without the end that TLS asks for. Whether it is whole, the server says next.
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(Trouble::Broken(error.to_string())),
            };
            lines += read.iter().filter(|byte| **byte == b'\n').count();
            bytes.extend_from_slice(read);
            // The folder itself and the one above it are listed, too.
            if lines > most.saturating_add(3) || bytes.len() > BYTES {
                return Err(Trouble::TooMany);
            }
        }
        in_time(self.answer, transfer.finish()).await?;
        // A name that is no text cannot be a key.
        let lines = bytes.split(|byte| *byte == b'\n');
        let texts = lines.filter_map(|line| str::from_utf8(line).ok());
        let texts = texts.map(|line| line.trim_end_matches('\r').to_owned());
        Ok(Some(texts.filter(|line| !line.is_empty()).collect()))
    }

    /// What a link leads to; `None` if nowhere.
    async fn target(&mut self, folder: &str, link: Listed) -> Result<Option<Entry>, Trouble> {
        let path = format!("{}/{}", folder.trim_end_matches('/'), link.name);
        let (name, modified) = (link.name, None);
        let size = in_time(self.answer, self.stream.size(&path)).await;
        if let Some(size) = unless_refused(size)? {
            return Ok(Some(Entry {
                name,
                is_folder: false,
                size: size as u64,
                modified,
            }));
        }
        let entered = in_time(self.answer, self.stream.cwd(&path)).await;
        Ok(unless_refused(entered)?.map(|()| Entry {
            name,
            is_folder: true,
            size: 0,
            modified,
        }))
    }

    async fn entries(&mut self, folder: &str, most: usize) -> Result<Option<Vec<Entry>>, Trouble> {
        let Some(lines) = self.lines(folder, most).await? else {
            return Ok(None);
        };
        let mut entries = Vec::new();
        for line in &lines {
            let listed = match self.has_mlsd {
                true => mlsd(line),
                false => list(line)?,
            };
            let Some(listed) = listed else {
                continue;
            };
            match listed.kind {
                Kind::Link => entries.extend(self.target(folder, listed).await?),
                Kind::Folder | Kind::File => entries.push(Entry {
                    is_folder: listed.kind == Kind::Folder,
                    name: listed.name,
                    size: listed.size,
                    modified: listed.modified,
                }),
            }
        }
        if entries.len() > most {
            return Err(Trouble::TooMany);
        }
        Ok(Some(entries))
    }

    /// Why something at this path was not done.
    fn told(&mut self, path: &str, trouble: Trouble) -> String {
        match trouble {
            Trouble::Refused(_, said) => format!("{path}: {said}"),
            Trouble::Broken(reason) => {
                self.is_broken = true;
                format!("{path}: the connection broke: {reason}")
            }
            Trouble::Unreadable(line) => {
                format!("{path}: this line of its listing cannot be read: {line}")
            }
            Trouble::TooMany => {
                // The rest of the listing is under way.
                self.is_broken = true;
                too_many()
            }
        }
    }
}

impl Place for Ftp {
    async fn list(&mut self, folder: &str, most: usize) -> Result<Option<Vec<Entry>>, String> {
        let listed = self.entries(folder, most).await;
        listed.map_err(|trouble| self.told(folder, trouble))
    }

    async fn modified(&mut self, path: &str) -> Result<Option<Timestamp>, String> {
        let asked = in_time(self.answer, self.stream.mdtm(path)).await;
        match asked {
            Ok(time) => Ok(Some(timestamp(time))),
            Err(Trouble::Refused(Status::FileUnavailable, _)) => Ok(None),
            Err(trouble) => Err(self.told(path, trouble)),
        }
    }
}

/// Connects, with TLS if it is to be so.
async fn open(server: &FileServer) -> Result<AsyncRustlsFtpStream, String> {
    let told = |error| reason(&error);
    let host = server.host.as_str();
    if server.kind == FileServerKind::Ftp {
        let address = (host, server.port.unwrap_or(PORT));
        return AsyncRustlsFtpStream::connect(address).await.map_err(told);
    }
    let config = tls::client_config(settings::text(&server.options, "ca_file"));
    let config = config.map_err(|error| error.to_string())?;
    // One configuration for all connections: some servers want those for data to resume the session of the first.
    let connector = AsyncRustlsConnector::from(TlsConnector::from(Arc::new(config)));
    if settings::text(&server.options, "tls") != Some("implicit") {
        let address = (host, server.port.unwrap_or(PORT));
        let stream = AsyncRustlsFtpStream::connect(address).await.map_err(told)?;
        return stream.into_secure(connector, host).await.map_err(told);
    }
    let address = (host, server.port.unwrap_or(TLS_PORT));
    let connecting = AsyncRustlsFtpStream::connect_secure_implicit(address, connector, host);
    let mut stream = connecting.await.map_err(told)?;
    for command in ["PBSZ 0", "PROT P"] {
        let asked = stream.custom_command(command, &[Status::CommandOk]).await;
        asked.map_err(told)?;
    }
    Ok(stream)
}

/// What the server answers within this time.
async fn in_time<T>(
    within: Duration,
    asking: impl Future<Output = FtpResult<T>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(within, asking).await {
        Ok(answered) => answered.map_err(Trouble::from),
        Err(_) => Err(Trouble::Broken(format!(
            "no answer within {} s",
            within.as_secs()
        ))),
    }
}

/// What was answered, or nothing where the server refuses it.
fn unless_refused<T>(answered: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match answered {
        Ok(answer) => Ok(Some(answer)),
        Err(Trouble::Refused(..)) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// A line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    name: String,
    kind: Kind,
    size: u64,
    modified: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Link,
}

fn timestamp(time: NaiveDateTime) -> Timestamp {
    Timestamp::from(time.and_utc())
}

/// Reads a line of MLSD (RFC 3659): facts, each with a semicolon behind it, a space, the name. `None` for what is no entry.
fn mlsd(line: &str) -> Option<Listed> {
    let (facts, name) = line.split_once(' ')?;
    let mut listed = Listed {
        name: name.to_owned(),
        kind: Kind::File,
        size: 0,
        modified: None,
    };
    for fact in facts.split(';') {
        let Some((of, value)) = fact.split_once('=') else {
            continue;
        };
        match of.to_ascii_lowercase().as_str() {
            "type" => listed.kind = kind(&value.to_ascii_lowercase())?,
            "size" => listed.size = value.parse().ok()?,
            "modify" => {
                let time = NaiveDateTime::parse_from_str(value, "%Y%m%d%H%M%S%.f");
                listed.modified = time.ok().map(timestamp);
            }
            _ => {}
        }
    }
    Some(listed)
}

/// What a type of MLSD is; `None` for the folder itself, the one above it, and devices.
fn kind(text: &str) -> Option<Kind> {
    match text {
        "file" => Some(Kind::File),
        "dir" => Some(Kind::Folder),
        // `OS.unix=symlink`, `OS.unix=slink:target`, `link`.
        _ if text.contains("link") => Some(Kind::Link),
        _ => None,
    }
}

/// Reads a line of LIST, as most servers write it. `None` for what is no entry; one that is written otherwise is a fault, for a file
/// that is passed over would never arrive.
fn list(line: &str) -> Result<Option<Listed>, Trouble> {
    let known = without_marks(line);
    let file = ListParser::parse_posix(&known).or_else(|_| ListParser::parse_dos(&known));
    let file = match file {
        Ok(file) => file,
        Err(_)
            if line.starts_with(|first: char| "-dl".contains(first) || first.is_ascii_digit()) =>
        {
            return Err(Trouble::Unreadable(line.chars().take(200).collect()));
        }
        Err(_) => return Ok(None),
    };
    if matches!(file.name(), "." | "..") {
        return Ok(None);
    }
    Ok(Some(Listed {
        name: file.name().to_owned(),
        kind: match (file.is_directory(), file.is_symlink()) {
            (true, _) => Kind::Folder,
            (_, true) => Kind::Link,
            _ => Kind::File,
        },
        size: file.size() as u64,
        modified: None,
    }))
}

/// The line without the mark that stands behind permissions where there is more than them: an access list, or a label.
fn without_marks(line: &str) -> Cow<'_, str> {
    match line.as_bytes().get(10) {
        Some(b'+' | b'.' | b'@') if line.starts_with(['-', 'd', 'l']) => {
            Cow::Owned(format!("{} {}", &line[..10], &line[11..]))
        }
        _ => Cow::Borrowed(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(listed: Option<Listed>) -> Option<(String, Kind, u64, Option<String>)> {
        listed.map(|it| {
            let modified = it.modified.map(|time| time.to_string());
            (it.name, it.kind, it.size, modified)
        })
    }

    #[test]
    fn a_line_of_mlsd_is_read() {
        for (line, expected) in [
            (
                "modify=20261126155430.123;perm=adfr;size=6;type=file;unique=1; a 1;b.csv",
                Some((
                    "a 1;b.csv",
                    Kind::File,
                    6,
                    Some("2026-11-26T15:54:30.123000Z"),
                )),
            ),
            (
                "Type=dir;Modify=20261126155430; in",
                Some(("in", Kind::Folder, 0, Some("2026-11-26T15:54:30.000000Z"))),
            ),
            (
                "type=OS.unix=symlink;size=2; link",
                Some(("link", Kind::Link, 2, None)),
            ),
            (
                "type=OS.unix=slink:/in;size=2; link",
                Some(("link", Kind::Link, 2, None)),
            ),
            ("type=cdir; .", None),
            ("type=pdir; ..", None),
            ("type=file;size=-1; a", None),
            ("garbage", None),
        ] {
            let expected = expected.map(|(name, kind, size, modified)| {
                (name.to_owned(), kind, size, modified.map(str::to_owned))
            });
            assert_eq!(told(mlsd(line)), expected, "{line}");
        }
    }

    #[test]
    fn a_line_of_list_is_read_and_its_time_left_alone() {
        for (line, expected) in [
            (
                "-rw-r--r--   1 0        0               6 Nov 26 15:54 a 1.csv",
                Some(("a 1.csv", Kind::File, 6)),
            ),
            (
                "drwxr-xr-x   2 ftp  ftp  4096 Nov 26  2025 in",
                Some(("in", Kind::Folder, 4096)),
            ),
            (
                "lrwxrwxrwx   1 0        0               2 Nov 26 15:54 link -> in",
                Some(("link", Kind::Link, 2)),
            ),
            (
                "11-26-26  03:54PM       <DIR>          in",
                Some(("in", Kind::Folder, 0)),
            ),
            (
                "11-26-26  03:54PM                 6 a 1.csv",
                Some(("a 1.csv", Kind::File, 6)),
            ),
            ("drwxr-xr-x   2 ftp  ftp  4096 Nov 26  2025 ..", None),
            ("total 12", None),
            (
                "-rw-r--r--+  1 0        0               6 Nov 26 15:54 acl.csv",
                Some(("acl.csv", Kind::File, 6)),
            ),
            (
                "drwxr-xr-x.  2 0        0            4096 Nov 26 15:54 labelled",
                Some(("labelled", Kind::Folder, 4096)),
            ),
        ] {
            let expected = expected.map(|(name, kind, size)| (name.to_owned(), kind, size, None));
            let read = list(line).expect("it is known");
            assert_eq!(told(read), expected, "{line}");
        }
        for line in [
            "-rw-r--r--   1 0  0  6 2026-11-26 15:54 iso.csv",
            "-rw-r--r--   1 0  0  6 nov. 26 15:54 french.csv",
        ] {
            assert!(matches!(list(line), Err(Trouble::Unreadable(_))), "{line}");
        }
    }

    #[test]
    fn what_a_server_says_is_one_line_without_its_code() {
        assert_eq!(words(b"530 Login incorrect.\r\n"), "Login incorrect.");
        assert_eq!(
            words(b"220-Welcome\r\n220-to FTP\r\n220 ready\r\n"),
            "Welcome 220-to FTP 220 ready"
        );
    }
}
