//! Alerts: what happened, told to people on the channels that they read.
//!
//! [`notifier`] is the port's adapter: it looks up who is to be told ([`facts`]), lets the [`desk`] decide when, puts what
//! happened into words ([`text`]), and sends it. A file per kind of channel knows its settings and how it is reached, and
//! nothing of alerts but their text.

pub mod desk;
mod dingtalk;
mod email;
pub mod facts;
mod feishu;
pub mod notifier;
mod slack;
mod sms;
pub mod story;
mod teams;
pub mod text;
mod webhook;
mod wecom;

use std::{collections::BTreeMap, time::Duration};

use chrono_tz::Tz;
use hcndc_core::{
    model::{AlertChannel, AlertChannelKind, Secret},
    time::Timestamp,
};

use self::desk::{Pace, SendError};
use super::{
    http::{Answer, Http, HttpError, Request},
    settings::{self, Form, Hours, Setting, SettingFault},
};
use crate::{interchange::Lang, vault::Vault};

pub use self::text::Message;

/// Settings that channels of every kind have.
const COMMON: &[Setting] = &[
    Setting::optional("lang", Form::Word(&["zh", "en"])),
    Setting::optional("zone", Form::Zone),
    Setting::optional("quiet", Form::Hours),
    Setting::optional("group_seconds", Form::Number(0, 3_600)),
    Setting::optional("per_hour", Form::Number(1, 3_600)),
    Setting::optional("log_lines", Form::Number(0, 100)),
    Setting::optional("answer_seconds", Form::Number(1, 100)),
];

/// How a channel speaks where its settings do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// Language.
    pub lang: Lang,
    /// Zone of times, and of quiet hours.
    pub zone: Tz,
}

impl Manners {
    /// Those of a channel, with these where it has none.
    #[must_use]
    pub fn of(self, settings: &BTreeMap<String, String>) -> Self {
        let zone = settings::text(settings, "zone").and_then(|zone| zone.parse().ok());
        Self {
            lang: match settings::text(settings, "lang") {
                Some("zh") => Lang::Zh,
                Some("en") => Lang::En,
                _ => self.lang,
            },
            zone: zone.unwrap_or(self.zone),
        }
    }

    /// How fast a channel of these settings is spoken on.
    #[must_use]
    pub fn pace(self, settings: &BTreeMap<String, String>) -> Pace {
        let usual = Pace::default();
        let group = settings::number(settings, "group_seconds", usual.group.as_secs());
        let per_hour = settings::number(settings, "per_hour", usual.per_hour.into());
        let hours = settings::text(settings, "quiet").and_then(Hours::parse);
        Pace {
            group: Duration::from_secs(group),
            per_hour: u32::try_from(per_hour).unwrap_or(usual.per_hour),
            quiet: hours.map(|hours| (hours, self.of(settings).zone)),
        }
    }
}

/// What is wrong with the settings of a channel of this kind. `secret` is `None` where it is not known, as in a change that
/// keeps it.
#[must_use]
pub fn check(
    kind: AlertChannelKind,
    settings: &BTreeMap<String, String>,
    secret: Option<&Secret>,
) -> Vec<SettingFault> {
    let own = match kind {
        AlertChannelKind::Email => email::SETTINGS,
        AlertChannelKind::DingTalk => dingtalk::SETTINGS,
        AlertChannelKind::WeCom => wecom::SETTINGS,
        AlertChannelKind::Feishu => feishu::SETTINGS,
        AlertChannelKind::Slack => slack::SETTINGS,
        AlertChannelKind::Teams => teams::SETTINGS,
        AlertChannelKind::Webhook => webhook::SETTINGS,
        AlertChannelKind::Sms => sms::SETTINGS,
    };
    let mut faults = settings::faults(&[own, COMMON], settings);
    match kind {
        AlertChannelKind::Email => faults.extend(email::check(settings)),
        AlertChannelKind::DingTalk
        | AlertChannelKind::WeCom
        | AlertChannelKind::Feishu
        | AlertChannelKind::Slack
        | AlertChannelKind::Teams => {
            let is_known = settings.contains_key("url") || secret.is_none_or(is_address);
            if !is_known {
                faults.push(SettingFault::missing("url"));
            }
        }
        AlertChannelKind::Webhook | AlertChannelKind::Sms => {}
    }
    faults
}

