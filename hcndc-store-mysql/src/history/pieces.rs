//! Pages of lists that are filtered by several values of a column.
//!
//! Asked for several values at once, a database reads all rows that have one of them, and sorts them: of a million
//! executions, most. Each value by itself is a piece of an index in the order of ids, and a page is among the first rows
//! of each piece. The page is chosen among their ids, so that no row is read that is not on it.

use hcndc_core::port::PageRequest;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query, SelectStatement, UnionType};

use crate::{
    SqlError,
    entity::Table,
    keyset::{Keyset, limit, order},
};

/// The table that stands for a page's ids.
const PAGE: &str = "page";
/// The table that stands for the first ids of each piece.
const FOUND: &str = "found";

/// A column that no index is to be used for: another filter has the right one, and SQLite, which counts no rows, could
/// take this one's.
pub(super) fn unindexed(column: &'static str) -> Expr {
    Expr::cust(column)
}

/// All columns of the rows that meet a condition and one of the pieces', a page of them by id. Without pieces, of all
/// that meet the condition.
pub(super) fn select_page<T: Table>(
    id: T,
    conditions: &[Expr],
    pieces: Vec<Expr>,
    page: &PageRequest,
) -> Result<SelectStatement, SqlError> {
    let columns = T::COLUMNS.iter().map(|column| (T::TABLE, *column));
    let mut select = Query::select();
    select.columns(columns);
    if let [] | [_] = &pieces[..] {
        select.from(T::TABLE);
        for condition in conditions.iter().chain(&pieces) {
            select.and_where(condition.clone());
        }
        return Ok(select);
    }
    let mut union = None::<SelectStatement>;
    for (at, piece) in pieces.into_iter().enumerate() {
        let mut first = Query::select();
        first
            .expr_as(Expr::col((T::TABLE, id)), "id")
            .from(T::TABLE)
            .and_where(piece);
        for condition in conditions {
            first.and_where(condition.clone());
        }
        Keyset::by_id(id).restrict(&mut first, page)?;
        // A part of a union has no order and no end, but a table in it may.
        let first = Query::select()
            .column(Alias::new("id"))
            .from_subquery(first, format!("piece_{at}"))
            .to_owned();
        match &mut union {
            None => union = Some(first),
            Some(union) => {
                union.union(UnionType::All, first);
            }
        }
    }
    if let Some(union) = union {
        let chosen = Query::select()
            .column(Alias::new("id"))
            .from_subquery(union, FOUND)
            .order_by((FOUND, Alias::new("id")), order(page.direction))
            .limit(limit(page) as u64 + 1)
            .to_owned();
        let same = Expr::col((T::TABLE, id)).equals((PAGE, "id"));
        // In this order: the ids first.
        select
            .from_subquery(chosen, PAGE)
            .cross_join(T::TABLE)
            .and_where(same);
    }
    Ok(select)
}
