//! A statement with the values of a run in the places of its placeholders.
//!
//! Values come from whoever starts runs, the query from whoever may write definitions: so a value must not change what
//! the query is. Between quotes it may be any text, and quotes in it are doubled; elsewhere it may only be a word or number.

use std::fmt::Write as _;

use hcndc_core::model::DataSourceKind;

use crate::executor::template::{self, Context};

/// Why a query cannot be asked as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A placeholder means nothing, or nothing has its name.
    #[error("{0}")]
    Placeholder(String),
    /// A value would change the query.
    #[error(
        "the value for {placeholder} holds characters that may only stand between quotes; write {quote}{placeholder}{quote}"
    )]
    Unquoted {
        /// The placeholder.
        placeholder: String,
        /// The quote of texts there.
        quote: char,
    },
    /// It cannot be told what is between quotes.
    #[error(
        "the value for {placeholder} is more than a word, a number or a date, and what it would stand in cannot be told: the text has comments, backslashes, $$ texts, E'' texts or names in []"
    )]
    Untold {
        /// The placeholder.
        placeholder: String,
    },
    /// A value cannot stand in any query of this system.
    #[error("the value for {placeholder} holds a character that a query cannot hold")]
    Unwritable {
        /// The placeholder.
        placeholder: String,
    },
}

/// A query's text in this context.
///
/// # Errors
/// [`QueryError`].
pub fn fill(query: &str, context: Context<'_>, kind: DataSourceKind) -> Result<String, QueryError> {
    let wrong = |error: template::TemplateError| QueryError::Placeholder(error.to_string());
    let mut filled = String::with_capacity(query.len());
    let mut at = 0;
    let placeholders = template::placeholders(query).map_err(wrong)?;
    let is_plain = is_plain(query, kind);
    for placeholder in placeholders {
        filled.push_str(&query[at..placeholder.range.start]);
        let text = &query[placeholder.range.clone()];
        let value = template::expand(text, context).map_err(wrong)?;
        at = placeholder.range.end;
        // Two signs in a row would begin a comment.
        let makes_comment = (filled.ends_with('-') && value.starts_with('-'))
            || (value.ends_with('-') && query[at..].starts_with('-'));
        if is_word(&value) && !makes_comment {
            filled.push_str(&value);
            continue;
        }
        let placeholder = text.to_owned();
        // A word stays one wherever it stands, in a comment, too.
        if !is_plain {
            return Err(QueryError::Untold { placeholder });
        }
        let Some(quote) = open_quote(&query[..at - text.len()], kind) else {
            let quote = quotes(kind)[0];
            return Err(QueryError::Unquoted { placeholder, quote });
        };
        // At the beginning of a text it would mean a field of the documents.
        if kind == DataSourceKind::Mongodb && value.starts_with('$') && filled.ends_with(quote) {
            return Err(QueryError::Unwritable { placeholder });
        }
        for letter in value.chars() {
            match letter {
                '\0' => return Err(QueryError::Unwritable { placeholder }),
                '\\' if escapes(kind) => filled.push_str("\\\\"),
                // JSON has no others, and no control characters as they are.
                letter if kind == DataSourceKind::Mongodb && letter.is_control() => {
                    let _ = write!(filled, "\\u{:04x}", u32::from(letter));
                }
                // How PostgreSQL reads it is a setting of its own, and of the kind of quotes.
                '\\' => return Err(QueryError::Unwritable { placeholder }),
                letter if letter == quote => {
                    let mark = if doubles(kind) { quote } else { '\\' };
                    filled.extend([mark, quote]);
                }
                letter => filled.push(letter),
            }
        }
    }
    filled.push_str(&query[at..]);
    Ok(filled)
}

/// What can stand anywhere and stay one word or number: dates, names, signed numbers.
fn is_word(value: &str) -> bool {
    let plain =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | ':' | '-' | '+');
    !value.is_empty() && value.chars().all(plain) && !value.contains("--")
}

