//! What came to webhooks, and what became of it.
//!
//! The engine knows nothing of it: it sees the starts that deliveries lead to, each with a key of its own, so that a delivery that
//! comes again starts nothing again whatever is kept here. What is stored here is under no fence.

use alloc::{boxed::Box, string::String};
use core::{error::Error, fmt};

use async_trait::async_trait;

use super::{ErrorKind, Page, PageRequest, PortError};
use crate::{
    id::{DeliveryId, ExecutionId, WebhookId},
    time::{DataDate, Timestamp},
};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It started an execution.
    Started,
    /// It did not pass the filter.
    Filtered,
    /// It was not taken.
    Refused,
}

impl DeliveryOutcome {
    /// Every outcome.
    pub const ALL: &[Self] = &[Self::Started, Self::Filtered, Self::Refused];

    /// The name that stores, the API and the pages use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Filtered => "filtered",
            Self::Refused => "refused",
        }
    }

    /// The outcome of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }
}

/// Something that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What tells it from all others, of this webhook and of others: 64 characters at most.
    pub key: String,
    /// Where it came.
    pub hook: WebhookId,
    /// What its sender calls it; empty if it has no name; 255 characters at most.
    pub name: String,
    /// When it came.
    pub at: Timestamp,
    /// Where from.
    pub address: String,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// Why that, in the words of whoever records; may be empty.
    pub reason: String,
    /// What it started.
    pub execution: Option<ExecutionId>,
    /// The date that it is for, if that is known.
    pub data_date: Option<DataDate>,
    /// What came, or its beginning.
    pub body: String,
    /// Bytes of all that came.
    pub body_bytes: u64,
}

/// A delivery that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its id, for ever.
    pub id: DeliveryId,
    /// The delivery, as it came last.
    pub delivery: Delivery,
    /// When it came first.
    pub first_at: Timestamp,
    /// How often it came.
    pub tries: u32,
}

/// How much is kept of a webhook's deliveries, each the latest ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveriesKept {
    /// Of those that were taken or filtered out.
    pub taken: u32,
    /// Of those that were refused.
    pub refused: u32,
    /// None that came last before this.
    pub since: Timestamp,
}

/// Why deliveries cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the deliveries cannot be read or written")]
pub struct DeliveriesError {
    /// What to do about it.
    pub kind: ErrorKind,
    /// Why.
    pub source: Box<dyn Error + Send + Sync>,
}

impl PortError for DeliveriesError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// What came to webhooks.
///
/// # Contract
/// 1. What a call changed is seen by each later call of any server.
/// 2. A key is there once: what is recorded under one that is there takes its place, with its id, its first time, and one try more.
/// 3. Deliveries of one webhook are listed by id, those of others are not.
/// 4. `prune` leaves as many as it is told of each sort, the latest ones, and touches no other webhook's.
/// 5. A webhook's deliveries go with it.
#[async_trait]
pub trait Deliveries: fmt::Debug + Send + Sync {
    /// Records a delivery.
    async fn record(&self, delivery: &Delivery) -> Result<(), DeliveriesError>;

    /// The delivery of this key.
    async fn delivery(&self, key: &str) -> Result<Option<DeliveryRow>, DeliveriesError>;

    /// A page of those of a webhook.
    async fn deliveries(
        &self,
        hook: WebhookId,
        page: &PageRequest,
    ) -> Result<Page<DeliveryRow>, DeliveriesError>;

    /// Forgets all of a webhook's but these; tells how many went.
    async fn prune_deliveries(
        &self,
        hook: WebhookId,
        kept: DeliveriesKept,
    ) -> Result<u64, DeliveriesError>;
}
