//! What can be told of a statement whose dialect is not known.

/// Whether a text is one statement that begins with one of these words (in small letters), behind comments and brackets. What
/// stands between quotes may hold semicolons; where it cannot be told what does, any semicolon but a last one is too many.
pub(super) fn asks(text: &str, words: &[&str]) -> bool {
    let bare = bare(text);
    let statement = bare.trim();
    let statement = statement.strip_suffix(';').unwrap_or(statement);
    let begin = statement.trim_start_matches(|it: char| it.is_whitespace() || it == '(');
    let first = begin
        .split(|it: char| !it.is_ascii_alphanumeric() && it != '_')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if !words.contains(&first.as_str()) || statement.contains(';') {
        return false;
    }
    // Backslashes, other quotes and names in brackets mean something in some dialects and nothing in others.
    let is_told = !text.contains(['\\', '`', '[', '$', '#']);
    let whole = text.trim();
    is_told || !whole.strip_suffix(';').unwrap_or(whole).contains(';')
}

/// A text without comments, and without what stands between quotes.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\'' | '"', _) => {
                letters.find(|it| *it == letter);
                bare.push_str(" x ");
            }
            ('-', Some('-')) => {
                letters.find(|it| *it == '\n');
                bare.push(' ');
            }
            ('/', Some('*')) => {
                letters.next();
                let mut last = ' ';
                letters.find(|it| {
                    let ends = (last, *it) == ('*', '/');
                    last = *it;
                    ends
                });
                bare.push(' ');
            }
            (other, _) => bare.push(other),
        }
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::asks;

    #[test]
    fn one_statement_that_asks_does() {
        for good in [
            "SELECT 1",
            " -- the last one\n select max(id) from batch ; ",
            "(SELECT 1)",
            "WITH t AS (SELECT 1) SELECT * FROM t",
            "SELECT 'it''s; x' /* ; */, \"a;b\"",
            "SELECT @@VERSION",
            "SELECT [a b] FROM t",
            "SELECT 'a\\b';",
        ] {
            assert!(asks(good, &["select", "with"]), "{good}");
        }
    }

    #[test]
    fn what_is_more_than_that_or_cannot_be_told_does_not() {
        for bad in [
            "",
            "DELETE FROM t",
            "selected",
            "SELECT 1; DELETE FROM t",
            "SELECT '' ; COMMIT -- '",
            "SELECT 1 /* '; */ ; COMMIT",
            "SELECT '\\'; COMMIT -- '",
            "SELECT [it's] ; COMMIT -- '",
            "SELECT $$'$$ ; COMMIT -- '",
            "SHOW TABLES",
        ] {
            assert!(!asks(bad, &["select", "with"]), "{bad}");
        }
    }
}
