//! Ports: what the core needs from the world, a trait a file. Adapters live in rooms of their own.
//!
//! Each trait states a *Contract* of numbered clauses; the feature `contract-tests` has the suite
//! that every adapter of it passes (the module `contract`).

mod accounts;
mod clock;
mod deliveries;
mod error;
mod history;
mod inbox;
mod log;
mod notifier;
mod observer;
mod permission;
mod probe;
mod reports;
mod resolver;
mod store;
mod transport;

pub use accounts::{
    AccountQuery, Accounts, AccountsDone, AccountsError, AccountsPut, ApiToken, AuditEntry,
    AuditQuery, AuditRow, Digest, Known, Origin, PasswordHash, PutDone, Role, RoleDraft, Session,
    TokenDraft, TokenQuery, User, UserDraft, UserPut, normal_account,
};
pub use clock::Clock;
pub use deliveries::{
    Deliveries, DeliveriesError, DeliveriesKept, Delivery, DeliveryOutcome, DeliveryRow,
};
pub use error::{ErrorKind, PortError};
pub use history::{
    ActionQuery, AlertQuery, BackfillQuery, BackfillView, Cursor, CursorValue, DefinitionQuery,
    Direction, ExecutionQuery, ExecutionView, ExecutorQuery, FiringQuery, FirstFailure, FlowQuery,
    FlowRunView, FlowView, History, JobQuery, JobRunQuery, JobRunView, JobView, LatestRun,
    LatestRunQuery, NamedSort, Page, PageRequest, PastRun, PastRunQuery, Tally, TallyQuery,
};
pub use inbox::{Answer, Inbox, Request, StartKey};
pub use log::{LogEntry, LogRead, LogStore, Stream};
pub use notifier::Notifier;
pub use observer::Observer;
pub use permission::{Grant, Permission};
pub use probe::{FileProbe, FoundFile, Look, Looked};
pub use reports::{ExecutionEnd, Reports, RunStory};
pub use resolver::ParamResolver;
pub use store::{Asked, Commit, Fence, Lease, Store};
pub use transport::{Introduction, NoExecutors, Transport, Unreachable, UnreachableKind};
