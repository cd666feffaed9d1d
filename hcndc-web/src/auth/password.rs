//! Passwords: argon2id with the parameters that OWASP names (19 MiB, two passes, one lane).

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use tokio::sync::Semaphore;

/// Passwords that are hashed at once: each takes 19 MiB and a processor for some 20 ms.
const AT_ONCE: usize = 2;
/// Characters of a password at least.
const SHORTEST: usize = 8;
/// Bytes of a password at most.
const LONGEST: usize = 1_024;

/// A hash that no password has: what an unknown account is compared with, so that it takes as long as a known one.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA$\
    Yx5Cq9l0D2m0g1bJm0Q5m3o5oE6m2r0m7c1d0u5v7bE";

/// Hashes and checks passwords, a few at a time.
#[derive(Debug)]
pub struct Passwords {
    permits: Semaphore,
}

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The work broke off.
    #[error("the work broke off")]
    Broken,
    /// What is stored is no hash, or there is no salt to be had.
    #[error("argon2: {0}")]
    Hash(String),
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// It has fewer characters than 8.
    #[error("a password has at least {SHORTEST} characters")]
    Short,
    /// It has more bytes than 1,024.
    #[error("a password has at most {LONGEST} bytes")]
    Long,
    /// It is the account, or the password that was to be changed.
    #[error("the password is the account, or the old one")]
    Known,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// None is being hashed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            permits: Semaphore::const_new(AT_ONCE),
        }
    }

    /// The PHC string of a password, with a salt of its own.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let password = password.to_owned();
        self.work(move || {
            let hash: phc::PasswordHash = Argon2::default()
                .hash_password(password.as_bytes())
                .map_err(|error| PasswordError::Hash(error.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether a password is the one of this hash; of none if there is no hash, which takes as long to find out.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn verify(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let password = password.to_owned();
        if password.len() > LONGEST {
            return Ok(false);
        }
        self.work(move || {
            let is_known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODYS.to_owned());
            let hash = phc::PasswordHash::new(&hash)
                .map_err(|error| PasswordError::Hash(error.to_string()))?;
            let fits = Argon2::default().verify_password(password.as_bytes(), &hash);
            Ok(fits.is_ok() && is_known)
        })
        .await
    }

    /// Does what takes long where it holds nobody up, a few at a time.
    async fn work<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, PasswordError> + Send + 'static,
    ) -> Result<R, PasswordError> {
        // It is never closed.
        let _permit = self.permits.acquire().await.ok();
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or(Err(PasswordError::Broken))
    }

    /// Whether a password will do for an account, after another one.
    ///
    /// # Errors
    /// [`WeakPassword`].
    pub fn check(account: &str, new: &str, old: Option<&str>) -> Result<(), WeakPassword> {
        if new.chars().count() < SHORTEST {
            return Err(WeakPassword::Short);
        }
        if new.len() > LONGEST {
            return Err(WeakPassword::Long);
        }
        if new.to_lowercase() == account || Some(new) == old {
            return Err(WeakPassword::Known);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let fits = async |text: &str, hash: Option<&String>| {
            let fits = passwords.verify(text, hash.cloned()).await;
            fits.unwrap()
        };
        assert!(fits("correct horse", Some(&hash)).await);
        assert!(!fits("correct horsf", Some(&hash)).await);
        assert!(!fits("correct horse", None).await);
        assert!(!fits(&"a".repeat(2_000), Some(&hash)).await);
        let other = passwords.hash("correct horse").await.unwrap();
        assert_ne!(hash, other, "each has a salt of its own");
    }

    #[test]
    fn short_long_and_known_passwords_are_refused() {
        let check = |new: &str| Passwords::check("administrator", new, Some("old password"));
        assert_eq!(check("seven.."), Err(WeakPassword::Short));
        assert_eq!(check("密码密码密码密码"), Ok(()));
        assert_eq!(check(&"a".repeat(1_025)), Err(WeakPassword::Long));
        assert_eq!(check("Administrator"), Err(WeakPassword::Known));
        assert_eq!(check("old password"), Err(WeakPassword::Known));
    }
}
