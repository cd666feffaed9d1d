//! `server`: the servers that use this database, each with when it was last seen.

use sea_orm::DeriveIden;

/// Columns of `server`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Server {
    Table,
    /// The name that it leads by.
    Instance,
    /// Drawn by its process: two of one name tell each other apart by it.
    Boot,
    /// Where others reach its API; null if they cannot.
    Url,
    Version,
    /// Whether an executor runs inside, which only it reaches.
    ExecutorInside,
    StartedAt,
    /// By the database's clock, as is `StartedAt`.
    SeenAt,
}
