//! Fields separated by tabulators, as ClickHouse writes them.

/// The fields of a line without its end; `None` for what is NULL.
pub fn fields(line: &str) -> impl Iterator<Item = Option<String>> {
    line.split('\t')
        .map(|field| (field != "\\N").then(|| unescaped(field)))
}

/// A field as it was.
#[must_use]
pub fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some('r') => text.push('\r'),
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_what_they_were() {
        let line = "a\\tb\\\\N\t\\N\t\t\\'\\0\\";
        let expected = [Some("a\tb\\N"), None, Some(""), Some("'\0\\")];
        let expected = expected.map(|it| it.map(str::to_owned));
        assert_eq!(fields(line).collect::<Vec<_>>(), expected);
    }
}
