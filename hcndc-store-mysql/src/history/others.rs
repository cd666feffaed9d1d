//! Definitions of the kinds that no run is pinned to: a table each, and one query for all.

use hcndc_core::{
    model::{Definition, DefinitionId, DefinitionKind},
    port::{DefinitionQuery, Page},
};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, QueryResult,
    sea_query::{Query, SelectStatement},
};

use super::definitions::{filter_directory, filter_text, is_id};
use crate::{
    SqlError,
    entity::{
        AlertChannel, AlertRule, Calendar, DataSource, Definitions, FileEvent, FileServer, Pool,
        Reader, Schedule, SharedParam, Webhook,
    },
    error::Doing as _,
    keyset::{Keyset, named_place, page},
};

pub(super) async fn definitions(
    db: &DatabaseConnection,
    query: &DefinitionQuery,
) -> Result<Page<Definition>, SqlError> {
    match query.kind {
        // These have lists of their own.
        DefinitionKind::Flow | DefinitionKind::Job | DefinitionKind::Executor => Ok(Page {
            items: Vec::new(),
            next: None,
        }),
        DefinitionKind::Schedule => list::<Schedule>(db, query).await,
        DefinitionKind::Calendar => list::<Calendar>(db, query).await,
        DefinitionKind::Pool => list::<Pool>(db, query).await,
        DefinitionKind::Param => list::<SharedParam>(db, query).await,
        DefinitionKind::DataSource => list::<DataSource>(db, query).await,
        DefinitionKind::FileServer => list::<FileServer>(db, query).await,
        DefinitionKind::FileEvent => list::<FileEvent>(db, query).await,
        DefinitionKind::AlertChannel => list::<AlertChannel>(db, query).await,
        DefinitionKind::AlertRule => list::<AlertRule>(db, query).await,
        DefinitionKind::Webhook => list::<Webhook>(db, query).await,
    }
}

pub(super) async fn definition(
    db: &DatabaseConnection,
    id: DefinitionId,
) -> Result<Option<Definition>, SqlError> {
    match id {
        DefinitionId::Flow(_) | DefinitionId::Job(_) | DefinitionId::Executor(_) => Ok(None),
        DefinitionId::Schedule(id) => find::<Schedule>(db, id.0).await,
        DefinitionId::Calendar(id) => find::<Calendar>(db, id.0).await,
        DefinitionId::Pool(id) => find::<Pool>(db, id.0).await,
        DefinitionId::Param(id) => find::<SharedParam>(db, id.0).await,
        DefinitionId::DataSource(id) => find::<DataSource>(db, id.0).await,
        DefinitionId::FileServer(id) => find::<FileServer>(db, id.0).await,
        DefinitionId::FileEvent(id) => find::<FileEvent>(db, id.0).await,
        DefinitionId::AlertChannel(id) => find::<AlertChannel>(db, id.0).await,
        DefinitionId::AlertRule(id) => find::<AlertRule>(db, id.0).await,
        DefinitionId::Webhook(id) => find::<Webhook>(db, id.0).await,
    }
}

fn select<T: Definitions>() -> SelectStatement {
    Query::select()
        .column(T::ID)
        .column(T::DEFINITION)
        .from(T::TABLE)
        .to_owned()
}

fn read<T: Definitions>(row: &QueryResult) -> Result<Definition, SqlError> {
    let it = Reader::new(T::NAME, row).json::<T::Model>("definition")?;
    Ok(it.into())
}

async fn list<T: Definitions>(
    db: &DatabaseConnection,
    query: &DefinitionQuery,
) -> Result<Page<Definition>, SqlError> {
    let mut select = select::<T>();
    filter_text(&mut select, T::SEARCH, &query.text);
    filter_directory(&mut select, T::DIRECTORY, &query.directory);
    Keyset::named(query.sort, T::ID, T::SORT_NAME, T::UPDATED_AT)
        .restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list definitions")?;
    let items = rows.iter().map(read::<T>).collect::<Result<_, _>>()?;
    Ok(page(items, &query.page, |it: &Definition| {
        named_place(query.sort, it.id().number(), it.name(), it.revision())
    }))
}

async fn find<T: Definitions>(
    db: &DatabaseConnection,
    id: u64,
) -> Result<Option<Definition>, SqlError> {
    let mut select = select::<T>();
    select.and_where(is_id((T::TABLE, T::ID), id));
    let row = db.query_one(&select).await.doing("read a definition")?;
    row.as_ref().map(read::<T>).transpose()
}
