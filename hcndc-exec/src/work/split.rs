//! Where the statements of a text end. PostgreSQL takes several in one message as one transaction, so they are sent one after
//! another where each is to count by itself; ClickHouse takes one in a request.

/// How quotes and comments are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Backslashes are text, but in `E''`; comments nest.
    Postgresql,
    /// A backslash changes what follows it in any quotes; comments do not nest, and `#` begins one, too.
    Clickhouse,
}

/// The statements of a text, without those of nothing but white space and comments.
///
/// A semicolon ends one unless it stands in quotes, in a dollar-quoted text, in a comment or between parentheses.
#[must_use]
pub fn statements(text: &str, dialect: Dialect) -> Vec<&str> {
    let escapes = dialect == Dialect::Clickhouse;
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut begin, mut at, mut depth) = (0, 0, 0_usize);
    let mut says = false;
    while at < bytes.len() {
        let rest = &text[at..];
        let length = match bytes[at] {
            b'\'' => {
                says = true;
                quoted(rest, b'\'', escapes || is_escape_text(text, at))
            }
            b'"' => {
                says = true;
                quoted(rest, b'"', escapes)
            }
            b'`' if escapes => {
                says = true;
                quoted(rest, b'`', true)
            }
            b'#' if escapes && (rest.starts_with("# ") || rest.starts_with("#!")) => line(rest),
            b'-' if rest.starts_with("--") => line(rest),
            b'/' if rest.starts_with("/*") => comment(rest, !escapes),
            b'$' if dollar_tag(text, at).is_some() => {
                says = true;
                let tag = dollar_tag(text, at).unwrap_or_default();
                let inner = &rest[tag.len()..];
                inner
                    .find(tag)
                    .map_or(rest.len(), |end| end + 2 * tag.len())
            }
            b';' if depth == 0 => {
                if says {
                    found.push(text[begin..at].trim());
                }
                (begin, says) = (at + 1, false);
                1
            }
            byte => {
                match byte {
                    b'(' => depth += 1,
                    b')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                says |= !byte.is_ascii_whitespace();
                1
            }
        };
        at += length;
    }
    if says {
        found.push(text[begin..].trim());
    }
    found
}

/// Bytes of a quoted text at the beginning of `rest`, with its quotes.
fn quoted(rest: &str, quote: u8, escapes: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            // A doubled quote ends one text and begins another, which comes to the same.
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Whether the quote at `at` opens an `E''` text, in which a backslash changes what follows it.
fn is_escape_text(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    let [.., e] = before else { return false };
    let word = before.iter().rev().nth(1);
    matches!(e, b'e' | b'E') && !word.is_some_and(|it| it.is_ascii_alphanumeric() || *it == b'_')
}

/// Bytes of a comment that ends with its line.
fn line(rest: &str) -> usize {
    rest.find('\n').map_or(rest.len(), |end| end + 1)
}

/// Bytes of a comment at the beginning of `rest`.
fn comment(rest: &str, nests: bool) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" if nests || depth == 0 => (depth, at) = (depth + 1, at + 2),
            b"*/" => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// The tag that a dollar-quoted text at `at` begins with, such as `$$` or `$body$`.
fn dollar_tag(text: &str, at: usize) -> Option<&str> {
    let part_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    if text.as_bytes()[..at].last().is_some_and(part_of_name) {
        return None;
    }
    let rest = &text[at..];
    let end = rest[1..].find('$')? + 2;
    let name = &rest.as_bytes()[1..end - 1];
    let is_name = name.iter().all(part_of_name) && !name.first().is_some_and(u8::is_ascii_digit);
    is_name.then_some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::{Dialect, statements};

    #[test]
    fn a_semicolon_ends_a_statement_unless_something_holds_it() {
        for (text, expected) in [
            ("SELECT 1; SELECT 2;", vec!["SELECT 1", "SELECT 2"]),
            (" ; ;\n-- a; b\n/* c; /* d; */ ; */ ;", vec![]),
            (
                "SELECT 'it''s; x', \"a;b\"; SELECT 2",
                vec!["SELECT 'it''s; x', \"a;b\"", "SELECT 2"],
            ),
            (
                "SELECT E'\\';' ; SELECT '\\'; SELECT 3",
                vec!["SELECT E'\\';'", "SELECT '\\'", "SELECT 3"],
            ),
            (
                "DO $x$ BEGIN PERFORM 1; END $x$; SELECT $$a;b$$",
                vec!["DO $x$ BEGIN PERFORM 1; END $x$", "SELECT $$a;b$$"],
            ),
            (
                "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT '每;日'",
                vec![
                    "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
                    "SELECT '每;日'",
                ],
            ),
            ("SELECT a$1; SELECT $1", vec!["SELECT a$1", "SELECT $1"]),
            ("SELECT 'open; SELECT 2", vec!["SELECT 'open; SELECT 2"]),
        ] {
            assert_eq!(statements(text, Dialect::Postgresql), expected, "{text}");
        }
    }

    #[test]
    fn clickhouse_reads_quotes_and_comments_in_its_own_way() {
        for (text, expected) in [
            (
                "INSERT INTO t VALUES ('it\\'s; x', 'it''s'); SELECT `a\\`;b`, \"c;d\"",
                vec![
                    "INSERT INTO t VALUES ('it\\'s; x', 'it''s')",
                    "SELECT `a\\`;b`, \"c;d\"",
                ],
            ),
            (
                "/* a; /* b; */ SELECT 1; # c; d\nSELECT 2 -- e; f",
                vec!["/* a; /* b; */ SELECT 1", "# c; d\nSELECT 2 -- e; f"],
            ),
            ("SELECT '每;日';\n-- nothing;\n", vec!["SELECT '每;日'"]),
        ] {
            assert_eq!(statements(text, Dialect::Clickhouse), expected, "{text}");
        }
    }
}
