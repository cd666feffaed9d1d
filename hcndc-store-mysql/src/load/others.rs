//! Definitions of the kinds that no run is pinned to.

use hcndc_core::model::Definition;
use sea_orm::{DatabaseTransaction, Order, sea_query::Query};

use super::all;
use crate::{
    SqlError,
    entity::{
        AlertChannel, AlertRule, Calendar, DataSource, Definitions, FileEvent, FileServer, Pool,
        Reader, Schedule, SharedParam, Webhook,
    },
};

/// All of them, by kind and id.
pub(super) async fn other_definitions(
    db: &DatabaseTransaction,
) -> Result<Vec<Definition>, SqlError> {
    let mut found = Vec::new();
    add::<Schedule>(db, &mut found).await?;
    add::<Calendar>(db, &mut found).await?;
    add::<Pool>(db, &mut found).await?;
    add::<SharedParam>(db, &mut found).await?;
    add::<DataSource>(db, &mut found).await?;
    add::<FileServer>(db, &mut found).await?;
    add::<FileEvent>(db, &mut found).await?;
    add::<AlertChannel>(db, &mut found).await?;
    add::<AlertRule>(db, &mut found).await?;
    add::<Webhook>(db, &mut found).await?;
    Ok(found)
}

async fn add<T: Definitions>(
    db: &DatabaseTransaction,
    found: &mut Vec<Definition>,
) -> Result<(), SqlError> {
    let statement = Query::select()
        .column(T::ID)
        .column(T::DEFINITION)
        .from(T::TABLE)
        .order_by(T::ID, Order::Asc)
        .to_owned();
    for row in all(db, &statement, "load definitions").await? {
        let it = Reader::new(T::NAME, &row).json::<T::Model>("definition")?;
        found.push(it.into());
    }
    Ok(())
}
