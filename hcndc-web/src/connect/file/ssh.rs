//! What both sides of SSH prove themselves with: the server by its host key, the user by a password or a private key.

use russh::keys::{
    Error as KeyError, HashAlg, PrivateKey, PublicKey, decode_secret_key, ssh_key::Fingerprint,
};

use crate::connect::settings::Words;

/// The host keys that a server may show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostKeys(Vec<Fingerprint>);

impl HostKeys {
    /// Reads fingerprints (`SHA256:…`) and public keys (`ssh-ed25519 AAAA…`), separated by commas or in lines.
    pub(super) fn read(text: &str) -> Result<Self, Words> {
        let parts = text.split([',', '\n']).map(str::trim);
        let keys = parts.filter(|part| !part.is_empty()).map(|part| {
            let read = match part.starts_with("SHA256:") {
                true => part.trim_end_matches('=').parse().ok(),
                false => PublicKey::from_openssh(part).ok().map(|key| fingerprint(&key)),
            };
            read.ok_or_else(|| {
                Words::new(
                    format!(
                        "{part} is no host key: it must be a fingerprint (SHA256:…) or a public key (ssh-ed25519 AAAA…)"
                    ),
                    format!("{part} 不是主机密钥：应为指纹（SHA256:…）或公钥（ssh-ed25519 AAAA…）"),
                )
            })
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    /// Whether none is known.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of them.
    pub(super) fn hold(&self, shown: Fingerprint) -> bool {
        self.0.contains(&shown)
    }
}

/// What people compare keys by.
pub(super) fn fingerprint(key: &PublicKey) -> Fingerprint {
    key.fingerprint(HashAlg::Sha256)
}

/// With what a user signs in.
#[derive(Debug)]
pub(super) enum Credential {
    Password(String),
    Key(Box<PrivateKey>),
}

impl Credential {
    /// Reads a secret: a private key of OpenSSH or in PEM, with its passphrase behind it if it has one; else it is a password.
    ///
    /// # Errors
    /// What is wrong with the key; nothing of it.
    pub(super) fn read(secret: &str) -> Result<Self, String> {
        let text = secret.trim();
        if !text.starts_with("-----BEGIN ") {
            // A private key that is taken for a password would be told to the server.
            let foreign = ["PuTTY-User-Key-File", "PRIVATE KEY-----", "BEGIN SSH2"];
            if foreign.iter().any(|mark| text.contains(mark)) {
                return Err(
                    "the private key is of a form that is not read; it must be of OpenSSH, or in PEM"
                        .to_owned(),
                );
            }
            return Ok(Self::Password(secret.to_owned()));
        }
        let (key, passphrase) =
            parts(text).ok_or("the private key has no end: its last line is missing")?;
        let passphrase = Some(passphrase).filter(|it| !it.is_empty());
        match decode_secret_key(&key, passphrase) {
            Ok(key) => Ok(Self::Key(Box::new(key))),
            Err(KeyError::KeyIsEncrypted) => Err(
                "the private key has a passphrase; it must stand in a line behind the key"
                    .to_owned(),
            ),
            // What is wrong with it may quote it.
            Err(_) if passphrase.is_some() => {
                Err("the private key cannot be read with the passphrase behind it".to_owned())
            }
            Err(_) => {
                Err("the private key cannot be read; it must be of OpenSSH, or in PEM".to_owned())
            }
        }
    }
}

/// A key in lines, and what stands behind it. A field that knows no lines may have joined them.
fn parts(text: &str) -> Option<(String, &str)> {
    const EDGE: &str = "-----";
    let (_, rest) = text.split_once(EDGE)?;
    let (begin, rest) = rest.split_once(EDGE)?;
    let (body, rest) = rest.split_once("-----END ")?;
    let (end, behind) = rest.split_once(EDGE)?;
    let body = match body.trim().contains('\n') {
        true => body.trim().to_owned(),
        false => body.split_whitespace().collect::<Vec<_>>().join("\n"),
    };
    let key = format!("{EDGE}{begin}{EDGE}\n{body}\n{EDGE}END {end}{EDGE}\n");
    Some((key, behind.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEHiUgnKYPRTbUlOdY19f516vrxXLm2j0M84yVLwBcVe";
    /// As OpenSSH tells it of that key.
    const FINGERPRINT: &str = "SHA256:a2znpA+KaOzURRIO+mjegYca9EBRftYnE1odlfKAhYI";

    #[test]
    fn fingerprints_and_public_keys_name_the_same_key() {
        let expected: Fingerprint = FINGERPRINT.parse().unwrap();
        for text in [
            FINGERPRINT,
            &format!("{FINGERPRINT}="),
            KEY,
            &format!(" {KEY} somebody@somewhere\n"),
        ] {
            assert_eq!(HostKeys::read(text), Ok(HostKeys(vec![expected])), "{text}");
        }
        let two = format!("{KEY},\n{FINGERPRINT}");
        assert_eq!(HostKeys::read(&two).unwrap().0, [expected, expected]);
        assert!(HostKeys::read(" \n").unwrap().is_empty());
        for bad in [
            "SHA256:",
            "MD5:aa:bb",
            "aa:bb:cc",
            "ssh-ed25519",
            "SHA256:c2hvcnQ",
        ] {
            assert!(HostKeys::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_told_from_its_passphrase_and_put_into_lines() {
        let key = "-----BEGIN A KEY-----\nabc\ndef\n-----END A KEY-----\n";
        let joined = "-----BEGIN A KEY-----abc def-----END A KEY-----";
        for (text, behind) in [
            (key.to_owned(), ""),
            (format!("{key}pass phrase\n"), "pass phrase"),
            (joined.to_owned(), ""),
            (format!("{joined}pass phrase"), "pass phrase"),
        ] {
            assert_eq!(parts(&text), Some((key.to_owned(), behind)), "{text}");
        }
        assert_eq!(parts("-----BEGIN A KEY-----\nabc"), None);
        assert!(matches!(
            Credential::read(" a password "),
            Ok(Credential::Password(it)) if it == " a password "
        ));
    }
}
