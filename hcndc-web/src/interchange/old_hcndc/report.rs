//! What came of each table.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{OldMatter, OldNote, OldTables};
use crate::interchange::Lang;

/// What was carried over, what was not, and what is otherwise now. It holds no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldReport {
    /// What came of the rows of each table that is there.
    pub tables: BTreeMap<&'static str, OldTableCount>,
    /// What to know, in the order of the tables.
    pub notes: Vec<OldNote>,
    /// What rows are called now, by table and number.
    pub numbers: BTreeMap<&'static str, BTreeMap<i64, String>>,
}

/// What came of the rows of a table: each was carried over, deleted before, or left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OldTableCount {
    /// Rows that were read.
    pub read: usize,
    /// Rows that are part of a definition now.
    pub carried: usize,
    /// Rows that the first HCNDC had marked as deleted.
    pub deleted: usize,
    /// Rows that could not be carried over; each is told.
    pub left_out: usize,
}

impl OldReport {
    pub(super) fn new(tables: &OldTables) -> Self {
        let count = |read| OldTableCount {
            read,
            ..OldTableCount::default()
        };
        let tables = tables.counts().map(|(name, read)| (name, count(read)));
        Self {
            tables: tables.collect(),
            ..Self::default()
        }
    }

    pub(super) fn count(&mut self, table: &'static str) -> &mut OldTableCount {
        self.tables.entry(table).or_default()
    }

    /// A row that had been counted as carried over is left out after all.
    pub(super) fn moved_out(&mut self, table: &'static str) {
        let count = self.count(table);
        count.carried = count.carried.saturating_sub(1);
        count.left_out += 1;
    }

    pub(super) fn note(&mut self, table: &'static str, id: i64, name: &str, matter: OldMatter) {
        self.notes.push(OldNote {
            row: Some((table, id)),
            name: name.to_owned(),
            matter,
        });
    }

    /// Says what holds for the whole.
    pub(super) fn whole(&mut self, matter: OldMatter) {
        self.notes.push(OldNote {
            row: None,
            name: String::new(),
            matter,
        });
    }

    /// For programs; sentences in this language.
    #[must_use]
    pub fn to_value(&self, lang: Lang) -> Value {
        let tables: BTreeMap<_, _> = self
            .tables
            .iter()
            .map(|(name, count)| {
                let OldTableCount {
                    read,
                    carried,
                    deleted,
                    left_out,
                } = count;
                let count = json!({
                    "read": read, "carried": carried, "deleted": deleted, "left_out": left_out,
                });
                (*name, count)
            })
            .collect();
        let note = |note: &OldNote| {
            json!({
                "table": note.row.map(|(table, _)| table),
                "id": note.row.map(|(_, id)| id),
                "name": Some(&note.name).filter(|name| !name.is_empty()),
                "code": note.matter.code(),
                "message": note.matter.message(lang),
            })
        };
        let notes: Vec<Value> = self.notes.iter().map(note).collect();
        json!({ "tables": tables, "notes": notes, "numbers": self.numbers })
    }

    /// For people: a line for each table, then one for each note.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let table = |(name, count): (&&str, &OldTableCount)| {
            let OldTableCount {
                read,
                carried,
                deleted,
                left_out,
            } = count;
            match lang {
                Lang::En => format!(
                    "{name}: {read} read, {carried} carried over, {deleted} deleted before, {left_out} left out"
                ),
                Lang::Zh => format!(
                    "{name}：读取 {read} 行，导入 {carried}，原已删除 {deleted}，未导入 {left_out}"
                ),
            }
        };
        let tables = self.tables.iter().map(table);
        let notes = self.notes.iter().map(|note| note.message(lang));
        tables.chain(notes).collect::<Vec<_>>().join("\n")
    }
}
