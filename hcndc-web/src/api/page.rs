//! Pages of lists: `sort`, `limit` and an opaque `cursor` in, `items` and `next_cursor` out.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hcndc_core::port::{Cursor, CursorValue, Direction, NamedSort, Page, PageRequest};
use serde::Serialize;
use utoipa::ToSchema;

use super::{problem::BlameError, query::Query};

/// Items of a page when nobody says.
const USUAL: u64 = 100;
/// Items of a page at most.
const MOST: u64 = 1_000;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
pub(super) struct PageDto<T> {
    /// The items, sorted.
    pub(super) items: Vec<T>,
    /// Ask for the next page with this; null on the last.
    #[schema(example = "LWlkCjEyCg")]
    pub(super) next_cursor: Option<String>,
}

/// How a list is sorted: the word that asked for it, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort<S> {
    word: &'static str,
    by: S,
    direction: Direction,
}

const fn sort<S>(word: &'static str, by: S, direction: Direction) -> Sort<S> {
    Sort {
        word,
        by,
        direction,
    }
}

/// Sorts of lists of definitions; the first is the usual one.
pub(super) const NAMED: [Sort<NamedSort>; 6] = [
    sort("id", NamedSort::Id, Direction::Ascending),
    sort("-id", NamedSort::Id, Direction::Descending),
    sort("name", NamedSort::Name, Direction::Ascending),
    sort("-name", NamedSort::Name, Direction::Descending),
    sort("updated_at", NamedSort::UpdatedAt, Direction::Ascending),
    sort("-updated_at", NamedSort::UpdatedAt, Direction::Descending),
];

/// Sorts of lists of what was started last.
pub(super) const NEWEST_FIRST: [Sort<()>; 2] = [
    sort("-id", (), Direction::Descending),
    sort("id", (), Direction::Ascending),
];

/// Sorts of other lists of runs.
pub(super) const BY_ID: [Sort<()>; 2] = [
    sort("id", (), Direction::Ascending),
    sort("-id", (), Direction::Descending),
];

/// Which page is asked for.
pub(super) struct Asked<S> {
    sort: Sort<S>,
    /// By what it is sorted.
    pub(super) by: S,
    /// For the read side.
    pub(super) page: PageRequest,
}

impl<S: Copy> Asked<S> {
    /// Takes `sort`, `limit` and `cursor` out of a query.
    pub(super) fn of(query: &mut Query, sorts: &[Sort<S>]) -> Self {
        let words: Vec<_> = sorts.iter().map(|sort| (sort.word, *sort)).collect();
        let sort = query.word("sort", &words).unwrap_or(sorts[0]);
        let limit = query.number("limit", 1, MOST).unwrap_or(USUAL);
        let after = query.text("cursor").and_then(|text| {
            let cursor = decode(sort.word, &text);
            if cursor.is_none() {
                query.blame("cursor", BlameError::BadCursor);
            }
            cursor
        });
        Self {
            sort,
            by: sort.by,
            page: PageRequest {
                after,
                limit: limit as u32,
                direction: sort.direction,
            },
        }
    }

    /// The page as it is told.
    pub(super) fn tell<T, D>(&self, page: Page<T>, item: impl FnMut(T) -> D) -> PageDto<D> {
        self.tell_items(page.items.into_iter().map(item).collect(), page.next)
    }

    /// As [`tell`](Self::tell), for items that are told already.
    pub(super) fn tell_items<D>(&self, items: Vec<D>, next: Option<Cursor>) -> PageDto<D> {
        PageDto {
            items,
            next_cursor: next.map(|cursor| encode(self.sort.word, &cursor)),
        }
    }
}

/// Sort, id and sort key, a line each.
fn encode(sort: &str, cursor: &Cursor) -> String {
    let value = match &cursor.value {
        CursorValue::Id => String::new(),
        CursorValue::Text(text) => text.clone(),
        CursorValue::Micros(micros) => micros.to_string(),
    };
    URL_SAFE_NO_PAD.encode(format!("{sort}\n{}\n{value}", cursor.id))
}

fn decode(sort: &str, text: &str) -> Option<Cursor> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let mut lines = text.splitn(3, '\n');
    let (of, id, value) = (lines.next()?, lines.next()?, lines.next()?);
    if of != sort {
        return None;
    }
    let value = match sort.trim_start_matches('-') {
        "name" => CursorValue::Text(value.to_owned()),
        "updated_at" => CursorValue::Micros(value.parse().ok()?),
        _ => CursorValue::Id,
    };
    Some(Cursor {
        value,
        id: id.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_and_only_to_its_own_list() {
        let cursor = Cursor {
            value: CursorValue::Text("a\nb/数".to_owned()),
            id: 7,
        };
        let text = encode("-name", &cursor);
        assert_eq!(decode("-name", &text), Some(cursor));
        assert_eq!(decode("name", &text), None);
        assert_eq!(decode("id", &text), None);
        for text in ["", "!", "aWQ", "\u{1F600}"] {
            assert_eq!(decode("id", text), None, "{text}");
        }
    }
}
