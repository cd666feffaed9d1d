//! Microsoft Teams: the webhook of a workflow ("post to a channel when a webhook request is received"), which takes an Adaptive
//! Card.

use hcndc_core::model::AlertChannel;
use serde_json::{Value, json};

use super::{Message, SendError, post_json, webhook_url};
use crate::connect::{
    http::Http,
    settings::{Form, Setting},
};

pub(super) const SETTINGS: &[Setting] = &[Setting::optional("url", Form::Url)];

/// Bytes of a message that Teams takes, with what the card adds.
const MOST: usize = 20_000;

pub(super) async fn send(
    http: &Http,
    channel: &AlertChannel,
    message: &Message,
) -> Result<(), SendError> {
    let text = message.text_within(MOST);
    // A block per line: Teams joins lines of one block, and reads marks in it.
    let mut blocks: Vec<Value> = Vec::new();
    for (number, line) in text.lines().filter(|line| !line.is_empty()).enumerate() {
        blocks.push(json!({
            "type": "TextBlock",
            "text": escaped(line),
            "wrap": true,
            "spacing": if number == 0 { "Default" } else { "None" },
            "weight": if number == 0 { "Bolder" } else { "Default" },
        }));
    }
    let actions = message
        .url()
        .map(|url| json!([{"type": "Action.OpenUrl", "title": message.open_words(), "url": url}]));
    let body = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": blocks,
                "actions": actions.unwrap_or_else(|| json!([])),
            },
        }],
    });
    post_json(http, webhook_url(channel), Vec::new(), &body).await?;
    Ok(())
}

/// A line whose marks are shown, not read.
fn escaped(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len());
    for letter in line.chars() {
        if matches!(letter, '*' | '_' | '[' | ']' | '#' | '`' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
