//! Bytes → marked tree, whichever of the two notations they are in.

use super::fault::Problem;
use super::json_reader::read_json;
use super::node::{Node, Position, Value};
use super::yaml_reader::read_yaml;

/// How deep lists and maps may stand in one another. The mesh file itself needs 7.
pub(super) const MAX_DEPTH: usize = 64;

/// Size of the largest file that is read, in bytes: some 1,000,000 jobs.
pub(super) const MAX_BYTES: u64 = 256 << 20;

/// A tree, where there is one, and all faults found while reading it.
#[derive(Debug)]
pub(super) struct ReadTree {
    pub(super) root: Option<Node>,
    pub(super) faults: Vec<(Position, Problem)>,
}

/// Reads YAML, or JSON when the text starts with a brace. (Most JSON is YAML too, but not all of
/// it.)
pub(super) fn read_tree(bytes: &[u8]) -> ReadTree {
    let mut faults = Vec::new();
    let root = decode(bytes).and_then(|text| {
        if text.trim_start().starts_with('{') {
            let mut json_faults = Vec::new();
            if let Ok(node) = read_json(text, &mut json_faults) {
                faults.append(&mut json_faults);
                return Ok(Some(node));
            }
        }
        let root = read_yaml(text, &mut faults)?;
        let root = root.filter(|root| root.value != Value::Null);
        // A file of remarks alone.
        root.map(Some)
            .ok_or((Position { line: 1, column: 1 }, Problem::EmptyFile))
    });
    finish(root, faults)
}

/// Reads JSON and nothing else.
pub(super) fn read_json_tree(bytes: &[u8]) -> ReadTree {
    let mut faults = Vec::new();
    let root = decode(bytes).and_then(|text| read_json(text, &mut faults).map(Some));
    finish(root, faults)
}

fn finish(
    root: Result<Option<Node>, (Position, Problem)>,
    mut faults: Vec<(Position, Problem)>,
) -> ReadTree {
    let root = root.unwrap_or_else(|fault| {
        faults.push(fault);
        None
    });
    ReadTree { root, faults }
}

/// UTF-8 without its byte order mark and without control characters, or the first place that is not
/// so.
fn decode(bytes: &[u8]) -> Result<&str, (Position, Problem)> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(fault) => {
            let sound = std::str::from_utf8(&bytes[..fault.valid_up_to()]).unwrap_or_default();
            let byte = bytes.get(fault.valid_up_to()).copied().unwrap_or_default();
            return Err((end_of(sound), Problem::NotUtf8 { byte }));
        }
    };
    if text.trim().is_empty() {
        return Err((Position { line: 1, column: 1 }, Problem::EmptyFile));
    }
    // YAML's parser takes a NUL for the end of its input: what follows would go unseen.
    let stray = |c: char| c < ' ' && !matches!(c, '\n' | '\r' | '\t');
    match text.find(stray) {
        Some(offset) => {
            let code = text[offset..].chars().next().map_or(0, u32::from);
            Err((end_of(&text[..offset]), Problem::ControlCharacter { code }))
        }
        None => Ok(text),
    }
}

fn end_of(text: &str) -> Position {
    let line_start = text.rfind('\n').map_or(0, |offset| offset + 1);
    Position {
        line: text.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: text[line_start..].chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_fault(bytes: &[u8]) -> (usize, usize, Problem) {
        let read = read_tree(bytes);
        let (position, problem) = read.faults.into_iter().next().unwrap();
        (position.line, position.column, problem)
    }

    #[test]
    fn bytes_that_are_no_text_are_faults_at_their_place() {
        assert_eq!(
            first_fault(b"a: b\nc: \xff"),
            (2, 4, Problem::NotUtf8 { byte: 0xff })
        );
        assert_eq!(
            first_fault(b"\xff\xfea\0"),
            (1, 1, Problem::NotUtf8 { byte: 0xff })
        );
        assert_eq!(
            first_fault(b"a: \0"),
            (1, 4, Problem::ControlCharacter { code: 0 })
        );
        assert_eq!(first_fault(b""), (1, 1, Problem::EmptyFile));
        assert_eq!(
            first_fault(b"\xEF\xBB\xBF \r\n"),
            (1, 1, Problem::EmptyFile)
        );
    }

    #[test]
    fn mark_and_carriage_returns_do_not_matter() {
        let read = read_tree(b"\xEF\xBB\xBFa:\r\n  - b\r\n  - c\r\n");
        assert!(read.faults.is_empty());
        let root = read.root.unwrap();
        assert_eq!(
            root.at("a[1]").map(|n| n.position),
            Some(Position { line: 3, column: 5 })
        );
        assert_eq!(root.at("a[1]").and_then(Node::text), Some("c"));
    }

    #[test]
    fn braces_start_either_notation() {
        for text in [
            "{\"a\": \"\\ud83d\\ude00\"}",
            "{a: \"😀\"}",
            "\t{\n\t\"a\":\t\"😀\"}",
        ] {
            let read = read_tree(text.as_bytes());
            assert_eq!(
                read.root
                    .as_ref()
                    .and_then(|root| root.at("a"))
                    .and_then(Node::text),
                Some("😀"),
                "{text}"
            );
        }
    }
}
