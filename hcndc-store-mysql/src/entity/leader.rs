//! `leader`: one row with the newest lease, and the next id to give.

use sea_orm::DeriveIden;

/// Columns of `leader`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Leader {
    Table,
    /// Always [`Leader::ROW`].
    Id,
    /// The database's identity, made with it.
    Realm,
    /// 0 before anyone led.
    Fence,
    /// Null when the lease was released.
    Holder,
    /// Null when the lease was released.
    ExpiresAt,
    NextId,
    /// How many commits there were: each stands behind all that this was before.
    Commits,
}

impl Leader {
    /// The only id.
    pub(crate) const ROW: i64 = 1;
}
