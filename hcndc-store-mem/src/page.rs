//! A page out of rows in any order: sort all, drop what lies before the place, take what fits.

use std::cmp::Ordering;

use hcndc_core::port::{Cursor, CursorValue, Direction, Page, PageRequest};

use crate::MemError;

/// A row with its place in the list.
pub(crate) struct Placed<T> {
    pub(crate) place: Cursor,
    pub(crate) row: T,
}

/// The page of `rows` that is asked for, each row made into an item by `view`.
pub(crate) fn page<T, U>(
    rows: impl Iterator<Item = Placed<T>>,
    request: &PageRequest,
    view: impl Fn(T) -> Result<U, MemError>,
) -> Result<Page<U>, MemError> {
    let mut rows: Vec<_> = rows.collect();
    if let Some(after) = &request.after {
        let mut rest = Vec::new();
        for placed in rows {
            let order = directed(&placed.place, after, request.direction)?;
            if order == Ordering::Greater {
                rest.push(placed);
            }
        }
        rows = rest;
    }
    let mut broken = None;
    rows.sort_by(|a, b| {
        directed(&a.place, &b.place, request.direction).unwrap_or_else(|error| {
            broken = Some(error);
            Ordering::Equal
        })
    });
    if let Some(error) = broken {
        return Err(error);
    }
    let limit = request.limit.clamp(1, 1_000) as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| last.place.clone());
    let items = rows.into_iter().map(|placed| view(placed.row));
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next,
    })
}

/// Which of two places comes first in this direction.
fn directed(a: &Cursor, b: &Cursor, direction: Direction) -> Result<Ordering, MemError> {
    let order = match (&a.value, &b.value) {
        (CursorValue::Id, CursorValue::Id) => Ordering::Equal,
        (CursorValue::Text(a), CursorValue::Text(b)) => a.cmp(b),
        (CursorValue::Micros(a), CursorValue::Micros(b)) => a.cmp(b),
        (CursorValue::Id | CursorValue::Text(_) | CursorValue::Micros(_), _) => {
            return Err(MemError::ForeignCursor);
        }
    };
    let order = order.then(a.id.cmp(&b.id));
    Ok(match direction {
        Direction::Ascending => order,
        Direction::Descending => order.reverse(),
    })
}
