//! Secrets that are given out once.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hcndc_core::port::Digest;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The system has no random bytes to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes: {0}")]
pub struct NoRandomness(getrandom::Error);

/// A text that proves who has it.
pub(crate) struct Secret(String);

impl Secret {
    /// One that was given out before.
    pub(crate) fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, to be given out.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What it is known by.
    pub(crate) fn digest(&self) -> Digest {
        digest(&self.0)
    }

    /// What a page must show besides, which only pages of this server are told: so a form of somebody else's cannot use
    /// the cookie. Nothing of the secret can be learned from it.
    pub(crate) fn csrf(&self) -> String {
        // A key of any length will do.
        Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).map_or_else(
            |_| String::new(),
            |mut mac| {
                mac.update(b"hcndc csrf");
                URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
            },
        )
    }
}

/// What a text that was given out is known by.
#[must_use]
pub fn digest(text: &str) -> Digest {
    Digest(Sha256::digest(text.as_bytes()).into())
}

/// A secret of 256 random bits, after a prefix.
pub(crate) fn fresh(prefix: &str) -> Result<Secret, NoRandomness> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(Secret(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))))
}

/// A password for one use, easy to read out: 20 letters and digits that look like no others, some 98 bits.
///
/// # Errors
/// [`NoRandomness`].
pub fn one_time_password() -> Result<String, NoRandomness> {
    // 32 of them: five bits of a byte choose one, each as likely as the others.
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    let mut password = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    Ok(password)
}

/// Whether two texts are the same, in a time that tells nothing of where they differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_their_csrf_values_with_them() {
        let (a, b) = (fresh("hcndc_").unwrap(), fresh("hcndc_").unwrap());
        assert_eq!(a.reveal().len(), "hcndc_".len() + 43);
        assert_ne!(a.reveal(), b.reveal());
        assert_ne!(a.csrf(), b.csrf());
        assert_eq!(a.csrf(), Secret::given(a.reveal()).csrf());
        assert_eq!(a.csrf().len(), 43);
        assert!(same(&a.csrf(), &a.csrf()) && !same(&a.csrf(), &b.csrf()));
    }

    #[test]
    fn a_password_for_one_use_can_be_read_out() {
        let password = one_time_password().unwrap();
        let parts: Vec<_> = password.split('-').map(str::len).collect();
        assert_eq!(parts, [5, 5, 5, 5]);
        assert!(!password.contains(['l', 'o', '0', '1']));
    }

    /// FIPS 180-4's example for the one-block message.
    #[test]
    fn digests_are_sha_256() {
        let Digest(bytes) = digest("abc");
        assert_eq!(bytes[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
