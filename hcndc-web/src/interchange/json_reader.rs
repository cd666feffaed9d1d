//! JSON text (RFC 8259) → marked tree.
//!
//! Only the structure is read here; strings are handed to `serde_json`, which knows their escapes.

use std::collections::HashMap;

use super::fault::Problem;
use super::node::{Entry, Node, Position, Value};
use super::text::MAX_DEPTH;

/// Reads one JSON value and nothing after it. Duplicate keys are put into `faults`; the first one
/// counts.
///
/// # Errors
/// The first place where the text is not JSON, or is nested too deep.
pub(super) fn read_json(
    text: &str,
    faults: &mut Vec<(Position, Problem)>,
) -> Result<Node, (Position, Problem)> {
    let mut reader = Reader {
        text,
        offset: 0,
        line: 1,
        line_start: 0,
        counted: 0,
        column: 0,
        faults,
    };
    let node = reader.value(0)?;
    reader.skip_space();
    if reader.offset < text.len() {
        return Err(reader.syntax("nothing but spaces after the value"));
    }
    Ok(node)
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
    line_start: usize,
    // Columns count characters: `column` characters stand between `line_start` and `counted`.
    counted: usize,
    column: usize,
    faults: &'a mut Vec<(Position, Problem)>,
}

type Reading<T> = Result<T, (Position, Problem)>;

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn position(&mut self) -> Position {
        if self.counted < self.line_start {
            self.counted = self.line_start;
            self.column = 0;
        }
        self.column += self.text[self.counted..self.offset].chars().count();
        self.counted = self.offset;
        Position {
            line: self.line,
            column: self.column + 1,
        }
    }

    fn syntax(&mut self, expected: &str) -> (Position, Problem) {
        let found = match self.text[self.offset..].chars().next() {
            Some(found) => format!("{:?}", found.to_string()),
            None => "the end of the file".to_owned(),
        };
        (
            self.position(),
            Problem::Syntax {
                detail: format!("expected {expected}, found {found}"),
            },
        )
    }

    fn skip_space(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek() {
            self.offset += 1;
            if byte == b'\n' {
                self.line += 1;
                self.line_start = self.offset;
            }
        }
    }

    fn value(&mut self, depth: usize) -> Reading<Node> {
        self.skip_space();
        let position = self.position();
        if depth > MAX_DEPTH {
            return Err((position, Problem::TooDeep { limit: MAX_DEPTH }));
        }
        let value = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'a'..=b'z') => self.word()?,
            _ => return Err(self.syntax("a value")),
        };
        Ok(Node::new(position, value))
    }

    fn map(&mut self, depth: usize) -> Reading<Value> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<Box<str>, Position> = HashMap::new();
        self.offset += 1;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.offset += 1;
            return Ok(Value::Map(entries));
        }
        loop {
            self.skip_space();
            let position = self.position();
            if self.peek() != Some(b'"') {
                return Err(self.syntax("a key in double quotes"));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.syntax("`:`"));
            }
            self.offset += 1;
            let node = self.value(depth + 1)?;
            if let Some(first) = seen.get(&key) {
                self.faults.push((
                    position,
                    Problem::DuplicateKey {
                        key: key.into(),
                        first: *first,
                    },
                ));
            } else {
                seen.insert(key.clone(), position);
                entries.push(Entry {
                    key,
                    position,
                    node,
                });
            }
            if self.ends(b'}', "`,` or `}`")? {
                return Ok(Value::Map(entries));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Reading<Value> {
        let mut items = Vec::new();
        self.offset += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.offset += 1;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.ends(b']', "`,` or `]`")? {
                return Ok(Value::List(items));
            }
        }
    }

    /// After an element: `true` at `close`, `false` at a comma.
    fn ends(&mut self, close: u8, expected: &str) -> Reading<bool> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.offset += 1;
                Ok(false)
            }
            Some(byte) if byte == close => {
                self.offset += 1;
                Ok(true)
            }
            _ => Err(self.syntax(expected)),
        }
    }

    fn string(&mut self) -> Reading<Box<str>> {
        let bytes = self.text.as_bytes();
        let start = self.offset;
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                // An escaped quote does not end the string; the byte after a backslash is always
                // ASCII or an error.
                Some(b'\\') => end += 2,
                Some(b'\n') | None => return Err(self.syntax("a string that ends on its line")),
                Some(_) => end += 1,
            }
        }
        let literal = self.text.get(start..=end).unwrap_or_default();
        match serde_json::from_str::<String>(literal) {
            Ok(text) => {
                self.offset = end + 1;
                Ok(text.into())
            }
            Err(_) => Err(self.syntax("a JSON string (backslash and control characters escaped)")),
        }
    }

    fn number(&mut self) -> Reading<Value> {
        let rest = &self.text[self.offset..];
        let length = rest
            .bytes()
            .take_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
            .count();
        if serde_json::from_str::<serde_json::Number>(&rest[..length]).is_err() {
            return Err(self.syntax("a JSON number"));
        }
        self.offset += length;
        Ok(Value::Number(rest[..length].into()))
    }

    fn word(&mut self) -> Reading<Value> {
        let rest = &self.text[self.offset..];
        let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let value = match &rest[..length] {
            "null" => Value::Null,
            "true" => Value::Bool(true, "true".into()),
            "false" => Value::Bool(false, "false".into()),
            _ => return Err(self.syntax("a value")),
        };
        self.offset += length;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, (Position, Problem)> {
        read_json(text, &mut Vec::new())
    }

    #[test]
    fn values_know_their_places_in_characters() {
        let tree = read("{\"é\": [1.50,\n  \"\\u0041\\ud83d\\ude00\"]}").unwrap();
        let list = tree.at("é").unwrap();
        assert_eq!(list.position, Position { line: 1, column: 7 });
        assert_eq!(list.items()[0].value, Value::Number("1.50".into()));
        assert_eq!(list.items()[1].position, Position { line: 2, column: 3 });
        assert_eq!(list.items()[1].text(), Some("A😀"));
    }

    #[test]
    fn what_is_not_json_is_refused_at_its_place() {
        for (text, line, column) in [
            ("", 1, 1),
            ("{\"a\": }", 1, 7),
            ("[1, 2", 1, 6),
            ("[01]", 1, 2),
            ("{\"a\" 1}", 1, 6),
            ("[1]\n x", 2, 2),
            ("[\"a\\\"]", 1, 2),
            ("[\"\\x\"]", 1, 2),
            ("[nul]", 1, 2),
            ("[\"a\u{1}\"]", 1, 2),
            ("\"\\é\"", 1, 1),
        ] {
            let (position, _) = read(text).unwrap_err();
            assert_eq!(position, Position { line, column }, "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_ends_in_a_fault() {
        let (_, problem) = read(&"[".repeat(100_000)).unwrap_err();
        assert_eq!(problem, Problem::TooDeep { limit: MAX_DEPTH });
    }

    #[test]
    fn second_key_of_the_same_name_is_a_fault() {
        let mut faults = Vec::new();
        let tree = read_json("{\"a\": 1, \"a\": 2}", &mut faults).unwrap();
        assert_eq!(tree.entries().len(), 1);
        let first = Position { line: 1, column: 2 };
        assert_eq!(
            faults,
            [(
                Position {
                    line: 1,
                    column: 10
                },
                Problem::DuplicateKey {
                    key: "a".into(),
                    first
                }
            )]
        );
    }
}