/// Sends a message on a channel, now.
///
/// # Errors
/// [`SendError`], in the other side's own words where it has any.
pub async fn send(
    http: &Http,
    vault: &Vault,
    channel: &AlertChannel,
    message: &Message,
    now: Timestamp,
) -> Result<(), SendError> {
    let secret = vault.open(&channel.secret);
    let secret = secret.map_err(|error| SendError::Refused {
        reason: error.to_string(),
    })?;
    let channel = &AlertChannel {
        secret,
        ..channel.clone()
    };
    let faults = check(channel.kind, &channel.settings, Some(&channel.secret));
    if !faults.is_empty() {
        let sentences = faults.iter().map(|fault| fault.sentence(Lang::En));
        let reason = sentences.collect::<Vec<_>>().join("; ");
        return Err(SendError::Refused { reason });
    }
    let seconds = settings::number(&channel.settings, "answer_seconds", 0);
    let within = (seconds > 0).then(|| Duration::from_secs(seconds));
    let http = &within.map_or_else(|| http.clone(), |within| http.limited(within));
    match channel.kind {
        AlertChannelKind::Email => email::send(channel, message, within).await,
        AlertChannelKind::DingTalk => dingtalk::send(http, channel, message, now).await,
        AlertChannelKind::WeCom => wecom::send(http, channel, message).await,
        AlertChannelKind::Feishu => feishu::send(http, channel, message, now).await,
        AlertChannelKind::Slack => slack::send(http, channel, message).await,
        AlertChannelKind::Teams => teams::send(http, channel, message).await,
        AlertChannelKind::Webhook => webhook::send(http, channel, message, now).await,
        AlertChannelKind::Sms => sms::send(http, channel, message).await,
    }
}

fn is_address(secret: &Secret) -> bool {
    settings::is_url(secret.reveal())
}

/// Where a channel's webhook is: the setting `url`; or the secret, since such an address is often all that keeps others
/// from speaking there.
fn webhook_url(channel: &AlertChannel) -> &str {
    match is_address(&channel.secret) {
        true => channel.secret.reveal(),
        false => settings::text(&channel.settings, "url").unwrap_or_default(),
    }
}

/// The key that a channel's messages are signed with, if they are.
fn signing_key(channel: &AlertChannel) -> Option<&str> {
    let is_key = !channel.secret.is_empty() && !is_address(&channel.secret);
    is_key.then(|| channel.secret.reveal())
}

/// Posts JSON, and gives the answer if that is one of success by its status.
async fn post_json(
    http: &Http,
    url: &str,
    headers: Vec<(String, String)>,
    body: &serde_json::Value,
) -> Result<Answer, SendError> {
    request(
        http,
        Request {
            method: reqwest::Method::POST,
            url,
            headers,
            content_type: "application/json; charset=utf-8",
            body: body.to_string().into_bytes(),
        },
    )
    .await
}

/// Sends a request, and gives the answer if that is one of success by its status.
async fn request(http: &Http, request: Request<'_>) -> Result<Answer, SendError> {
    let answer = http.send(request).await.map_err(|error| match error {
        HttpError::Bad { reason } => SendError::Refused { reason },
        HttpError::NoAnswer { reason } => SendError::Later {
            reason,
            after: None,
        },
    })?;
    if answer.is_ok() {
        return Ok(answer);
    }
    let reason = format!("the server answers {}", answer.line());
    Err(match answer.may_do_later() {
        true => SendError::Later {
            reason,
            after: answer.retry_after,
        },
        false => SendError::Refused { reason },
    })
}

/// Reads an answer of the form `{"<code>": 0, "<words>": "ok"}`. Codes in `busy` say that it may do later.
fn coded(answer: &Answer, code: &str, words: &str, busy: &[i64]) -> Result<(), SendError> {
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match body[code].as_i64() {
        Some(0) => Ok(()),
        Some(number) => {
            let reason = format!(
                "the server answers {code} {number}: {}",
                body[words].as_str().unwrap_or_default()
            );
            Err(match busy.contains(&number) {
                true => SendError::Later {
                    reason,
                    after: None,
                },
                false => SendError::Refused { reason },
            })
        }
        None => {
            let reason = format!("the server's answer has no {code}: {}", answer.line());
            Err(SendError::Refused { reason })
        }
    }
}

pub(crate) use self::webhook::hex;

/// HMAC-SHA256 of some bytes by a key.
fn hmac_sha256(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac =
        Hmac::<sha2::Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    fn faults(kind: AlertChannelKind, pairs: &[(&str, &str)], secret: &str) -> Vec<String> {
        let faults = check(kind, &settings(pairs), Some(&Secret::new(secret)));
        faults.into_iter().map(|fault| fault.setting).collect()
    }

    #[test]
    fn an_address_may_stand_in_the_secret_and_must_stand_somewhere() {
        let kind = AlertChannelKind::Slack;
        assert_eq!(faults(kind, &[], ""), ["url"]);
        assert_eq!(
            faults(kind, &[], "https://hooks.slack.com/services/x"),
            [""; 0]
        );
        assert_eq!(faults(kind, &[("url", "https://a/b")], ""), [""; 0]);
        assert_eq!(faults(kind, &[("url", "ftp://a/b")], ""), ["url"]);
        assert_eq!(check(kind, &settings(&[]), None), []);
    }

    #[test]
    fn every_kind_says_what_it_needs() {
        use AlertChannelKind as Kind;
        assert_eq!(faults(Kind::Email, &[], ""), ["host", "from", "to"]);
        for kind in [Kind::DingTalk, Kind::WeCom, Kind::Feishu, Kind::Slack] {
            assert_eq!(faults(kind, &[], ""), ["url"]);
        }
        assert_eq!(faults(Kind::Teams, &[], ""), ["url"]);
        assert_eq!(faults(Kind::Webhook, &[], ""), ["url"]);
        assert_eq!(faults(Kind::Sms, &[], ""), ["url", "to", "body"]);
    }

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        let tag = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
