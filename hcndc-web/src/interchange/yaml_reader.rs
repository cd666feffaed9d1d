//! YAML 1.2 text → marked tree, by the core schema (YAML 1.2.2 §10.3).
//!
//! Works on the parser's events with a stack of its own, so that neither depth nor aliases can
//! exhaust memory.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::fault::Problem;
use super::node::{Entry, Node, Position, Value};
use super::text::MAX_DEPTH;

/// What aliases may add to a document, in bytes of text and 64 a node.
const ALIAS_BUDGET: usize = 64 << 20;

type Located = (Position, Problem);

/// Reads the only document of `text`. What is wrong but does not stop the reading is put into
/// `faults`.
///
/// # Errors
/// The first place where the text is not YAML, is nested too deep or grows too large by aliases.
pub(super) fn read_yaml(text: &str, faults: &mut Vec<Located>) -> Result<Option<Node>, Located> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder {
        frames: Vec::new(),
        anchors: HashMap::new(),
        spent: 0,
        root: None,
        faults,
    };
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|fault| {
            (
                position(fault.marker()),
                Problem::Syntax {
                    detail: fault.info().to_owned(),
                },
            )
        })?;
        let place = position(&span.start);
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                return Err((place, Problem::ManyDocuments));
            }
        }
        builder.event(event, place)?;
    }
    Ok(builder.root)
}

fn position(marker: &Marker) -> Position {
    Position {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

struct Builder<'a> {
    frames: Vec<Frame>,
    /// Finished anchored nodes; an anchor that is not here yet is still being read.
    anchors: HashMap<usize, Node>,
    spent: usize,
    root: Option<Node>,
    faults: &'a mut Vec<Located>,
}

struct Frame {
    position: Position,
    anchor: usize,
    children: Children,
}

enum Children {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: HashMap<Box<str>, Position>,
        key: Option<Key>,
    },
}

/// A key that waits for its value; without text it was no scalar, and its value is passed over.
struct Key {
    text: Option<Box<str>>,
    position: Position,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, place: Position) -> Result<(), Located> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), place)
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", place);
                self.open(place, anchor, Children::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", place);
                let children = Children::Map {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: None,
                };
                self.open(place, anchor, children)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(
        &mut self,
        position: Position,
        anchor: usize,
        children: Children,
    ) -> Result<(), Located> {
        if self.frames.len() >= MAX_DEPTH {
            return Err((position, Problem::TooDeep { limit: MAX_DEPTH }));
        }
        self.frames.push(Frame {
            position,
            anchor,
            children,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Located> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        let value = match frame.children {
            Children::List(items) => Value::List(items),
            Children::Map { entries, .. } => Value::Map(entries),
        };
        self.finish(Node::new(frame.position, value), frame.anchor, None)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: Position,
    ) -> Result<(), Located> {
        let value = match tag {
            None if style == ScalarStyle::Plain => plain(text),
            None => Value::Text(text.into()),
            Some(tag) => self.tagged(text, tag, place),
        };
        self.finish(Node::new(place, value), anchor, Some(text))
    }

    /// Core tags decide the kind of a scalar; others mean nothing here.
    fn tagged(&mut self, text: &str, tag: &Tag, place: Position) -> Value {
        let value = match tag.suffix.as_str() {
            "str" if tag.is_yaml_core_schema() => return Value::Text(text.into()),
            "int" | "float" | "bool" | "null" if tag.is_yaml_core_schema() => plain(text),
            _ => {
                self.faults.push((
                    place,
                    Problem::UnsupportedTag {
                        tag: tag.to_string(),
                    },
                ));
                return plain(text);
            }
        };
        let fits = matches!(
            (tag.suffix.as_str(), &value),
            ("int" | "float", Value::Number(_)) | ("bool", Value::Bool(..)) | ("null", Value::Null)
        );
        if !fits {
            self.faults.push((
                place,
                Problem::UnsupportedTag {
                    tag: tag.to_string(),
                },
            ));
        }
        value
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, own: &str, place: Position) {
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && tag.suffix == own)) {
            self.faults.push((
                place,
                Problem::UnsupportedTag {
                    tag: tag.to_string(),
                },
            ));
        }
    }

    fn alias(&mut self, anchor: usize, place: Position) -> Result<(), Located> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err((place, Problem::AliasOfItself));
        };
        self.spent = self.spent.saturating_add(cost(node));
        if self.spent > ALIAS_BUDGET {
            return Err((
                place,
                Problem::AliasesTooLarge {
                    limit: ALIAS_BUDGET,
                },
            ));
        }
        let mut node = node.clone();
        node.position = place;
        let text = match &node.value {
            Value::Text(text) | Value::Number(text) | Value::Bool(_, text) => Some(text.clone()),
            _ => None,
        };
        self.finish(node, 0, text.as_deref())
    }

    /// Puts a whole node where it belongs. `text` is what a scalar says, in case it is a key.
    fn finish(&mut self, node: Node, anchor: usize, text: Option<&str>) -> Result<(), Located> {
        if anchor > 0 {
            self.spent = self.spent.saturating_add(cost(&node));
            if self.spent > ALIAS_BUDGET {
                return Err((
                    node.position,
                    Problem::AliasesTooLarge {
                        limit: ALIAS_BUDGET,
                    },
                ));
            }
            self.anchors.insert(anchor, node.clone());
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.children {
            Children::List(items) => items.push(node),
            Children::Map { entries, seen, key } => match key.take() {
                None => {
                    if text.is_none() {
                        self.faults.push((node.position, Problem::KeyNotText));
                    }
                    *key = Some(Key {
                        text: text.map(Box::from),
                        position: node.position,
                    });
                }
                Some(Key { text: None, .. }) => {}
                Some(Key {
                    text: Some(text),
                    position,
                }) => {
                    if let Some(first) = seen.get(&text) {
                        self.faults.push((
                            position,
                            Problem::DuplicateKey {
                                key: text.into(),
                                first: *first,
                            },
                        ));
                    } else {
                        seen.insert(text.clone(), position);
                        entries.push(Entry {
                            key: text,
                            position,
                            node,
                        });
                    }
                }
            },
        }
        Ok(())
    }
}

