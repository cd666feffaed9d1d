//! Mesh file → YAML, as a person would write it.
//!
//! Plain where the text cannot be taken for anything else, also by readers of YAML 1.1; literal
//! blocks for texts of several lines; double quotes for the rest. The marked tree of the reader
//! serves as the tree of the writer, so order is kept.

use std::fmt::Write;

use super::json_reader::read_json;
use super::mesh_file::MeshFile;
use super::node::{Entry, Node, Value};
use super::yaml_reader::is_number;

/// Lists of plain texts and numbers stay on one line up to this column.
const LINE: usize = 100;

/// Writes `file` as YAML with a line break at its end. Fields that say what is the default anyway
/// are left out.
///
/// # Examples
/// ```
/// use hcndc_web::interchange::{MeshFile, MeshFlow, MeshJob, to_yaml};
///
/// let mut flow = MeshFlow::named("extract");
/// flow.jobs.push(MeshJob::new("orders", "sh extract.sh orders"));
/// assert_eq!(
///     to_yaml(&MeshFile::of_flows(vec![flow])),
///     "hcndc: 1\nflows:\n  - name: extract\n    jobs:\n      - name: orders\n        command: sh extract.sh orders\n"
/// );
/// ```
pub fn to_yaml(file: &MeshFile) -> String {
    // JSON keeps the order of fields, and neither step can fail: keys are texts, floats that are no
    // numbers are null, and what serde_json writes the reader reads.
    let json = serde_json::to_string(file).unwrap_or_default();
    let tree = read_json(&json, &mut Vec::new());
    let mut yaml = String::with_capacity(json.len() * 5 / 4);
    if let Ok(tree) = tree {
        write_entries(&mut yaml, tree.entries(), 0);
    }
    yaml
}

/// Writes `file` as JSON with a line break at its end.
pub fn to_json(file: &MeshFile) -> String {
    // As above, this cannot fail.
    let mut json = serde_json::to_string_pretty(file).unwrap_or_default();
    json.push('\n');
    json
}

fn indent(yaml: &mut String, level: usize) {
    for _ in 0..level {
        yaml.push_str("  ");
    }
}

/// The entries of a map; the first one stands where the text ends.
fn write_entries(yaml: &mut String, entries: &[Entry], level: usize) {
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            indent(yaml, level);
        }
        write_key(yaml, &entry.key);
        yaml.push(':');
        write_value(yaml, &entry.node, level);
    }
}

/// What follows a colon, with its line break.
fn write_value(yaml: &mut String, node: &Node, level: usize) {
    match &node.value {
        Value::Map(entries) if entries.is_empty() => yaml.push_str(" {}\n"),
        Value::List(items) if items.is_empty() => yaml.push_str(" []\n"),
        Value::Map(entries) => {
            yaml.push('\n');
            indent(yaml, level + 1);
            write_entries(yaml, entries, level + 1);
        }
        Value::List(items) => {
            let column = yaml.len() - yaml.rfind('\n').map_or(0, |end| end + 1);
            if let Some(line) = one_line(items, LINE.saturating_sub(column)) {
                yaml.push_str(&line);
                return;
            }
            yaml.push('\n');
            for item in items {
                indent(yaml, level + 1);
                yaml.push('-');
                match &item.value {
                    Value::Map(entries) if !entries.is_empty() => {
                        yaml.push(' ');
                        write_entries(yaml, entries, level + 2);
                    }
                    _ => write_value(yaml, item, level + 1),
                }
            }
        }
        Value::Null => yaml.push_str(" null\n"),
        Value::Bool(_, text) | Value::Number(text) => {
            let _ = writeln!(yaml, " {text}");
        }
        Value::Text(text) => write_text(yaml, text, level),
    }
}

/// ` [a, b]` for a list of numbers and single words, if it fits into `room` bytes.
///
/// Words only: readers differ on what a dash after a space means inside brackets.
fn one_line(items: &[Node], room: usize) -> Option<String> {
    let mut line = String::from(" [");
    for (index, item) in items.iter().enumerate() {
        let text = match &item.value {
            Value::Number(text) | Value::Bool(_, text) => text,
            Value::Text(text)
                if is_plain(text) && !text.contains([' ', ',', '[', ']', '{', '}']) =>
            {
                text
            }
            _ => return None,
        };
        if index > 0 {
            line.push_str(", ");
        }
        line.push_str(text);
        if line.len() + 1 > room {
            return None;
        }
    }
    line.push_str("]\n");
    Some(line)
}

fn write_key(yaml: &mut String, key: &str) {
    // Keys are texts to the reader, even `on` or `null`.
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && key.len() < 100;
    if plain {
        yaml.push_str(key);
    } else {
        write_quoted(yaml, key);
    }
}

fn write_text(yaml: &mut String, text: &str, level: usize) {
    if is_plain(text) {
        let _ = writeln!(yaml, " {text}");
    } else if is_block(text) {
        yaml.push_str(match (text.ends_with('\n'), text.ends_with("\n\n")) {
            (false, _) => " |-\n",
            (true, false) => " |\n",
            (true, true) => " |+\n",
        });
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if !line.is_empty() {
                indent(yaml, level + 1);
                yaml.push_str(line);
            }
            yaml.push('\n');
        }
    } else {
        yaml.push(' ');
        write_quoted(yaml, text);
        yaml.push('\n');
    }
}

/// Whether `text` means itself without quotes, in every version of YAML.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~",
    ];
    let first = text.chars().next();
    // Number-like texts of YAML 1.1, dates included: 1_000, 12:30:45, 2026-11-21.
    let digits_first =
        text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let number_like = digits_first
        && (is_number(text)
            || text
                .chars()
                .all(|c| c.is_ascii_hexdigit() || "+-.:_xoTZ ".contains(c)));
    first.is_some_and(|c| !c.is_whitespace() && !"-?:,[]{}#&*!|>'\"%@`<=".contains(c))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_printed)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && !number_like
        && !text.starts_with("...")
}

/// Whether `text` can be a literal block: several lines, none of which hides a space or a character
/// that is not printed.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && text.split('\n').all(|line| {
            !line.ends_with([' ', '\t']) && line.chars().all(|c| c == '\t' || is_printed(c))
        })
        && !text.trim().is_empty()
}

/// Characters that stand for themselves, wherever they stand on a line.
fn is_printed(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}'
        )
}

fn write_quoted(yaml: &mut String, text: &str) {
    yaml.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' => write!(yaml, "\\\""),
            '\\' => write!(yaml, "\\\\"),
            '\n' => write!(yaml, "\\n"),
            '\t' => write!(yaml, "\\t"),
            '\r' => write!(yaml, "\\r"),
            c if is_printed(c) => write!(yaml, "{c}"),
            c if u32::from(c) <= 0xFFFF => write!(yaml, "\\u{:04X}", u32::from(c)),
            c => write!(yaml, "\\U{:08X}", u32::from(c)),
        };
    }
    yaml.push('"');
}
