//! DingTalk (钉钉) group robots.
//!
//! `POST https://oapi.dingtalk.com/robot/send?access_token=…`; signed if the robot asks for it ("加签"): `timestamp` in
//! milliseconds, `sign` = base64(HMAC-SHA256(key, "timestamp\nkey")), both in the query.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hcndc_core::{model::AlertChannel, time::Timestamp};
use serde_json::json;

use super::{Message, SendError, coded, hmac_sha256, post_json, signing_key, webhook_url};
use crate::connect::{
    http::Http,
    settings::{self, Form, Setting},
};

pub(super) const SETTINGS: &[Setting] = &[
    Setting::optional("url", Form::Url),
    Setting::optional("at_mobiles", Form::Text),
    Setting::optional("at_all", Form::Flag),
];

/// Bytes of a message that DingTalk takes.
const MOST: usize = 18_000;
/// Its codes for "busy" and "too many messages".
const BUSY: &[i64] = &[-1, 130_101, 130_102];

pub(super) async fn send(
    http: &Http,
    channel: &AlertChannel,
    message: &Message,
    now: Timestamp,
) -> Result<(), SendError> {
    let url = signed(webhook_url(channel), signing_key(channel), now);
    let mobiles: Vec<&str> = settings::list(&channel.settings, "at_mobiles").collect();
    let body = json!({
        "msgtype": "text",
        "text": {"content": message.text_within(MOST)},
        "at": {"atMobiles": mobiles, "isAtAll": settings::flag(&channel.settings, "at_all")},
    });
    let answer = post_json(http, &url, Vec::new(), &body).await?;
    coded(&answer, "errcode", "errmsg", BUSY)
}

fn signed(url: &str, key: Option<&str>, now: Timestamp) -> String {
    let Some(key) = key else {
        return url.to_owned();
    };
    let timestamp = now.as_micros() / 1_000;
    let tag = hmac_sha256(key.as_bytes(), format!("{timestamp}\n{key}").as_bytes());
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("timestamp", &timestamp.to_string())
        .append_pair("sign", &STANDARD.encode(tag))
        .finish();
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{query}")
}
