//! An SSH server that takes a password, as OpenSSH's does only of real users of its host: at once, or as the answer to a question.

use std::{collections::HashMap, sync::Arc};

use russh::{
    Channel, ChannelId, MethodKind, MethodSet,
    keys::{Algorithm, HashAlg, PrivateKey, key::safe_rng},
    server::{self, Auth, ChannelOpenHandle, Msg, Response, Server as _, Session},
};
use russh_sftp::protocol::{File, FileAttributes, Handle, Name, Status, StatusCode, Version};
use tokio::net::TcpListener;

pub(crate) const PASSWORD: &str = "right-secret";

/// Where it listens, and the fingerprint of its key.
pub(crate) struct SshServer {
    pub(crate) port: u16,
    pub(crate) host_key: String,
}

impl SshServer {
    /// Lets people in by this method. Needs a runtime, on which it runs.
    pub(crate) async fn start(method: MethodKind) -> Self {
        let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        let host_key = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let config = server::Config {
            keys: vec![key],
            methods: MethodSet::from(&[method][..]),
            auth_rejection_time: std::time::Duration::ZERO,
            ..server::Config::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut everybody = Everybody { method };
            let serving = everybody.run_on_socket(Arc::new(config), &listener);
            serving.await.unwrap();
        });
        Self { port, host_key }
    }
}

struct Everybody {
    method: MethodKind,
}

impl server::Server for Everybody {
    type Handler = Somebody;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Somebody {
        Somebody {
            method: self.method,
            channels: HashMap::new(),
        }
    }
}

struct Somebody {
    method: MethodKind,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Somebody {
    fn judged(&self, method: MethodKind, password: &str) -> Auth {
        match method == self.method && password == PASSWORD {
            true => Auth::Accept,
            false => Auth::reject(),
        }
    }
}

impl server::Handler for Somebody {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(self.judged(MethodKind::Password, password))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut answers) = response else {
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![("Password: ".into(), false)].into(),
            });
        };
        let answer = answers.next().unwrap_or_default();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        Ok(self.judged(MethodKind::KeyboardInteractive, &answer))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        let channel = self.channels.remove(&channel).unwrap();
        russh_sftp::server::run(channel.into_stream(), Folders::default()).await;
        Ok(())
    }
}

/// Every folder holds a file, of which is told no more than the protocol must.
#[derive(Default)]
struct Folders {
    was_read: bool,
}

impl russh_sftp::server::Handler for Folders {
    type Error = StatusCode;

    fn unimplemented(&self) -> StatusCode {
        StatusCode::OpUnsupported
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Result<Version, StatusCode> {
        Ok(Version::new())
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusCode> {
        self.was_read = false;
        Ok(Handle { id, handle: path })
    }

    async fn readdir(&mut self, id: u32, _: String) -> Result<Name, StatusCode> {
        if std::mem::replace(&mut self.was_read, true) {
            return Err(StatusCode::Eof);
        }
        let about = FileAttributes {
            size: Some(3),
            mtime: Some(1_700_000_000),
            ..FileAttributes::empty()
        };
        let files = vec![File::new("a.csv", about)];
        Ok(Name { id, files })
    }

    async fn close(&mut self, id: u32, _: String) -> Result<Status, StatusCode> {
        Ok(Status {
            id,
            status_code: StatusCode::Ok,
            error_message: String::new(),
            language_tag: String::new(),
        })
    }
}