/// Whether quotes are all that hides something in a query. What looks like more than that may stand between quotes; such a
/// query is refused, too, for that is not worth telling apart.
fn is_plain(query: &str, kind: DataSourceKind) -> bool {
    // JSON has nothing but quotes.
    if kind == DataSourceKind::Mongodb {
        return true;
    }
    let bare = query.replace("${", "");
    let escaped = |pair: [char; 2]| bare.contains(pair.iter().collect::<String>().as_str());
    !(bare.contains("--")
        || bare.contains("/*")
        || match kind {
            DataSourceKind::Mysql | DataSourceKind::Clickhouse => bare.contains('#'),
            DataSourceKind::Postgresql => {
                bare.contains('$') || escaped(['E', '\'']) || escaped(['e', '\''])
            }
            DataSourceKind::Sqlite | DataSourceKind::SqlServer => bare.contains('['),
            DataSourceKind::Hive | DataSourceKind::Impala => false,
            // It may be any of them.
            DataSourceKind::Odbc => bare.contains(['#', '$', '[', '\\', '`']),
            DataSourceKind::Mongodb => false,
        })
}

/// Whether a backslash between quotes changes what follows it.
const fn escapes(kind: DataSourceKind) -> bool {
    matches!(
        kind,
        DataSourceKind::Mysql
            | DataSourceKind::Clickhouse
            | DataSourceKind::Hive
            | DataSourceKind::Impala
            | DataSourceKind::Mongodb
    )
}

/// Whether a quote in a text is written twice; else with a backslash.
const fn doubles(kind: DataSourceKind) -> bool {
    !matches!(
        kind,
        DataSourceKind::Hive | DataSourceKind::Impala | DataSourceKind::Mongodb
    )
}

/// What a text may stand between.
const fn quotes(kind: DataSourceKind) -> &'static [char] {
    match kind {
        DataSourceKind::Mongodb => &['"'],
        _ => &['\'', '"', '`'],
    }
}

