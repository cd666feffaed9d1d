//! Values that jobs put out for the jobs that depend on them: what a line must be to put out one, and how much is kept.
//!
//! A job prints `::set-output NAME=VALUE` on a line of its own to its standard output. What is no such line is none of ours;
//! what is one and cannot be kept is [refused](Refused), in words that stand in its log.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString as _},
};

/// What a line that puts out a value begins with.
pub const PREFIX: &str = "::set-output ";

/// Values of an attempt at most.
pub const MOST: usize = 64;

/// Bytes of a value at most.
pub const LONGEST_VALUE: usize = 4 << 10;

/// Characters of a name at most; each is a byte.
pub const LONGEST_NAME: usize = 64;

/// Bytes of all values of an attempt at most: they go over the wire with its end, and wait in memory and on disk until they are
/// stored.
pub const MOST_BYTES: usize = 64 << 10;

/// Bytes of a line that is one of ours at most, without its end. Whatever is longer is no such line, or too long.
pub const LONGEST_LINE: usize = PREFIX.len() + LONGEST_NAME + 1 + LONGEST_VALUE;

/// Why a value is not put out. The line stays in the log, like any other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Refused {
    #[error("it takes the form {PREFIX}NAME=VALUE")]
    Form,
    #[error(
        "{name:?} is no name: it takes a letter or _, then letters, digits, _ and -, {LONGEST_NAME} characters at most"
    )]
    Name { name: String },
    #[error(
        "the name {name:?} says that the value is secret, and outputs are shown; hand it over by a place that is made for secrets"
    )]
    SecretName { name: String },
    #[error(
        "the value of {name:?} holds a secret of the job, and outputs are shown; hand it over by a place that is made for secrets"
    )]
    Secret { name: String },
    #[error("the value of {name:?} has more than {LONGEST_VALUE} bytes")]
    LongValue { name: String },
    #[error("the value of {name:?} is no text in UTF-8, or holds a NUL character")]
    NoText { name: String },
    #[error("{name:?} is one too many: a job puts out {MOST} values at most")]
    TooMany { name: String },
    #[error("with {name:?} all values together have more than {MOST_BYTES} bytes")]
    TooMuch { name: String },
}

/// Whether a value can have this name.
///
/// ```
/// use hcndc_core::outputs::is_name;
/// assert!(is_name("rows") && is_name("_max-id2"));
/// assert!(!is_name("") && !is_name("2nd") && !is_name("a b") && !is_name("行"));
/// assert!(is_name(&"n".repeat(64)) && !is_name(&"n".repeat(65)));
/// ```
#[must_use]
pub fn is_name(name: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let rest = |byte: u8| first(byte) || byte.is_ascii_digit() || byte == b'-';
    name.len() <= LONGEST_NAME && name.bytes().next().is_some_and(first) && name.bytes().all(rest)
}

/// What the name of a param, a variable or an output holds whose value is to be seen by nobody.
const SECRET_NAMES: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
];

/// Whether a name says that its value is secret.
///
/// ```
/// use hcndc_core::outputs::is_secret_name;
/// assert!(is_secret_name("DB.Password") && is_secret_name("api-key"));
/// assert!(!is_secret_name("rows"));
/// ```
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.replace(['.', '-'], "_").to_ascii_lowercase();
    SECRET_NAMES.iter().any(|it| name.contains(it))
}

/// The name and the value of a line that puts out one; `None` for any other line. The line comes without its end.
///
/// # Errors
/// [`Refused`] for what means to put out a value, and cannot. How much there is already is not looked at.
///
/// ```
/// use hcndc_core::outputs::parse;
/// assert_eq!(parse(b"::set-output rows=1=2 "), Some(Ok(("rows", "1=2 "))));
/// assert_eq!(parse(b"::set-output empty="), Some(Ok(("empty", ""))));
/// assert_eq!(parse(b" ::set-output rows=1"), None);
/// assert!(parse(b"::set-output rows").is_some_and(|it| it.is_err()));
/// ```
#[must_use]
pub fn parse(line: &[u8]) -> Option<Result<(&str, &str), Refused>> {
    let rest = line.strip_prefix(PREFIX.as_bytes())?;
    Some(parse_rest(rest))
}

fn parse_rest(rest: &[u8]) -> Result<(&str, &str), Refused> {
    let sign = rest.iter().position(|byte| *byte == b'=');
    let (name, value) = rest.split_at(sign.ok_or(Refused::Form)?);
    let shown = || {
        let name = String::from_utf8_lossy(name);
        name.chars().take(LONGEST_NAME + 1).collect::<String>()
    };
    let name = core::str::from_utf8(name)
        .ok()
        .filter(|name| is_name(name))
        .ok_or_else(|| Refused::Name { name: shown() })?;
    if is_secret_name(name) {
        return Err(Refused::SecretName {
            name: name.to_string(),
        });
    }
    let value = &value[1..];
    if value.len() > LONGEST_VALUE {
        return Err(Refused::LongValue {
            name: name.to_string(),
        });
    }
    match core::str::from_utf8(value) {
        Ok(value) if !value.contains('\0') => Ok((name, value)),
        _ => Err(Refused::NoText {
            name: name.to_string(),
        }),
    }
}

/// Keeps a value; of two of one name the later one.
///
/// # Errors
/// [`Refused::TooMany`] and [`Refused::TooMuch`]; then nothing has changed.
pub fn put(outputs: &mut BTreeMap<String, String>, name: &str, value: &str) -> Result<(), Refused> {
    let old = outputs.get(name).map(String::len);
    if old.is_none() && outputs.len() >= MOST {
        return Err(Refused::TooMany {
            name: name.to_string(),
        });
    }
    let all: usize = outputs.values().map(String::len).sum();
    if all - old.unwrap_or(0) + value.len() > MOST_BYTES {
        return Err(Refused::TooMuch {
            name: name.to_string(),
        });
    }
    outputs.insert(name.to_string(), value.to_string());
    Ok(())
}

/// Keeps of what somebody else says was put out only what could have been: names and values that are none, or too many, are
/// left out.
pub fn retain_sound(outputs: &mut BTreeMap<String, String>) {
    let mut sound = BTreeMap::new();
    for (name, value) in core::mem::take(outputs) {
        let is_sound = is_name(&name)
            && !is_secret_name(&name)
            && value.len() <= LONGEST_VALUE
            && !value.contains('\0');
        if is_sound {
            // What is too much is left out.
            let _ = put(&mut sound, &name, &value);
        }
    }
    *outputs = sound;
}
