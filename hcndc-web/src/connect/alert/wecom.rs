//! WeCom (企业微信) group robots: `POST https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…`.

use hcndc_core::model::AlertChannel;
use serde_json::json;

use super::{Message, SendError, coded, post_json, webhook_url};
use crate::connect::{
    http::Http,
    settings::{self, Form, Setting},
};

pub(super) const SETTINGS: &[Setting] = &[
    Setting::optional("url", Form::Url),
    Setting::optional("at_mobiles", Form::Text),
    Setting::optional("at_all", Form::Flag),
];

/// Bytes of a message that WeCom takes.
const MOST: usize = 2_000;
/// Its codes for "busy" and "too many messages".
const BUSY: &[i64] = &[-1, 45_009, 45_033];

pub(super) async fn send(
    http: &Http,
    channel: &AlertChannel,
    message: &Message,
) -> Result<(), SendError> {
    let mut mobiles: Vec<&str> = settings::list(&channel.settings, "at_mobiles").collect();
    if settings::flag(&channel.settings, "at_all") {
        mobiles.push("@all");
    }
    let body = json!({
        "msgtype": "text",
        "text": {"content": message.text_within(MOST), "mentioned_mobile_list": mobiles},
    });
    let answer = post_json(http, webhook_url(channel), Vec::new(), &body).await?;
    coded(&answer, "errcode", "errmsg", BUSY)
}
