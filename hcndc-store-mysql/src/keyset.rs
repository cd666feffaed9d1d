//! Pages by key: what comes after a place, never how many to skip. A page costs the same at the end of a list as at its
//! start, and rows that come and go in between shift nothing.

use hcndc_core::{
    model::Revision,
    port::{Cursor, CursorValue, Direction, NamedSort, Page, PageRequest},
};
use sea_orm::{
    Order, Value,
    sea_query::{Expr, ExprTrait as _, SelectStatement},
};

use crate::{SqlError, entity::Table};

/// How a list is sorted.
#[derive(Clone, Copy)]
pub(crate) struct Keyset<T> {
    /// The column of ids, which decides among equal keys.
    id: T,
    key: Key<T>,
}

/// What comes before the id.
#[derive(Clone, Copy)]
enum Key<T> {
    Nothing,
    Text(T),
    Micros(T),
}

impl<T: Table> Keyset<T> {
    /// By id alone.
    pub(crate) const fn by_id(id: T) -> Self {
        Self {
            id,
            key: Key::Nothing,
        }
    }

    /// As a list of definitions is asked for.
    pub(crate) const fn named(sort: NamedSort, id: T, name: T, updated_at: T) -> Self {
        let key = match sort {
            NamedSort::Id => Key::Nothing,
            NamedSort::Name => Key::Text(name),
            NamedSort::UpdatedAt => Key::Micros(updated_at),
        };
        Self { id, key }
    }

    /// Makes `select` return the page, and one row more if there is one.
    pub(crate) fn restrict(
        self,
        select: &mut SelectStatement,
        page: &PageRequest,
    ) -> Result<(), SqlError> {
        if let Some(after) = &page.after {
            select.and_where(self.is_after(after, page.direction)?);
        }
        let order = order(page.direction);
        match self.key {
            Key::Nothing => {}
            Key::Text(column) | Key::Micros(column) => {
                select.order_by((T::TABLE, column), order.clone());
            }
        }
        select
            .order_by((T::TABLE, self.id), order)
            .limit(limit(page) as u64 + 1);
        Ok(())
    }

    fn is_after(self, place: &Cursor, direction: Direction) -> Result<Expr, SqlError> {
        // No row has a greater id than this, so it stands for all ids beyond.
        let id = i64::try_from(place.id).unwrap_or(i64::MAX);
        let beyond = |column: T, value: Value| {
            let column = Expr::col((T::TABLE, column));
            match direction {
                Direction::Ascending => column.gt(value),
                Direction::Descending => column.lt(value),
            }
        };
        let beyond_id = beyond(self.id, id.into());
        let (column, value): (_, Value) = match (self.key, &place.value) {
            (Key::Nothing, CursorValue::Id) => return Ok(beyond_id),
            (Key::Text(column), CursorValue::Text(text)) => (column, text.as_str().into()),
            (Key::Micros(column), CursorValue::Micros(micros)) => (column, (*micros).into()),
            (Key::Nothing | Key::Text(_) | Key::Micros(_), _) => {
                return Err(SqlError::ForeignCursor);
            }
        };
        let tie = Expr::col((T::TABLE, column)).eq(value.clone());
        Ok(beyond(column, value).or(tie.and(beyond_id)))
    }
}

/// The place of a definition in a list of this sort.
pub(crate) fn named_place(sort: NamedSort, id: u64, name: &str, revision: &Revision) -> Cursor {
    let value = match sort {
        NamedSort::Id => CursorValue::Id,
        NamedSort::Name => CursorValue::Text(name.into()),
        NamedSort::UpdatedAt => CursorValue::Micros(revision.updated_at.as_micros()),
    };
    Cursor { value, id }
}

/// The place of a row in a list that is sorted by id.
pub(crate) const fn id_place(id: u64) -> Cursor {
    Cursor {
        value: CursorValue::Id,
        id,
    }
}

/// The page out of what a query returned that [`Keyset::restrict`] was applied to.
pub(crate) fn page<T>(
    mut items: Vec<T>,
    request: &PageRequest,
    place: impl Fn(&T) -> Cursor,
) -> Page<T> {
    let limit = limit(request);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(place);
    Page { items, next }
}

pub(crate) const fn order(direction: Direction) -> Order {
    match direction {
        Direction::Ascending => Order::Asc,
        Direction::Descending => Order::Desc,
    }
}

/// Rows of a page, within bounds.
pub(crate) fn limit(page: &PageRequest) -> usize {
    page.limit.clamp(1, 1_000) as usize
}
