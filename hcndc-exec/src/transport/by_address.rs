//! Executors here and elsewhere.

use async_trait::async_trait;
use hcndc_core::port::{Introduction, Unreachable};

use super::{Dial, Grpc, InProcess, LOCAL, Line};

/// Reaches the supervisor in this process by the address [`LOCAL`], all others over gRPC.
#[derive(Clone, Debug, Default)]
pub struct ByAddress {
    /// For [`LOCAL`].
    pub local: InProcess,
    /// For all others.
    pub remote: Grpc,
}

#[async_trait]
impl Dial for ByAddress {
    async fn dial(&self, address: &str) -> Result<Line, String> {
        if address == LOCAL {
            self.local.dial(address).await
        } else {
            self.remote.dial(address).await
        }
    }

    async fn ask(&self, address: &str) -> Result<Introduction, Unreachable> {
        if address == LOCAL {
            self.local.ask(address).await
        } else {
            self.remote.ask(address).await
        }
    }
}
