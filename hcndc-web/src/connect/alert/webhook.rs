//! A webhook of one's own: JSON, signed.
//!
//! With a secret each request has `X-Hcndc-Timestamp` (seconds since 1970) and `X-Hcndc-Signature`: `v1=` and, in lower-case hex,
//! HMAC-SHA256(secret, timestamp + "." + body). A receiver compares it in constant time, refuses timestamps that are minutes
//! old, and takes each `X-Hcndc-Delivery` once: a message that is sent again has the same.

use hcndc_core::{model::AlertChannel, time::Timestamp};
use serde_json::json;

use super::{Message, SendError, hmac_sha256, request};
use crate::connect::{
    http::{Http, Request},
    settings::{self, Form, Setting},
};

pub(super) const SETTINGS: &[Setting] = &[
    Setting::needed("url", Form::Url),
    Setting::optional("header.*", Form::Text),
];

pub(super) async fn send(
    http: &Http,
    channel: &AlertChannel,
    message: &Message,
    now: Timestamp,
) -> Result<(), SendError> {
    let body = json!({
        "version": 1,
        "delivery": message.delivery,
        "channel": channel.name,
        "title": message.title(),
        "text": message.text(),
        "alerts": message.stories,
        "left_out": message.left_out,
    })
    .to_string();
    let mut headers = vec![("X-Hcndc-Delivery".to_owned(), message.delivery.clone())];
    for (name, value) in &channel.settings {
        if let Some(name) = name.strip_prefix("header.") {
            headers.push((name.to_owned(), value.clone()));
        }
    }
    if !channel.secret.is_empty() {
        let timestamp = now.as_micros() / 1_000_000;
        let signed = format!("{timestamp}.{body}");
        let tag = hmac_sha256(channel.secret.reveal().as_bytes(), signed.as_bytes());
        headers.push(("X-Hcndc-Timestamp".to_owned(), timestamp.to_string()));
        headers.push(("X-Hcndc-Signature".to_owned(), format!("v1={}", hex(&tag))));
    }
    let asked = Request {
        method: reqwest::Method::POST,
        url: settings::text(&channel.settings, "url").unwrap_or_default(),
        headers,
        content_type: "application/json",
        body: body.into_bytes(),
    };
    request(http, asked).await?;
    Ok(())
}

/// In lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
