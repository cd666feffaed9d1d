//! A supervisor in this process.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    id::AttemptId,
    port::{Introduction, LogRead, PortError as _, Unreachable, UnreachableKind},
};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{Dial, Line, ReadLog, ReadLogError, read_or_wait};
use crate::{FileLog, convert::introduction, executor::Supervisor, link::PROTOCOL};

/// The address of the executor in this process.
pub const LOCAL: &str = "local";

/// Reaches the supervisor in this process, whatever the address. Clones reach the same one.
#[derive(Clone, Debug, Default)]
pub struct InProcess {
    supervisor: Arc<Mutex<Option<Supervisor>>>,
}

impl InProcess {
    /// Reaches this one.
    #[must_use]
    pub fn new(supervisor: Supervisor) -> Self {
        Self {
            supervisor: Arc::new(Mutex::new(Some(supervisor))),
        }
    }

    /// Reaches this one from now on; the default reaches nobody before. Connections to another one stay until that stops.
    pub fn attach(&self, supervisor: Supervisor) {
        *self
            .supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(supervisor);
    }

    fn find(&self) -> Option<Supervisor> {
        self.supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

const NOBODY: &str = "no executor runs in this process";

#[async_trait]
impl Dial for InProcess {
    async fn ask(&self, _: &str) -> Result<Introduction, Unreachable> {
        let supervisor = self.find().ok_or_else(|| Unreachable {
            kind: UnreachableKind::Refused,
            reason: NOBODY.to_owned(),
        })?;
        let (identity, figures) = supervisor.introduce().await;
        Ok(introduction(identity, figures, PROTOCOL))
    }

    async fn dial(&self, _: &str) -> Result<Line, String> {
        let supervisor = self.find().ok_or(NOBODY)?;
        let connection = supervisor.connect();
        let orders = connection.down.clone();
        let (down, mut given) = mpsc::channel(256);
        let (says, up) = mpsc::channel(256);
        let sending = tokio::spawn(async move {
            while let Some(order) = given.recv().await {
                if !orders.send(order).await {
                    break;
                }
            }
        });
        let receiving = tokio::spawn(async move {
            // All of it, with what closes it in the end.
            let mut connection = connection;
            while let Some(message) = connection.up.recv().await {
                if says.send(Ok(message)).await.is_err() {
                    return;
                }
            }
            let _ = says
                .send(Err("the executor in this process stopped".to_owned()))
                .await;
        });
        Ok(Line {
            down,
            up,
            logs: Box::new(supervisor.log().clone()),
            tasks: [sending, receiving].map(AbortOnDropHandle::new).into(),
        })
    }
}

#[async_trait]
impl ReadLog for FileLog {
    async fn read(
        &self,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
        wait: Duration,
    ) -> Result<LogRead, ReadLogError> {
        read_or_wait(self, attempt, from, max_bytes, wait)
            .await
            .map_err(|error| ReadLogError {
                kind: error.kind(),
                reason: error.to_string(),
            })
    }

    fn to_boxed(&self) -> Box<dyn ReadLog> {
        Box::new(self.clone())
    }
}
