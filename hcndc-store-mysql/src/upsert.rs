//! Many rows a statement.

use sea_orm::{
    Value,
    sea_query::{Expr, InsertStatement, IntoColumnRef, OnConflict, Query},
};

use crate::{SqlError, entity::Table, writing::Writing};

/// Rows of a statement at most. With the widest table's columns this stays below SQLite's 32,766 variables.
const LARGEST: usize = 512;

/// Bytes of values of a statement at most, but for a single row that is larger. A MySQL server refuses a statement above
/// its `max_allowed_packet`: 16 MB by default on MariaDB, and no host's is likely to be below 4.
const LARGEST_BYTES: usize = 1 << 20;

/// Cuts `rows` into pieces.
pub(crate) fn chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    chunks_by_bytes(rows, |_| 0)
}

/// Cuts `rows`, each of so many bytes, into pieces.
///
/// Their lengths are powers of two. Each length of each table is a statement text of its own, which the driver and the
/// server keep prepared. So there are ten of them a table, and not as many as there are sizes of commits.
fn chunks_by_bytes<T>(rows: &[T], bytes: impl Fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut total = 0;
        let fitting = rest.iter().take(LARGEST).take_while(|row| {
            total += bytes(row);
            total <= LARGEST_BYTES
        });
        // A row that fits nowhere goes alone.
        let fitting = fitting.count().max(1).min(rest.len());
        let length = 1 << fitting.checked_ilog2()?;
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some(piece)
    })
}

/// How many bytes a row has on its way to the database, about.
fn bytes(row: &[Value]) -> usize {
    let texts = row.iter().map(|value| match value {
        Value::String(Some(text)) => text.len(),
        _ => 0,
    });
    texts.sum::<usize>() + row.len() * size_of::<i64>()
}

/// The values of rows.
pub(crate) fn values<'a, T: Table>(
    rows: impl Iterator<Item = T::Row<'a>>,
) -> Result<Vec<Vec<Value>>, SqlError> {
    rows.map(T::values).collect()
}

/// Stores each row, over the one that has its key if there is one.
pub(crate) async fn upsert<T: Table>(
    db: &mut impl Writing,
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
    for piece in chunks_by_bytes(&rows, |row| bytes(row)) {
        db.write(doing, &insert::<T>(piece, &conflict)).await?;
    }
    Ok(())
}

fn insert<T: Table>(rows: &[Vec<Value>], conflict: &OnConflict) -> InsertStatement {
    let mut statement = Query::insert();
    statement
        .into_table(T::TABLE)
        .columns(T::COLUMNS.iter().copied())
        .on_conflict(conflict.clone());
    for row in rows {
        statement.values_panic(row.iter().cloned().map(Expr::val));
    }
    statement
}

/// Deletes the rows whose column is one of these ids.
pub(crate) async fn delete<T: Table>(
    db: &mut impl Writing,
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
        db.write(doing, &statement).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths<T>(chunks: impl Iterator<Item = T>, length: impl Fn(T) -> usize) -> Vec<usize> {
        chunks.map(length).collect()
    }

    #[test]
    fn pieces_add_up_and_are_of_few_sizes() {
        for total in 0..3_000 {
            let rows = vec![(); total];
            let pieces = lengths(chunks(&rows), <[()]>::len);
            assert_eq!(pieces.iter().sum::<usize>(), total);
            assert!(pieces.iter().all(|n| n.is_power_of_two() && *n <= LARGEST));
        }
        let rows = [(); 1_157];
        let pieces = lengths(chunks(&rows), <[()]>::len);
        assert_eq!(pieces, [512, 512, 128, 4, 1]);
    }

    #[test]
    fn a_piece_is_no_larger_than_its_limit_but_for_a_row_that_is() {
        let rows = [10, LARGEST_BYTES, 1, 2, LARGEST_BYTES + 1, 3]
            .into_iter()
            .chain(std::iter::repeat_n(LARGEST_BYTES / 3, 7));
        let rows: Vec<_> = rows.collect();
        let pieces: Vec<_> = chunks_by_bytes(&rows, |row| *row).collect();
        assert_eq!(pieces.concat(), rows);
        for piece in &pieces {
            assert!(piece.len().is_power_of_two());
            assert!(piece.len() == 1 || piece.iter().sum::<usize>() <= LARGEST_BYTES);
        }
        assert_eq!(
            lengths(pieces.iter(), |piece| piece.len()),
            [1, 1, 2, 1, 2, 2, 2, 2]
        );
    }

    #[test]
    fn texts_count_by_their_bytes() {
        let row = [Value::from("日报"), Value::from(None::<String>), 1.into()];
        assert_eq!(bytes(&row), 6 + 3 * 8);
    }
}
