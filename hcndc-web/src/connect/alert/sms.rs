//! Text messages, through whatever gateway takes an HTTP request: the request is a template.
//!
//! In `body`, and in `url`, `${text}` stands for the message, `${to}` for one number (a request for each) and `${secret}` for the
//! secret; each is written as the place asks: for JSON within a string, for a form or an address percent-encoded.

use hcndc_core::model::AlertChannel;

use super::{Message, SendError, request};
use crate::connect::{
    http::{Http, Request},
    settings::{self, Form, Setting},
};

pub(super) const SETTINGS: &[Setting] = &[
    Setting::needed("url", Form::Url),
    Setting::needed("to", Form::Text),
    Setting::needed("body", Form::Text),
    Setting::optional("content_type", Form::Text),
    Setting::optional("header.*", Form::Text),
    Setting::optional("expect", Form::Text),
    Setting::optional("characters", Form::Number(20, 1_000)),
];

/// Characters of a message: what most gateways send as three parts.
const USUAL_LENGTH: u64 = 200;

/// How a value is written in its place.
#[derive(Clone, Copy)]
enum Place {
    Json,
    Form,
    Plain,
}

impl Place {
    fn write(self, value: &str) -> String {
        match self {
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Form => form_urlencoded::byte_serialize(value.as_bytes()).collect(),
            Self::Plain => value.to_owned(),
        }
    }

    fn fill(self, template: &str, values: &[(&str, &str)]) -> String {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        // In one walk: what stands in a value is never read as a placeholder.
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            let known = values
                .iter()
                .find(|(name, _)| from[2..].starts_with(&format!("{name}}}")));
            match known {
                Some((name, value)) => {
                    filled.push_str(&self.write(value));
                    rest = &from[name.len() + 3..];
                }
                None => {
                    filled.push_str("${");
                    rest = &from[2..];
                }
            }
        }
        filled + rest
    }
}

pub(super) async fn send(
    http: &Http,
    channel: &AlertChannel,
    message: &Message,
) -> Result<(), SendError> {
    let settings = &channel.settings;
    let text = |name| settings::text(settings, name).unwrap_or_default();
    let content_type = settings::text(settings, "content_type").unwrap_or("application/json");
    let place = if content_type.contains("json") {
        Place::Json
    } else if content_type.contains("urlencoded") {
        Place::Form
    } else {
        Place::Plain
    };
    let length = settings::number(settings, "characters", USUAL_LENGTH);
    let short = message.short(usize::try_from(length).unwrap_or(usize::MAX));
    let mut headers = Vec::new();
    for (name, value) in settings {
        if let Some(name) = name.strip_prefix("header.") {
            let value = Place::Plain.fill(value, &[("secret", channel.secret.reveal())]);
            headers.push((name.to_owned(), value));
        }
    }
    for number in settings::list(settings, "to") {
        let values = [
            ("text", short.as_str()),
            ("to", number),
            ("secret", channel.secret.reveal()),
        ];
        let asked = Request {
            method: reqwest::Method::POST,
            url: &Place::Form.fill(text("url"), &values),
            headers: headers.clone(),
            content_type,
            body: place.fill(text("body"), &values).into_bytes(),
        };
        let answer = request(http, asked).await?;
        if let Some(expected) = settings::text(settings, "expect")
            && !answer.body.contains(expected)
        {
            let reason = format!("the gateway answers {}", answer.line());
            return Err(SendError::Refused { reason });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_their_place_asks() {
        let values = [("text", "a \"b\" ${to}\n"), ("to", "+86 1")];
        assert_eq!(
            Place::Json.fill(r#"{"m":"${text}","n":"${to}","x":"${y}"}"#, &values),
            r#"{"m":"a \"b\" ${to}\n","n":"+86 1","x":"${y}"}"#
        );
        assert_eq!(
            Place::Form.fill("m=${text}&n=${to}", &values),
            "m=a+%22b%22+%24%7Bto%7D%0A&n=%2B86+1"
        );
    }
}
