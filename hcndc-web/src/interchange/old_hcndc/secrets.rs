//! Passwords: later versions wrote them in Base64, earlier ones as they were.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A password as it was given. One that reads as Base64 of a text is taken for that; `is_encoded` tells which.
pub(super) fn password(stored: &str) -> (String, bool) {
    // MySQL breaks lines after 76 letters.
    let joined: String = stored.split_whitespace().collect();
    let decoded = STANDARD.decode(&joined).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let is_typed = |text: &String| !text.is_empty() && !text.contains(char::is_control);
    match text.filter(is_typed) {
        Some(text) => (text, true),
        None => (stored.to_owned(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::password;

    #[test]
    fn both_forms_are_read() {
        assert_eq!(password("czNjcmV0IQ=="), ("s3cret!".into(), true));
        assert_eq!(password("5a+G56CB"), ("密码".into(), true));
        assert_eq!(password("s3cret!"), ("s3cret!".into(), false));
        // Base64 by its letters, and of no text.
        assert_eq!(password("password"), ("password".into(), false));
        assert_eq!(password(""), (String::new(), false));
    }
}
