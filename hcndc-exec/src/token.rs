//! The secret that a scheduler and its executors share.

use std::{fmt, fs, io, path::Path, str::FromStr, sync::Arc};

use subtle::ConstantTimeEq as _;
use tonic::metadata::{Ascii, MetadataValue};

/// A shared secret: 1 to 1,024 visible ASCII characters. Prints as nothing.
#[derive(Clone)]
pub struct Token {
    header: Arc<MetadataValue<Ascii>>,
}

/// Text that is no token. It is not repeated, for it is a secret nonetheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token has 1 to 1,024 visible ASCII characters and no spaces inside")]
pub struct TokenError;

impl Token {
    /// A new one that nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        let halves = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        let text: String = halves
            .iter()
            .map(|half| half.simple().to_string())
            .collect();
        match text.parse() {
            Ok(token) => token,
            Err(TokenError) => unreachable!("hexadecimal digits are visible ASCII"),
        }
    }

    /// Reads a file's only line.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no token ([`io::ErrorKind::InvalidData`]).
    pub fn read(path: &Path) -> io::Result<Self> {
        fs::read_to_string(path)?
            .parse()
            .map_err(|error: TokenError| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.header
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix(SCHEME))
            .unwrap_or_default()
    }

    pub(crate) fn header(&self) -> MetadataValue<Ascii> {
        (*self.header).clone()
    }

    /// Whether a call brings this token; takes as long for one that is nearly right as for one that is all wrong.
    pub(crate) fn is_in(&self, metadata: &tonic::metadata::MetadataMap) -> bool {
        let Some(given) = metadata.get("authorization") else {
            return false;
        };
        given.as_bytes().ct_eq(self.header.as_bytes()).into()
    }
}

const SCHEME: &str = "Bearer ";

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.is_empty() || text.len() > 1024 || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(TokenError);
        }
        let mut header: MetadataValue<Ascii> =
            format!("{SCHEME}{text}").parse().map_err(|_| TokenError)?;
        header.set_sensitive(true);
        Ok(Self {
            header: Arc::new(header),
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_token_is_let_in() {
        let token: Token = " secret\n".parse().unwrap();
        assert_eq!(token.reveal(), "secret");
        let mut metadata = tonic::metadata::MetadataMap::new();
        assert!(!token.is_in(&metadata));
        metadata.insert("authorization", token.header());
        assert!(token.is_in(&metadata));
        assert!(!"secreT".parse::<Token>().unwrap().is_in(&metadata));
        assert!(!"secret1".parse::<Token>().unwrap().is_in(&metadata));
    }

    #[test]
    fn it_never_prints() {
        let token = Token::random();
        assert!(!format!("{token:?}").contains(token.reveal()));
    }

    #[test]
    fn what_no_header_can_hold_is_refused() {
        for text in ["", "  ", "two words", "ü", "a\nb"] {
            assert!(text.parse::<Token>().is_err());
        }
    }
}
