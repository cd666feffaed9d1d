//! Answers as tables: a row for each item, columns by what they show.

use std::io::IsTerminal as _;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use console::Term;
use serde_json::Value;

use super::words;
use crate::{cli::pick, interchange::Lang};

/// A column.
#[derive(Debug)]
pub(in crate::cli) struct Column {
    /// Its header in English.
    en: &'static str,
    /// Its header in Chinese.
    zh: &'static str,
    /// Where in an item its value stands: a JSON pointer.
    at: &'static str,
    how: How,
}

/// How a value is shown.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum How {
    /// As it is; lists with commas, maps as `name=value`.
    Text,
    /// To the right.
    Number,
    /// In the terminal's zone.
    Time,
    /// In words and colours.
    State,
    /// Yes or no.
    Flag,
    /// What another function makes of the whole item.
    Made(fn(&Value, Lang) -> String),
    /// A state that another function finds in the whole item.
    MadeState(fn(&Value) -> &'static str),
}

impl Column {
    pub(in crate::cli) const fn new(
        en: &'static str,
        zh: &'static str,
        at: &'static str,
        how: How,
    ) -> Self {
        Self { en, zh, at, how }
    }

    pub(in crate::cli) const fn text(en: &'static str, zh: &'static str, at: &'static str) -> Self {
        Self::new(en, zh, at, How::Text)
    }

    fn cell(&self, item: &Value, lang: Lang) -> Cell {
        let value = item.pointer(self.at).unwrap_or(&Value::Null);
        match self.how {
            How::Text => Cell::new(text(value)),
            How::Number => Cell::new(text(value)).set_alignment(CellAlignment::Right),
            How::Time => Cell::new(value.as_str().map(words::time).unwrap_or_default()),
            How::State => words::state_cell(value.as_str().unwrap_or_default(), lang),
            How::Flag => Cell::new(match value.as_bool() {
                Some(true) => pick(lang, "yes", "是"),
                Some(false) => pick(lang, "no", "否"),
                None => "",
            }),
            How::Made(make) => Cell::new(make(item, lang)),
            How::MadeState(find) => words::state_cell(find(item), lang),
        }
    }
}

/// A value in one line.
pub(in crate::cli) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(text).collect();
            items.join(", ")
        }
        // What has a name is known by it.
        Value::Object(fields) => match fields.get("name").or_else(|| fields.get("job")) {
            Some(name) => text(name),
            None => {
                let pairs = fields.iter().filter(|(_, value)| !value.is_null());
                let pairs: Vec<String> = pairs
                    .map(|(name, value)| format!("{name}={}", text(value)))
                    .collect();
                pairs.join(", ")
            }
        },
    }
}

/// Items as a table, as wide as the terminal at most.
pub(in crate::cli) fn table(columns: &[Column], items: &[Value], lang: Lang) -> String {
    let mut table = plain();
    table.set_header(columns.iter().map(|column| {
        let cell = Cell::new(pick(lang, column.en, column.zh));
        match column.how {
            How::Number => cell.set_alignment(CellAlignment::Right),
            _ => cell,
        }
    }));
    for item in items {
        table.add_row(columns.iter().map(|column| column.cell(item, lang)));
    }
    words::paint(&table.trim_fmt())
}

/// An empty table without lines.
pub(in crate::cli) fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if std::io::stdout().is_terminal()
        && let Some((_, width)) = Term::stdout().size_checked()
    {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    table
}

/// All that an item says, a line for each field; what is empty is left out.
pub(in crate::cli) fn fields(item: &Value, lang: Lang) -> String {
    let mut table = plain();
    for (name, value) in item.as_object().into_iter().flatten() {
        let shown = match value {
            Value::String(text) if is_time(name) => Cell::new(words::time(text)),
            Value::String(text) if name == "state" => words::state_cell(text, lang),
            Value::Object(fields) if !fields.contains_key("name") => {
                let pairs = fields.iter().filter(|(_, value)| !value.is_null());
                let lines: Vec<String> = pairs
                    .map(|(name, value)| format!("{name}: {}", text(value)))
                    .collect();
                Cell::new(lines.join("\n"))
            }
            value => Cell::new(text(value)),
        };
        if !shown.content().is_empty() {
            table.add_row([Cell::new(name), shown]);
        }
    }
    words::paint(&table.trim_fmt())
}

/// Whether a field of this name holds a time.
fn is_time(name: &str) -> bool {
    name.ends_with("_at") || name == "at" || name == "next" || name.ends_with("_time")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_one_line_and_what_has_a_name_is_known_by_it() {
        assert_eq!(text(&json!({"id": 3, "name": "extract"})), "extract");
        assert_eq!(text(&json!(["a", {"job": "b/c", "on": "done"}])), "a, b/c");
        assert_eq!(text(&json!({"os": "linux", "gpu": null})), "os=linux");
        assert_eq!(text(&Value::Null), "");
    }

    #[test]
    fn a_table_has_headers_in_the_language_and_no_spaces_at_its_edges() {
        const COLUMNS: &[Column] = &[
            Column::new("id", "编号", "/id", How::Number),
            Column::text("flow", "任务流", "/flow/name"),
            Column::new("state", "状态", "/state", How::State),
        ];
        let items = [json!({"id": 12, "flow": {"name": "夜间"}, "state": "failed"})];
        let shown = table(COLUMNS, &items, Lang::En);
        assert_eq!(shown, " id  flow  state\n 12  夜间  failed");
        let shown = table(COLUMNS, &items, Lang::Zh);
        assert_eq!(shown, " 编号  任务流  状态\n   12  夜间    失败");
    }
}