fn cost(node: &Node) -> usize {
    let own = match &node.value {
        Value::Null => 0,
        Value::Bool(_, text) | Value::Number(text) | Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(cost).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| 64 + entry.key.len() + cost(&entry.node))
            .sum(),
    };
    own + 64
}

/// What a plain scalar means by the core schema.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true, text.into()),
        "false" | "False" | "FALSE" => Value::Bool(false, text.into()),
        _ if is_number(text) => Value::Number(text.into()),
        _ => Value::Text(text.into()),
    }
}

/// Whether a plain scalar is an integer or a floating point number of the core schema.
pub(super) fn is_number(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_holds = exponent.is_none_or(|text| {
        let text = text.strip_prefix(['-', '+']).unwrap_or(text);
        !text.is_empty() && digits(text)
    });
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_holds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Node>, Located> {
        read_yaml(text, &mut Vec::new())
    }

    #[test]
    fn scalars_follow_the_core_schema_and_keep_their_text() {
        let tree = read(
            "[1.10, 0755, 0x1F, +5, .inf, 1e3, yes, True, ~, '5', !!str 6, 2026-11-21, ., -, 1_000]",
        );
        // A lone dash would start an entry in block style; inside brackets the parser refuses it.
        assert!(tree.is_err());
        let tree = read(
            "[1.10, 0755, 0x1F, +5, .inf, 1e3, yes, True, ~, '5', !!str 6, 2026-11-21, ., 1_000]",
        )
        .unwrap()
        .unwrap();
        let values: Vec<_> = tree.items().iter().map(|node| node.value.clone()).collect();
        let number = |text: &str| Value::Number(text.into());
        let string = |text: &str| Value::Text(text.into());
        assert_eq!(
            values,
            [
                number("1.10"),
                number("0755"),
                number("0x1F"),
                number("+5"),
                number(".inf"),
                number("1e3"),
                string("yes"),
                Value::Bool(true, "True".into()),
                Value::Null,
                string("5"),
                string("6"),
                string("2026-11-21"),
                string("."),
                string("1_000"),
            ]
        );
    }

    #[test]
    fn aliases_repeat_their_anchor() {
        let tree = read("a: &x {k: v}\nb: *x\n").unwrap().unwrap();
        assert_eq!(tree.at("b.k").and_then(Node::text), Some("v"));
    }

    #[test]
    fn billion_laughs_end_in_a_fault() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..30 {
            let below = format!("*a{}", level - 1);
            text.push_str(&format!(
                "a{level}: &a{level} [{}]\n",
                vec![below; 10].join(", ")
            ));
        }
        let (_, problem) = read(&text).unwrap_err();
        assert_eq!(
            problem,
            Problem::AliasesTooLarge {
                limit: ALIAS_BUDGET
            }
        );
    }

    #[test]
    fn alias_inside_its_own_anchor_is_a_fault() {
        let (position, problem) = read("a: &x [1, *x]\n").unwrap_err();
        assert_eq!((position.line, problem), (1, Problem::AliasOfItself));
    }

    #[test]
    fn deep_nesting_ends_in_a_fault() {
        for text in [
            "[".repeat(100_000),
            "- ".repeat(100_000),
            "{a: ".repeat(100_000),
            "? ".repeat(100_000),
        ] {
            let (_, problem) = read(&text).unwrap_err();
            assert!(
                matches!(problem, Problem::TooDeep { .. } | Problem::Syntax { .. }),
                "{problem:?}"
            );
        }
    }

    #[test]
    fn second_document_and_unknown_tags_are_faults() {
        assert_eq!(
            read("a: 1\n---\nb: 2\n").unwrap_err().1,
            Problem::ManyDocuments
        );
        let mut faults = Vec::new();
        read_yaml("a: !secret x\nb: !!int y\n? [k]\n: 1\n", &mut faults).unwrap();
        assert_eq!(faults.len(), 3);
        assert_eq!(faults[2].1, Problem::KeyNotText);
    }
}
