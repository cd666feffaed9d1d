//! Addresses of databases, and what of them may be shown.

/// The address without its password, for messages.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.into();
    };
    // The last @ before the path ends the credentials: a password may hold one that was not encoded.
    let authority = rest.split('/').next().unwrap_or(rest);
    let Some((credentials, _)) = authority.rsplit_once('@') else {
        return url.into();
    };
    let Some((user, _)) = credentials.split_once(':') else {
        return url.into();
    };
    let rest = &rest[credentials.len()..];
    format!("{scheme}://{user}:…{rest}")
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("mysql://u:secret@h:1/db?x=y", "mysql://u:…@h:1/db?x=y"),
            ("mysql://u:s@cr@t@h/db", "mysql://u:…@h/db"),
            ("mysql://u@h/db", "mysql://u@h/db"),
            (
                "sqlite:///a/b@c:d.db?mode=rwc",
                "sqlite:///a/b@c:d.db?mode=rwc",
            ),
            ("sqlite::memory:", "sqlite::memory:"),
            ("", ""),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
