//! The placeholders that texts may hold, by the executor's own grammar: what passes here is replaced there.

use hcndc_exec::executor::template::{self, Subject};

/// A placeholder found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Placeholder<'a> {
    /// A param's value.
    Param(String),
    /// One that is ours by its beginning and breaks the grammar, as written.
    Bad(&'a str),
}

/// The placeholders of `text` that can be wrong, in their order.
pub(super) fn placeholders(text: &str) -> Vec<Placeholder<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let (sound, bad) = match template::placeholders(rest) {
            Ok(sound) => (sound, None),
            // Before the first bad one there are only sound ones.
            Err(error) => {
                let before = template::placeholders(&rest[..error.range.start]);
                (before.unwrap_or_default(), Some(error.range))
            }
        };
        found.extend(
            sound
                .into_iter()
                .filter_map(|placeholder| match placeholder.subject {
                    Subject::Param(name) => Some(Placeholder::Param(name)),
                    _ => None,
                }),
        );
        let Some(range) = bad else { return found };
        found.push(Placeholder::Bad(&rest[range.clone()]));
        rest = &rest[range.end..];
    }
}

/// Whether `name` can be a param's name.
pub(super) fn is_param_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_one_is_found_among_sound_ones() {
        let text = "${param.a} ${date-1} ${date:%Y} ${param.b.c-d} ${date:%H} ${HOME} ${param.} $${param.z}";
        assert_eq!(
            placeholders(text),
            [
                Placeholder::Param("a".into()),
                Placeholder::Bad("${date-1}"),
                Placeholder::Param("b.c-d".into()),
                Placeholder::Bad("${date:%H}"),
                Placeholder::Bad("${param.}"),
            ]
        );
    }
}
