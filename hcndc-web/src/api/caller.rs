//! Who asks, and in which language.

use hcndc_core::port::{Grant, Permission};
use warp::http::{HeaderMap, header};

use crate::interchange::Lang;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// Name that is recorded with what they do.
    pub(super) by: String,
    /// Language of sentences.
    pub(super) lang: Lang,
    /// What they may do.
    grants: Vec<Grant>,
}

impl Caller {
    /// Whoever asks a server that asks nobody who they are.
    pub(super) fn anybody(headers: &HeaderMap) -> Self {
        Self {
            by: "api".to_owned(),
            lang: language(headers),
            grants: vec![Grant::all()],
        }
    }

    /// Whether they may do this at all.
    pub(super) fn may(&self, permission: Permission) -> bool {
        self.grants.iter().any(|grant| grant.allows(permission))
    }
}

/// The language that `Accept-Language` likes best (RFC 9110, 12.5.4); English if it names none that we have.
pub(super) fn language(headers: &HeaderMap) -> Lang {
    let mut best = (0.0, Lang::En);
    for value in headers.get_all(header::ACCEPT_LANGUAGE) {
        for part in value.to_str().unwrap_or_default().split(',') {
            let (range, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .map_or(Some(1.0), |weight| weight.trim().parse::<f64>().ok())
                .unwrap_or(0.0);
            let range = range.trim().to_ascii_lowercase();
            let lang = match range.split('-').next() {
                Some("zh") => Lang::Zh,
                Some("en" | "*") => Lang::En,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, lang);
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language_of(accept: &str) -> Lang {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        language(&headers)
    }

    #[test]
    fn the_best_liked_language_that_we_have_is_taken() {
        assert_eq!(language_of("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh);
        assert_eq!(language_of("en;q=0.2, zh-Hans;q=0.7"), Lang::Zh);
        assert_eq!(language_of("fr, de;q=0.5"), Lang::En);
        assert_eq!(language_of("zh;q=0"), Lang::En);
        assert_eq!(language_of("*"), Lang::En);
        assert_eq!(language(&HeaderMap::new()), Lang::En);
    }
}
