//! An error with all that led to it, in one line.

use std::error::Error;

/// The error's message and those of its causes, each once.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Some libraries repeat their cause in their own message.
        if !line.contains(&message) {
            line.push_str(": ");
            line.push_str(&message);
        }
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot store: disk full")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Inner(&'static str);

    #[test]
    fn a_cause_is_told_once() {
        assert_eq!(
            with_causes(&Outer(Inner("disk full"))),
            "cannot store: disk full"
        );
        assert_eq!(
            with_causes(&Outer(Inner("quota"))),
            "cannot store: disk full: quota"
        );
    }
}
