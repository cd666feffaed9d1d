//! Many rows a statement.

use sea_orm::{
    ConnectionTrait, DbErr, Value,
    sea_query::{Expr, IntoColumnRef, OnConflict, Query},
};

use crate::{SqlError, entity::Table, error::Doing as _};

/// Rows of a statement at most. With the widest table's columns this stays below SQLite's 32,766 variables.
const LARGEST: usize = 512;

/// Lengths of pieces that `total` rows are cut into: full ones, then powers of two.
///
/// Each length of each table is a statement text of its own, which the driver and the server keep prepared. So there are
/// ten of them a table, and not as many as there are sizes of commits.
fn pieces(mut total: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if total == 0 {
            return None;
        }
        let piece = LARGEST.min(1 << total.ilog2());
        total -= piece;
        Some(piece)
    })
}

/// Cuts `rows` into pieces.
pub(crate) fn chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    pieces(rows.len()).map(move |length| {
        let (piece, after) = rest.split_at(length);
        rest = after;
        piece
    })
}

/// The values of rows.
pub(crate) fn values<'a, T: Table>(
    rows: impl Iterator<Item = T::Row<'a>>,
) -> Result<Vec<Vec<Value>>, SqlError> {
    rows.map(T::values).collect()
}

/// Stores each row, over the one that has its key if there is one.
pub(crate) async fn upsert<T: Table>(
    db: &impl ConnectionTrait,
    doing: &'static str,
    rows: Vec<Vec<Value>>,
) -> Result<(), SqlError> {
    let key = T::COLUMNS.iter().take(T::KEY.len());
    debug_assert!(key.zip(T::KEY).all(|(a, b)| a.to_string() == b.to_string()));
    let mut conflict = OnConflict::columns(T::KEY.iter().copied());
    // Rows that are all key have nothing to update; setting the key to itself keeps the statement one for all.
    let rest = &T::COLUMNS[T::KEY.len()..];
    let update = if rest.is_empty() { T::KEY } else { rest };
    conflict.update_columns(update.iter().copied());
    for piece in chunks(&rows) {
        insert::<T>(db, piece, &conflict).await.doing(doing)?;
    }
    Ok(())
}

async fn insert<T: Table>(
    db: &impl ConnectionTrait,
    rows: &[Vec<Value>],
    conflict: &OnConflict,
) -> Result<(), DbErr> {
    let mut statement = Query::insert();
    statement
        .into_table(T::TABLE)
        .columns(T::COLUMNS.iter().copied())
        .on_conflict(conflict.clone());
    for row in rows {
        statement.values_panic(row.iter().cloned().map(Expr::val));
    }
    db.execute(&statement).await.map(drop)
}

/// Deletes the rows whose column is one of these ids.
pub(crate) async fn delete<T: Table>(
    db: &impl ConnectionTrait,
    doing: &'static str,
    column: T,
    ids: &[i64],
) -> Result<(), SqlError> {
    use sea_orm::sea_query::ExprTrait as _;
    for piece in chunks(ids) {
        let statement = Query::delete()
            .from_table(T::TABLE)
            .and_where(Expr::col(column.into_column_ref()).is_in(piece.iter().copied()))
            .to_owned();
        db.execute(&statement).await.doing(doing)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up_and_are_of_few_sizes() {
        for total in 0..3_000 {
            let pieces: Vec<_> = pieces(total).collect();
            assert_eq!(pieces.iter().sum::<usize>(), total);
            assert!(pieces.iter().all(|n| n.is_power_of_two() && *n <= LARGEST));
        }
        assert_eq!(pieces(1_157).collect::<Vec<_>>(), [512, 512, 128, 4, 1]);
    }
}
