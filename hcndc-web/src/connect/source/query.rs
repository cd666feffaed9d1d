//! A query with the values of a run in the places of its placeholders.
//!
//! Values come from whoever starts runs, the query from whoever may write definitions: so a value must not change what
//! the query is. Between quotes it may be any text, and quotes in it are doubled; elsewhere it may only be a word or number.

use std::{collections::BTreeMap, fmt::Write as _};

use hcndc_core::{engine::ResolveOrder, id::ExecutionId, model::DataSourceKind, time::DataDate};
use hcndc_exec::executor::template::{self, Context, Subject};

/// Why a query cannot be asked as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A placeholder means nothing, or nothing has its name.
    #[error("{0}")]
    Placeholder(String),
    /// A value would change the query.
    #[error(
        "the value for {placeholder} holds characters that may only stand between quotes; write '{placeholder}'"
    )]
    Unquoted {
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

/// Whether a query asks for the number of its attempt.
#[must_use]
pub fn names_attempt(query: &str) -> bool {
    let found = template::placeholders(query).unwrap_or_default();
    found.iter().any(|it| it.subject == Subject::Attempt)
}

/// A query's text for this order.
///
/// # Errors
/// [`QueryError`].
pub fn fill(
    query: &str,
    order: &ResolveOrder,
    attempt: u32,
    kind: DataSourceKind,
) -> Result<String, QueryError> {
    fill_with(query, context(order, attempt), kind)
}

fn context(order: &ResolveOrder, attempt: u32) -> Context<'_> {
    Context {
        data_date: order.data_date,
        flow: &order.flow,
        job: &order.job,
        execution: order.execution,
        attempt,
        values: &order.values,
    }
}

/// A query's text in this context.
///
/// # Errors
/// [`QueryError`].
pub fn fill_with(
    query: &str,
    context: Context<'_>,
    kind: DataSourceKind,
) -> Result<String, QueryError> {
    let wrong = |error: template::TemplateError| QueryError::Placeholder(error.to_string());
    let mut filled = String::with_capacity(query.len());
    let mut at = 0;
    for placeholder in template::placeholders(query).map_err(wrong)? {
        filled.push_str(&query[at..placeholder.range.start]);
        let text = &query[placeholder.range.clone()];
        let value = template::expand(text, context).map_err(wrong)?;
        at = placeholder.range.end;
        if is_word(&value) {
            filled.push_str(&value);
            continue;
        }
        let placeholder = text.to_owned();
        let Some(quote) = open_quote(&query[..at - text.len()], kind) else {
            return Err(QueryError::Unquoted { placeholder });
        };
        for letter in value.chars() {
            match letter {
                '\0' => return Err(QueryError::Unwritable { placeholder }),
                '\\' if escapes(kind) => filled.push_str("\\\\"),
                // How PostgreSQL reads it is a setting of its own, and of the kind of quotes.
                '\\' => return Err(QueryError::Unwritable { placeholder }),
                letter if letter == quote => {
                    let _ = write!(filled, "{quote}{quote}");
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

/// Whether a backslash between quotes changes what follows it.
const fn escapes(kind: DataSourceKind) -> bool {
    matches!(kind, DataSourceKind::Mysql | DataSourceKind::Clickhouse)
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
            (None, '\'' | '"' | '`') => open = Some(letter),
            (Some(quote), letter) if letter == quote => open = None,
            _ => {}
        }
    }
    open
}

/// What is known where a param is tried out: a date, and nothing of a run.
#[must_use]
pub const fn trial(data_date: DataDate, values: &BTreeMap<String, String>) -> Context<'_> {
    Context {
        data_date,
        flow: "test",
        job: "test",
        execution: ExecutionId(0),
        attempt: 1,
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(query: &str, value: &str, kind: DataSourceKind) -> Result<String, QueryError> {
        let values = BTreeMap::from([("x".to_owned(), value.to_owned())]);
        let context = Context {
            data_date: "2026-11-21".parse().expect("a date"),
            flow: "f",
            job: "j",
            execution: ExecutionId(7),
            attempt: 1,
            values: &values,
        };
        fill_with(query, context, kind)
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
