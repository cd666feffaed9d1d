//! The executor of this host: inside the process for one run, or a process of its own beside a server.

use std::path::Path;

use async_trait::async_trait;
use hcndc_exec::{
    executor::{StartError, Stop, Supervisor, SupervisorConfig},
    transport::{Dial, InProcess, Line, Lines},
};

/// The name that it gets.
pub const NAME: &str = "local";
/// The address that stands for it, wherever it listens.
pub const ADDRESS: &str = "local";

/// A transport to the executor of this host and to those on others.
pub type Transports = Lines<Reach>;

/// How executors are reached.
#[derive(Debug)]
pub struct Reach {
    inside: Option<InProcess>,
}

#[async_trait]
impl Dial for Reach {
    async fn dial(&self, address: &str) -> Result<Line, String> {
        match (&self.inside, address) {
            (Some(inside), ADDRESS) => inside.dial(address).await,
            (None, ADDRESS) => Err("no executor runs on this host".to_owned()),
            _ => Err("later".to_owned()),
        }
    }
}

/// Starts an executor inside this process, with its data in this folder.
///
/// # Errors
/// [`StartError`].
pub async fn inside(home: &Path, base: &Path) -> Result<Supervisor, StartError> {
    let mut config = SupervisorConfig::new(home.join("executor"));
    config.base_dir = base.to_path_buf();
    Supervisor::start(config).await
}

/// Ends an executor inside this process, and all that it still runs.
pub async fn end(supervisor: &Supervisor) {
    supervisor.stop(Stop::Kill);
    supervisor.stopped().await;
}

/// A transport that reaches this executor as `local`.
#[must_use]
pub fn transports(inside: Option<Supervisor>) -> Transports {
    Lines::new(Reach {
        inside: inside.map(InProcess::new),
    })
}
