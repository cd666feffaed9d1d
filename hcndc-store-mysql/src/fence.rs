//! The row that says who leads: its lease, its fence, and the next id.

use std::time::Duration;

use hcndc_core::{
    port::{Asked, Fence, Lease},
    time::Timestamp,
};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction,
    sea_query::{CaseStatement, Expr, ExprTrait as _, Query, UpdateStatement},
};

use crate::{
    SqlError, SqlStore,
    dialect::begin_write,
    entity::{Leader, Reader, number},
    error::Doing as _,
    retry::Tries,
    writing::Writing,
};

/// Refuses any fence but the newest, stores the next id and a sign of life, and holds the row until the transaction ends.
pub(crate) async fn check(
    db: &DatabaseTransaction,
    given: Fence,
    next_id: u64,
) -> Result<(), SqlError> {
    let mut statement = of_term(given)?;
    // Both databases count the rows that match, whether or not their values change.
    sign(&mut statement, next_id)?;
    let matched = db.execute(&statement).await.doing("check the fence")?;
    if matched.rows_affected() == 0 {
        return Err(SqlError::Fenced { given });
    }
    Ok(())
}

/// The same for a script, which cannot ask how many rows there were: any other fence becomes none, which the column refuses.
pub(crate) async fn demand(
    db: &mut impl Writing,
    given: Fence,
    next_id: u64,
) -> Result<(), SqlError> {
    let same = CaseStatement::new().case(is_term(given)?, Expr::col(Leader::Fence));
    let mut statement = Query::update()
        .table(Leader::Table)
        .value(Leader::Fence, same)
        .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
        .to_owned();
    sign(&mut statement, next_id)?;
    db.write("check the fence", &statement).await
}

/// The next id, the number of the commit, and a sign of life.
fn sign(statement: &mut UpdateStatement, next_id: u64) -> Result<(), SqlError> {
    let next_id = number("next id", next_id)?;
    let grown = CaseStatement::new()
        .case(Expr::col(Leader::NextId).lt(next_id), next_id)
        .finally(Expr::col(Leader::NextId));
    statement
        .value(Leader::NextId, grown)
        .value(Leader::Commits, Expr::col(Leader::Commits).add(1_i64))
        .value(Leader::ExpiresAt, Expr::col(Leader::ExpiresAt).add(1_i64));
    Ok(())
}

/// An update of the leader's row, if this is the newest term. There is no term 0: it is what stands there before the
/// first.
fn of_term(fence: Fence) -> Result<UpdateStatement, SqlError> {
    Ok(Query::update()
        .table(Leader::Table)
        .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
        .and_where(is_term(fence)?)
        .to_owned())
}

fn is_term(fence: Fence) -> Result<Expr, SqlError> {
    let value = i64::try_from(fence.0).map_err(|_| SqlError::Fenced { given: fence })?;
    let is_it = Expr::col(Leader::Fence).eq(value);
    Ok(is_it.and(Expr::col(Leader::Fence).gt(0)))
}

impl SqlStore {
    pub(crate) async fn acquire_lease(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        outlasted: Option<&Lease>,
    ) -> Result<Asked, SqlError> {
        // Whoever stands by asks often: without a lock as long as there is nothing to be had, so that commits never wait.
        let last = Last::read(self.writer(), false).await?;
        if let Some(lease) = last.keeps_out(holder, outlasted) {
            return Ok(Asked::Held(lease));
        }
        let mut tries = Tries::default();
        loop {
            let done = self.acquire_once(holder, now, ttl, outlasted).await;
            if !tries.again(&done).await {
                return done;
            }
        }
    }

    async fn acquire_once(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        outlasted: Option<&Lease>,
    ) -> Result<Asked, SqlError> {
        let transaction = begin_write(self.writer())
            .await
            .doing("ask for the lease")?;
        let last = Last::read(&transaction, true).await?;
        if let Some(lease) = last.keeps_out(holder, outlasted) {
            return Ok(Asked::Held(lease));
        }
        let lease = Lease {
            fence: Fence(last.fence + 1),
            holder: holder.into(),
            expires_at: now.after(ttl),
        };
        let statement = Query::update()
            .table(Leader::Table)
            .value(Leader::Fence, number("fence", lease.fence.0)?)
            .value(Leader::Holder, holder)
            .value(Leader::ExpiresAt, lease.expires_at.as_micros())
            .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
            .to_owned();
        let done = transaction.execute(&statement).await;
        done.doing("take the lease")?;
        transaction.commit().await.doing("take the lease")?;
        Ok(Asked::Given(lease))
    }

    pub(crate) async fn renew_lease(
        &self,
        lease: &Lease,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Lease, SqlError> {
        let expires_at = now.after(ttl);
        let later = CaseStatement::new()
            .case(
                Expr::col(Leader::ExpiresAt).lt(expires_at.as_micros()),
                expires_at.as_micros(),
            )
            .finally(Expr::col(Leader::ExpiresAt).add(1_i64));
        let mut statement = of_term(lease.fence)?;
        statement
            .value(Leader::ExpiresAt, later)
            .and_where(Expr::col(Leader::Holder).is_not_null());
        let matched = self.update(&statement, "renew the lease").await?;
        if matched == 0 {
            return Err(SqlError::Fenced { given: lease.fence });
        }
        Ok(Lease {
            expires_at,
            ..lease.clone()
        })
    }

    pub(crate) async fn release_lease(&self, lease: &Lease) -> Result<(), SqlError> {
        let Ok(mut statement) = of_term(lease.fence) else {
            return Ok(());
        };
        statement
            .value(Leader::Holder, None::<String>)
            .value(Leader::ExpiresAt, None::<i64>);
        self.update(&statement, "release the lease").await.map(drop)
    }

    /// Carries out an update that is a transaction by itself; returns how many rows matched.
    async fn update(
        &self,
        statement: &UpdateStatement,
        doing: &'static str,
    ) -> Result<u64, SqlError> {
        let mut tries = Tries::default();
        loop {
            let done = self.writer().execute(statement).await.doing(doing);
            if !tries.again(&done).await {
                return done.map(|done| done.rows_affected());
            }
        }
    }
}

/// The newest lease, and what is left of it.
struct Last {
    fence: u64,
    holder: Option<String>,
    expires_at: Option<Timestamp>,
}

impl Last {
    async fn read(db: &impl ConnectionTrait, lock: bool) -> Result<Self, SqlError> {
        let mut statement = Query::select();
        statement
            .columns([Leader::Fence, Leader::Holder, Leader::ExpiresAt])
            .from(Leader::Table)
            .and_where(Expr::col(Leader::Id).eq(Leader::ROW));
        if lock {
            statement.lock_exclusive();
        }
        let row = db.query_one(&statement).await.doing("read the lease")?;
        let row = row.ok_or_else(|| SqlError::Missing {
            table: "leader",
            id: Leader::ROW.unsigned_abs(),
            needs: String::from("its row"),
        })?;
        let row = Reader::new("leader", &row);
        Ok(Self {
            fence: row.number("fence")?,
            holder: row.column("holder")?,
            expires_at: row.time_if("expires_at")?,
        })
    }

    /// The lease that stands in this one's way, if any does.
    fn keeps_out(&self, holder: &str, outlasted: Option<&Lease>) -> Option<Lease> {
        let lease = Lease {
            fence: Fence(self.fence),
            holder: self.holder.clone()?,
            expires_at: self.expires_at?,
        };
        (lease.holder != holder && outlasted != Some(&lease)).then_some(lease)
    }
}
