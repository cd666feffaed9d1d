//! Whether a delivery is signed with the secret of its webhook, and what its sender calls it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hcndc_core::{
    id::WebhookId,
    model::{HookScheme, Webhook},
    time::Timestamp,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Reason;

/// How far the time that is signed may be from now, either way, as the Standard Webhooks libraries have it.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// Characters of a name at most.
const LONGEST_NAME: usize = 255;
/// What Standard Webhooks secrets begin with; base64 follows.
const PREFIX: &str = "whsec_";
/// Characters of a secret, at least and at most.
const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 16..=1_000;

/// Whether a text is one secret that can be used, or two.
pub(crate) fn are_secrets(text: &str) -> bool {
    let secrets: Vec<&str> = text.split_whitespace().collect();
    let fits = |secret: &&str| SECRET_LENGTH.contains(&secret.len()) && bytes(secret).is_some();
    (1..=2).contains(&secrets.len()) && secrets.iter().all(fits)
}

/// The key that a secret stands for.
fn bytes(secret: &str) -> Option<Vec<u8>> {
    match secret.strip_prefix(PREFIX) {
        Some(encoded) => STANDARD.decode(encoded).ok(),
        None => Some(secret.as_bytes().to_vec()),
    }
}

/// That a body is signed with one of the secrets in a text; tells what its sender calls it, which may be empty. `header` gives the
/// value of a header. Takes the same time whichever secret fits, and whether one does.
///
/// # Errors
/// [`Reason::BadSignature`], [`Reason::OldTimestamp`].
pub(crate) fn verify<'a>(
    hook: &Webhook,
    secrets: &str,
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now: Timestamp,
) -> Result<String, Reason> {
    let secrets: Vec<Vec<u8>> = secrets.split_whitespace().filter_map(bytes).collect();
    match hook.scheme {
        HookScheme::Standard => {
            let of = |name| header(name).unwrap_or_default();
            let (id, time) = (of("webhook-id"), of("webhook-timestamp"));
            let signed = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
            let given: Vec<Vec<u8>> = of("webhook-signature")
                .split_ascii_whitespace()
                .filter_map(|it| it.strip_prefix("v1,"))
                .filter_map(|it| STANDARD.decode(it).ok())
                .collect();
            if !fits(&secrets, &signed, &given) || id.is_empty() || id.len() > LONGEST_NAME {
                return Err(Reason::BadSignature);
            }
            // What is signed says when; so nobody but the sender can say another time.
            let seconds: i64 = time.parse().map_err(|_| Reason::BadSignature)?;
            let apart = seconds.abs_diff(now.as_micros().div_euclid(1_000_000));
            match apart <= TOLERANCE.as_secs() {
                true => Ok(id.to_owned()),
                false => Err(Reason::OldTimestamp),
            }
        }
        HookScheme::Body => {
            let given = header(&hook.signature_header).unwrap_or_default().trim();
            let given = given.strip_prefix("sha256=").unwrap_or(given);
            if !fits(&secrets, body, &[unhex(given).unwrap_or_default()]) {
                return Err(Reason::BadSignature);
            }
            let name = header(&hook.delivery_header).unwrap_or_default();
            match name.len() <= LONGEST_NAME {
                true => Ok(name.to_owned()),
                // It is known by its body then.
                false => Ok(String::new()),
            }
        }
    }
}

