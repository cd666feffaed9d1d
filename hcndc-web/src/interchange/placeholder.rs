//! The placeholders that texts may hold.
//!
//! ```text
//! ${param.NAME}     NAME: [A-Za-z_][A-Za-z0-9_.-]*
//! ${date}  ${date:FORMAT}  ${date-1d}  ${date+2w:%Y%m%d}     units d, w, m, y; FORMAT as in strftime, dates only
//! ```
//!
//! Everything else that starts with a dollar belongs to the shell: `$HOME`, `${dates}`, `${x:-y}`.

use std::fmt::Write;

use chrono::NaiveDate;

/// A placeholder found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholder<'a> {
    /// A date, well-formed.
    Date,
    /// A param's value.
    Param(&'a str),
    /// One that breaks the grammar, as written (up to the end of the text if it is not closed).
    Bad(&'a str),
}

/// The placeholders of `text` in their order.
pub(super) fn placeholders(text: &str) -> impl Iterator<Item = Placeholder<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find("${")?;
            let candidate = &rest[start..];
            rest = &candidate[2..];
            let end = candidate.find('}');
            let inner = &candidate[2..end.unwrap_or(candidate.len())];
            let whole = &candidate[..end.map_or(candidate.len(), |end| end + 1)];
            let read = if let Some(name) = inner.strip_prefix("param.") {
                is_param_name(name).then_some(Placeholder::Param(name))
            } else if let Some(tail) = inner
                .strip_prefix("date")
                .filter(|tail| !tail.starts_with(is_shell_name))
            {
                is_date_tail(tail).then_some(Placeholder::Date)
            } else {
                continue;
            };
            rest = &candidate[whole.len()..];
            return Some(
                read.filter(|_| end.is_some())
                    .unwrap_or(Placeholder::Bad(whole)),
            );
        }
    })
}

/// Whether `name` can be a param's name.
pub(super) fn is_param_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn is_shell_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What may follow `date`: an offset, a format, both or nothing.
fn is_date_tail(tail: &str) -> bool {
    let (offset, format) = match tail.split_once(':') {
        Some((offset, format)) => (offset, Some(format)),
        None => (tail, None),
    };
    let offset_holds = offset.is_empty()
        || offset
            .strip_prefix(['+', '-'])
            .and_then(|offset| offset.strip_suffix(['d', 'w', 'm', 'y']))
            .is_some_and(|count| {
                (1..=5).contains(&count.len()) && count.bytes().all(|b| b.is_ascii_digit())
            });
    offset_holds && format.is_none_or(is_date_format)
}

/// Whether a date can be written by `format`: times of day and zones cannot.
fn is_date_format(format: &str) -> bool {
    let mut written = String::new();
    !format.is_empty() && write!(written, "{}", NaiveDate::default().format(format)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Placeholder<'_>> {
        placeholders(text).collect()
    }

    #[test]
    fn dates_take_offsets_and_formats() {
        for text in [
            "${date}",
            "${date:%Y%m%d}",
            "${date-1d}",
            "${date+2w:%Y%m%d}",
            "${date-12m:%Y年%m月}",
            "${date:%F}",
        ] {
            assert_eq!(found(text), [Placeholder::Date], "{text}");
        }
        let bad = [
            "${date-1}",
            "${date-d}",
            "${date 1d}",
            "${date:}",
            "${date:%Q}",
            "${date:%H}",
            "${date--1d}",
            "${date",
            "${date-1x:%Y}",
            "${date-123456d}",
            "${date:%",
        ];
        for text in bad {
            assert_eq!(found(text), [Placeholder::Bad(text)], "{text}");
        }
    }

    #[test]
    fn params_are_named_and_shell_variables_are_left_alone() {
        let text = "${param.a.b-c} $HOME ${HOME} ${dates} ${date_from} ${x:-${date}} $${param.z} ${param.}";
        assert_eq!(
            found(text),
            [
                Placeholder::Param("a.b-c"),
                Placeholder::Date,
                Placeholder::Param("z"),
                Placeholder::Bad("${param.}"),
            ]
        );
    }
}