/// The quote that is open at the end of this text.
fn open_quote(text: &str, kind: DataSourceKind) -> Option<char> {
    let mut open = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (open, letter) {
            (Some(_), '\\') if escapes(kind) => {
                letters.next();
            }
            (None, letter) if quotes(kind).contains(&letter) => open = Some(letter),
            (Some(quote), letter) if letter == quote => open = None,
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use hcndc_core::{id::ExecutionId, time::DataDate};

    use super::*;

    fn filled(query: &str, value: &str, kind: DataSourceKind) -> Result<String, QueryError> {
        let values = BTreeMap::from([("x".to_owned(), value.to_owned())]);
        let context = Context {
            dates: "2026-11-21".parse::<DataDate>().expect("a date").into(),
            flow: "f",
            job: "j",
            execution: ExecutionId(7),
            attempt: 1,
            values: &values,
            literal: &BTreeSet::new(),
        };
        fill(query, context, kind)
    }

    #[test]
    fn dates_names_and_numbers_stand_anywhere() {
        let kind = DataSourceKind::Postgresql;
        assert_eq!(
            filled("SELECT ${exec_id}, '${date-1d}', ${param.x}", "-1.5", kind),
            Ok("SELECT 7, '2026-11-20', -1.5".to_owned())
        );
    }

    #[test]
    fn a_value_between_quotes_stays_between_them() {
        let query = "SELECT v FROM t WHERE n = '${param.x}' AND m = 'it''s'";
        assert_eq!(
            filled(query, "' OR ''='", DataSourceKind::Postgresql),
            Ok("SELECT v FROM t WHERE n = ''' OR ''''=''' AND m = 'it''s'".to_owned())
        );
        assert_eq!(
            filled("SELECT '\\'${param.x}'", "\\' OR 1", DataSourceKind::Mysql),
            Ok("SELECT '\\'\\\\'' OR 1'".to_owned())
        );
        let backslash = filled("SELECT '${param.x}'", "\\", DataSourceKind::Postgresql);
        assert!(matches!(backslash, Err(QueryError::Unwritable { .. })));
    }

    #[test]
    fn a_value_stays_a_text_of_json() {
        let query = r#"{"find": "t", "filter": {"name": "${param.x}", "it's": 1}}"#;
        let kind = DataSourceKind::Mongodb;
        let placed = |value: &str| filled(query, value, kind);
        assert_eq!(
            placed("a\", \\ \"$where\": \"\n'"),
            Ok(
                r#"{"find": "t", "filter": {"name": "a\", \\ \"$where\": \"\u000a'", "it's": 1}}"#
                    .to_owned()
            )
        );
        assert!(matches!(
            placed("$password"),
            Err(QueryError::Unwritable { .. })
        ));
        let bare = filled(r#"{"find": "t", "skip": ${param.x}}"#, "1}", kind);
        let told = bare.unwrap_err().to_string();
        assert!(told.ends_with("write \"${param.x}\""), "{told}");
    }

    #[test]
    fn hive_and_impala_escape_quotes_with_a_backslash() {
        for kind in [DataSourceKind::Hive, DataSourceKind::Impala] {
            assert_eq!(
                filled("SELECT '${param.x}'", "it's \\", kind),
                Ok("SELECT 'it\\'s \\\\'".to_owned())
            );
        }
    }

    #[test]
    fn a_query_in_which_quotes_cannot_be_told_takes_words_alone() {
        for (query, kind) in [
            (
                "SELECT a -- don't\nWHERE n = ${param.x}",
                DataSourceKind::Sqlite,
            ),
            ("SELECT /* it's */ ${param.x}", DataSourceKind::Postgresql),
            ("SELECT 1 # don't\n + ${param.x}", DataSourceKind::Mysql),
            (
                "SELECT [it's] FROM t WHERE n = ${param.x}",
                DataSourceKind::Sqlite,
            ),
            ("SELECT $$it's$$ || ${param.x}", DataSourceKind::Postgresql),
            ("SELECT E'a\\'' || ${param.x}", DataSourceKind::Postgresql),
            ("SELECT '\\' || '${param.x}'", DataSourceKind::Odbc),
            ("SELECT `it's` || ${param.x}", DataSourceKind::Odbc),
            (
                "SELECT [it's] FROM t WHERE n = ${param.x}",
                DataSourceKind::SqlServer,
            ),
        ] {
            let refused = filled(query, "1 OR 1", kind);
            assert!(
                matches!(refused, Err(QueryError::Untold { .. })),
                "{query}: {refused:?}"
            );
            assert_eq!(
                filled(query, "2026-11-21", kind),
                Ok(query.replace("${param.x}", "2026-11-21"))
            );
        }
        let kind = DataSourceKind::Postgresql;
        let signs = filled("SELECT 1 WHERE x > a-${param.x} AND y", "-1", kind);
        assert!(
            matches!(signs, Err(QueryError::Unquoted { .. })),
            "{signs:?}"
        );
        assert_eq!(
            filled("SELECT 1 -- no value", "1", kind),
            Ok("SELECT 1 -- no value".to_owned())
        );
    }

    #[test]
    fn a_value_that_could_change_the_query_is_refused_outside_of_quotes() {
        for value in ["1 OR 1=1", "1;DROP", "a--b", "(SELECT 1)", "'", ""] {
            for query in ["SELECT ${param.x}", "SELECT 'a' || ${param.x}"] {
                let refused = filled(query, value, DataSourceKind::Sqlite);
                assert!(
                    matches!(refused, Err(QueryError::Unquoted { .. })),
                    "{value:?}: {refused:?}"
                );
            }
        }
    }

    #[test]
    fn a_placeholder_that_nothing_has_the_name_of_is_told() {
        let wrong = filled("SELECT '${param.y}'", "", DataSourceKind::Sqlite);
        assert!(
            matches!(wrong, Err(QueryError::Placeholder(_))),
            "{wrong:?}"
        );
    }
}
