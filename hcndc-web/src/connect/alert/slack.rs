//! Slack's incoming webhooks: `POST https://hooks.slack.com/services/…`.

use hcndc_core::model::AlertChannel;
use serde_json::json;

use super::{Message, SendError, post_json, webhook_url};
use crate::connect::{
    http::Http,
    settings::{Form, Setting},
};

pub(super) const SETTINGS: &[Setting] = &[Setting::optional("url", Form::Url)];

/// Bytes of a message that is surely shown whole.
const MOST: usize = 30_000;

pub(super) async fn send(
    http: &Http,
    channel: &AlertChannel,
    message: &Message,
) -> Result<(), SendError> {
    // The three characters that Slack asks to be escaped; so no text can call people or hide an address.
    let text = message
        .text_within(MOST)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    // Slack says "ok", or why not with a status of its own.
    post_json(
        http,
        webhook_url(channel),
        Vec::new(),
        &json!({"text": text}),
    )
    .await?;
    Ok(())
}