/// Whether one of the tags is that of one of the keys.
fn fits(keys: &[Vec<u8>], signed: &[u8], given: &[Vec<u8>]) -> bool {
    let mut any = subtle::Choice::from(0);
    for key in keys {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            continue;
        };
        mac.update(signed);
        let tag = mac.finalize().into_bytes();
        for given in given {
            any |= tag.as_slice().ct_eq(given);
        }
    }
    any.into()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|it| it.to_digit(16).and_then(|it| u8::try_from(it).ok()))
        .collect();
    let digits = digits.filter(|it| it.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

/// What tells a delivery from all others of all webhooks: by its name, or by its body if it has none. What is not signed never has
/// the key of what is.
pub(crate) fn key(hook: WebhookId, signed: bool, name: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(hook.0.to_be_bytes());
    hash.update([u8::from(signed), u8::from(name.is_empty())]);
    match name.is_empty() {
        true => hash.update(body),
        false => hash.update(name),
    }
    crate::connect::alert::hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hcndc_core::{
        contract::sample,
        model::{Definition, Secret},
    };

    use super::*;

    fn hook(scheme: HookScheme) -> Webhook {
        let world = sample::World::new();
        let found = world.definitions.iter().find_map(|it| match it {
            Definition::Webhook(it) => Some(it),
            _ => None,
        });
        Webhook {
            scheme,
            secret: Secret::default(),
            ..Webhook::clone(found.expect("one"))
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn told(
        scheme: HookScheme,
        secrets: &str,
        headers: &[(&str, &str)],
        body: &str,
        now: i64,
    ) -> Result<String, Reason> {
        let headers: BTreeMap<_, _> = headers.iter().copied().collect();
        let header = |name: &str| headers.get(name).copied();
        verify(&hook(scheme), secrets, header, body.as_bytes(), at(now))
    }

    /// The example of the Standard Webhooks specification's libraries.
    #[test]
    fn the_examples_of_the_standard_fit() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = r#"{"test": 2432232314}"#;
        let (id, time) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let headers = |signature| {
            [
                ("webhook-id", id),
                ("webhook-timestamp", time),
                ("webhook-signature", signature),
            ]
        };
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let now = 1_614_265_330;
        let told = |secret, signature, body, now| {
            told(HookScheme::Standard, secret, &headers(signature), body, now)
        };
        assert_eq!(told(secret, good, body, now), Ok(id.to_owned()));
        let several = format!("v2,x v1,AAAA {good}");
        assert_eq!(told(secret, &several, body, now + 300), Ok(id.to_owned()));
        let both = format!("an-older-one-of-ours {secret}");
        assert_eq!(told(&both, good, body, now - 300), Ok(id.to_owned()));
        let wrong = Err(Reason::BadSignature);
        assert_eq!(told(secret, good, "{}", now), wrong);
        assert_eq!(told("another-secret-of-ours", good, body, now), wrong);
        assert_eq!(told("", good, body, now), wrong);
        assert_eq!(told(secret, "", body, now), wrong);
        assert_eq!(
            told(secret, good, body, now + 301),
            Err(Reason::OldTimestamp)
        );
        assert_eq!(
            told(secret, good, body, now - 301),
            Err(Reason::OldTimestamp)
        );
    }

    /// The example of GitHub's documentation.
    #[test]
    fn the_example_of_github_fits() {
        let (secret, body) = ("It's a Secret to Everybody", "Hello, World!");
        // A space stands between two secrets here.
        let secret = secret.replace(' ', "_");
        let tag = {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(body.as_bytes());
            crate::connect::alert::hex(&mac.finalize().into_bytes())
        };
        let told = |tag: &str, body| {
            let headers = [("X-Signature", tag), ("X-Delivery", "d-1")];
            told(HookScheme::Body, &secret, &headers, body, 0)
        };
        assert_eq!(told(&format!("sha256={tag}"), body), Ok("d-1".to_owned()));
        assert_eq!(told(&tag.to_uppercase(), body), Ok("d-1".to_owned()));
        for bad in ["", "sha256=", "zz", &tag[1..], &tag[..62]] {
            assert_eq!(told(bad, body), Err(Reason::BadSignature), "{bad}");
        }
        assert_eq!(told(&tag, "Hello, World"), Err(Reason::BadSignature));
    }

    #[test]
    fn secrets_are_one_or_two_of_some_length() {
        assert!(are_secrets("0123456789abcdef"));
        assert!(are_secrets(
            " 0123456789abcdef\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw "
        ));
        for bad in [
            "",
            "short",
            "0123456789abcdef x",
            "whsec_not base64!!!!!!",
            "whsec_no-base64-at-all",
        ] {
            assert!(!are_secrets(bad), "{bad}");
        }
        let three = "0123456789abcdef 0123456789abcdef 0123456789abcdef";
        assert!(!are_secrets(three));
    }

    #[test]
    fn no_two_deliveries_have_one_key() {
        let (one, two) = (WebhookId(1), WebhookId(2));
        let keys = [
            key(one, true, "a", b"x"),
            key(two, true, "a", b"x"),
            key(one, false, "a", b"x"),
            key(one, true, "", b"a"),
            key(one, true, "b", b"x"),
        ];
        let all: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(all.len(), keys.len());
        assert_eq!(key(one, true, "a", b"y"), keys[0]);
        assert_eq!(keys[0].len(), 64);
    }
}
