//! Feishu (飞书, Lark) group bots.
//!
//! `POST https://open.feishu.cn/open-apis/bot/v2/hook/…`; signed if the bot asks for it ("签名校验"): `timestamp` in seconds and
//! `sign` = base64(HMAC-SHA256(key = "timestamp\nsecret", nothing)), both in the body.

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
    Setting::optional("at_all", Form::Flag),
];

/// Bytes of a message that Feishu takes.
const MOST: usize = 18_000;
/// Its codes for "too many messages".
const BUSY: &[i64] = &[9_499, 11_232];

pub(super) async fn send(
    http: &Http,
    channel: &AlertChannel,
    message: &Message,
    now: Timestamp,
) -> Result<(), SendError> {
    // Feishu reads marks such as <at …> in texts: what comes from logs must call nobody.
    let mut text = message.text_within(MOST).replace('<', "＜");
    if settings::flag(&channel.settings, "at_all") {
        text.push_str("\n<at user_id=\"all\"></at>");
    }
    let mut body = json!({"msg_type": "text", "content": {"text": text}});
    if let Some(key) = signing_key(channel) {
        let timestamp = now.as_micros() / 1_000_000;
        let tag = hmac_sha256(format!("{timestamp}\n{key}").as_bytes(), b"");
        body["timestamp"] = timestamp.to_string().into();
        body["sign"] = STANDARD.encode(tag).into();
    }
    let answer = post_json(http, webhook_url(channel), Vec::new(), &body).await?;
    coded(&answer, "code", "msg", BUSY)
}
