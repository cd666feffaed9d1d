//! Secrets in a job's output: replaced before anything is kept, however the output comes in pieces.

use std::{collections::BTreeSet, sync::Arc};

/// What stands for a secret.
pub(super) const MASKED: &[u8] = b"***";

/// The secrets of a job.
#[derive(Debug)]
struct Secrets {
    /// None is empty.
    values: Vec<Vec<u8>>,
    /// Whether one begins with a byte.
    begins: [bool; 256],
}

/// Masks one stream.
#[derive(Debug, Default)]
pub(super) struct Mask {
    /// `None` if there are none.
    secrets: Option<Arc<Secrets>>,
    /// What may turn out to begin a secret. It waits for what follows, at most for the end of the stream.
    held: Vec<u8>,
}

impl Mask {
    /// For the two streams of a job.
    pub(super) fn pair(secrets: BTreeSet<String>) -> [Self; 2] {
        let values: Vec<Vec<u8>> = secrets.into_iter().map(String::into_bytes).collect();
        let mut begins = [false; 256];
        for first in values.iter().filter_map(|value| value.first()) {
            begins[usize::from(*first)] = true;
        }
        let secrets = (!values.is_empty()).then(|| Arc::new(Secrets { values, begins }));
        [secrets.clone(), secrets].map(|secrets| Self {
            secrets,
            held: Vec::new(),
        })
    }

    /// What of the output so far can be kept now.
    pub(super) fn take(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let Some(secrets) = &self.secrets else {
            return bytes;
        };
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(&bytes);
        let (kept, left) = secrets.mask(&all, false);
        self.held = all[left..].to_vec();
        kept
    }

    /// What of that which was held back can be kept now that nothing follows.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        match &self.secrets {
            // It did not go on as one secret, and may hold a shorter one.
            Some(secrets) => secrets.mask(&held, true).0,
            None => held,
        }
    }
}

impl Secrets {
    /// What is left of the bytes, and from where on they may begin a secret that goes on in what follows.
    /// With the last of a stream nothing follows.
    fn mask(&self, bytes: &[u8], is_last: bool) -> (Vec<u8>, usize) {
        let mut kept = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let plain = rest.iter().position(|byte| self.begins[usize::from(*byte)]);
            let Some(plain) = plain else {
                kept.extend_from_slice(rest);
                return (kept, bytes.len());
            };
            kept.extend_from_slice(&rest[..plain]);
            at += plain;
            let rest = &rest[plain..];
            let goes_on = |value: &Vec<u8>| value.len() > rest.len() && value.starts_with(rest);
            if !is_last && self.values.iter().any(goes_on) {
                return (kept, at);
            }
            let found = self.values.iter().filter(|value| rest.starts_with(value));
            // Of two that begin alike the longer one: what is left of it would tell.
            match found.map(Vec::len).max() {
                Some(length) => {
                    kept.extend_from_slice(MASKED);
                    at += length;
                }
                None => {
                    kept.push(rest[0]);
                    at += 1;
                }
            }
        }
        (kept, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept of a text in pieces of this many bytes.
    fn masked(secrets: &[&str], text: &str, piece: usize) -> String {
        let secrets = secrets.iter().map(|it| (*it).to_owned()).collect();
        let [mut mask, _] = Mask::pair(secrets);
        let pieces = text.as_bytes().chunks(piece);
        let mut kept: Vec<u8> = pieces.flat_map(|it| mask.take(it.to_vec())).collect();
        kept.extend(mask.rest());
        String::from_utf8(kept).unwrap()
    }

    #[test]
    fn a_secret_is_masked_however_it_comes_in_pieces() {
        let text = "the hunter hunts with hunter2hunter2, hunter22 and hunt";
        let expected = "the hunter hunts with ******, ***2 and hunt";
        for piece in 1..=text.len() {
            assert_eq!(masked(&["hunter2"], text, piece), expected, "{piece}");
        }
    }

    #[test]
    fn of_secrets_that_begin_alike_the_longest_is_masked() {
        for piece in 1..12 {
            assert_eq!(
                masked(&["abcd", "abcdefgh"], "abcdefgh abcdef", piece),
                "*** ***ef"
            );
            assert_eq!(masked(&["aab", "ab"], "aaab", piece), "a***");
        }
    }

    #[test]
    fn without_secrets_all_passes_at_once() {
        assert_eq!(masked(&[], "hunter2", 3), "hunter2");
        let [mut mask, _] = Mask::pair(["hunter2".to_owned()].into());
        assert_eq!(mask.take(b"all of it\n".to_vec()), b"all of it\n");
    }
}
