//! Messages to robots and webhooks, checked by the algorithms that their makers document.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono_tz::Tz;
use hcndc_core::{
    id::AlertChannelId,
    model::{AlertChannel, AlertChannelKind, Revision, Secret},
    time::Timestamp,
};
use hcndc_web::vault::Vault;
use hcndc_web::{
    connect::{
        alert::{Manners, Message, desk::SendError, send, story::Story},
        http::Http,
    },
    interchange::Lang,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    proxy::{dying, nobody, saying},
    receiver::Receiver,
    tls_proxy::untrusted,
};

const NOW: &str = "2026-11-22T01:02:03Z";
const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

pub(crate) fn channel(
    kind: AlertChannelKind,
    settings: &[(&str, &str)],
    secret: &str,
) -> AlertChannel {
    let now = Timestamp::from_micros(0);
    AlertChannel {
        id: AlertChannelId(1),
        name: "ops".to_owned(),
        directory: "/".to_owned(),
        description: String::new(),
        enabled: true,
        kind,
        settings: settings
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        secret: Secret::new(secret),
        revision: Revision {
            version: 1,
            created_at: now,
            created_by: "test".to_owned(),
            updated_at: now,
            updated_by: "test".to_owned(),
        },
    }
}

pub(crate) fn message(lang: Lang) -> Message {
    let zone = Tz::Asia__Shanghai;
    let story = Story::example(
        NOW.parse().unwrap(),
        zone,
        Some("http://h/execute/7".into()),
    );
    let manners = Manners { lang, zone };
    Message::new(AlertChannelId(1), manners, vec![story], 0)
}

async fn deliver(channel: &AlertChannel) -> Result<(), SendError> {
    let now = NOW.parse().unwrap();
    send(
        &Http::new(),
        &Vault::default(),
        channel,
        &message(Lang::Zh),
        now,
    )
    .await
}

fn hmac(key: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[tokio::test]
async fn dingtalk_gets_a_signed_text_that_calls_people() {
    let receiver = Receiver::start(200, OK).await;
    let url = receiver.url("/robot/send?access_token=t");
    let settings = [
        ("url", url.as_str()),
        ("at_mobiles", "13800000000, 13900000000"),
    ];
    let channel = channel(AlertChannelKind::DingTalk, &settings, "SECkey");
    deliver(&channel).await.unwrap();
    let got = receiver.only();
    assert_eq!(got.path, "/robot/send");
    assert_eq!(got.query("access_token"), "t");
    assert_eq!(got.query("timestamp"), "1795309323000");
    let expected = hmac("SECkey", "1795309323000\nSECkey");
    assert_eq!(got.query("sign"), STANDARD.encode(expected));
    let body = got.json();
    assert_eq!(body["msgtype"], "text");
    let text = body["text"]["content"].as_str().unwrap();
    assert!(text.starts_with("[HCNDC] 任务失败：example/load（2026-11-21）"));
    assert!(text.contains("2 rows are refused"));
    assert_eq!(body["at"]["atMobiles"][1], "13900000000");
    assert_eq!(body["at"]["isAtAll"], false);
}

#[tokio::test]
async fn what_dingtalk_says_in_a_good_answer_counts() {
    let receiver = Receiver::start(200, OK).await;
    let url = receiver.url("/");
    let channel = channel(AlertChannelKind::DingTalk, &[], &url);
    receiver.then(&[
        (200, r#"{"errcode":310000,"errmsg":"sign not match"}"#),
        (200, r#"{"errcode":130101,"errmsg":"send too fast"}"#),
        (200, "<html>"),
    ]);
    let refused = deliver(&channel).await.unwrap_err();
    assert!(matches!(refused, SendError::Refused { .. }));
    assert!(refused.to_string().contains("sign not match"), "{refused}");
    let busy = deliver(&channel).await.unwrap_err();
    assert!(matches!(busy, SendError::Later { .. }), "{busy}");
    let garbage = deliver(&channel).await.unwrap_err();
    assert!(matches!(garbage, SendError::Refused { .. }), "{garbage}");
}

#[tokio::test]
async fn wecom_gets_a_text_that_it_can_hold() {
    let receiver = Receiver::start(200, OK).await;
    let url = receiver.url("/cgi-bin/webhook/send?key=k");
    let channel = channel(AlertChannelKind::WeCom, &[("at_all", "true")], &url);
    let mut long = message(Lang::Zh);
    if let Some(job) = &mut long.stories[0].job {
        job.log = vec!["很长的一行".repeat(50); 20];
    }
    let sent = send(
        &Http::new(),
        &Vault::default(),
        &channel,
        &long,
        NOW.parse().unwrap(),
    )
    .await;
    sent.unwrap();
    let body = receiver.only().json();
    let text = body["text"]["content"].as_str().unwrap();
    assert!(text.len() <= 2_048 && text.contains("http://h/execute/7"));
    assert_eq!(body["text"]["mentioned_mobile_list"][0], "@all");
}

#[tokio::test]
async fn feishu_gets_a_signature_in_the_body_and_no_marks_of_others() {
    let receiver = Receiver::start(200, r#"{"code":0,"msg":"success"}"#).await;
    let url = receiver.url("/open-apis/bot/v2/hook/x");
    let channel = channel(AlertChannelKind::Feishu, &[("url", &url)], "key");
    let mut tricky = message(Lang::En);
    if let Some(job) = &mut tricky.stories[0].job {
        job.log = vec!["<at user_id=\"all\"></at>".to_owned()];
    }
    let sent = send(
        &Http::new(),
        &Vault::default(),
        &channel,
        &tricky,
        NOW.parse().unwrap(),
    )
    .await;
    sent.unwrap();
    let body = receiver.only().json();
    assert_eq!(body["msg_type"], "text");
    assert_eq!(body["timestamp"], "1795309323");
    assert_eq!(body["sign"], STANDARD.encode(hmac("1795309323\nkey", "")));
    assert!(!body["content"]["text"].as_str().unwrap().contains('<'));
}

#[tokio::test]
async fn slack_and_teams_get_texts_without_marks() {
    let receiver = Receiver::start(200, "ok").await;
    let url = receiver.url("/services/T/B/x");
    deliver(&channel(AlertChannelKind::Slack, &[], &url))
        .await
        .unwrap();
    deliver(&channel(AlertChannelKind::Teams, &[], &url))
        .await
        .unwrap();
    let got = receiver.got();
    let slack = got[0].json();
    assert!(slack["text"].as_str().unwrap().starts_with("[HCNDC]"));
    let teams = got[1].json();
    let card = &teams["attachments"][0];
    assert_eq!(
        card["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    let content = &card["content"];
    assert_eq!(content["type"], "AdaptiveCard");
    assert!(
        content["body"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("\\[HCNDC\\]")
    );
    assert_eq!(content["actions"][0]["url"], "http://h/execute/7");
}

#[tokio::test]
async fn a_webhook_is_signed_over_time_and_body() {
    let receiver = Receiver::start(204, "").await;
    let url = receiver.url("/in");
    let settings = [("url", url.as_str()), ("header.X-Team", "etl")];
    let channel = channel(AlertChannelKind::Webhook, &settings, "key");
    deliver(&channel).await.unwrap();
    deliver(&channel).await.unwrap();
    let got = receiver.got();
    let body = std::str::from_utf8(&got[0].body).unwrap();
    let timestamp = got[0].header("x-hcndc-timestamp");
    assert_eq!(timestamp, "1795309323");
    let expected: String = hmac("key", &format!("{timestamp}.{body}"))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(got[0].header("x-hcndc-signature"), format!("v1={expected}"));
    assert_eq!(got[0].header("x-team"), "etl");
    let json = got[0].json();
    assert_eq!(json["alerts"][0]["event"], "job_failed");
    assert_eq!(json["alerts"][0]["job"]["exit_code"], 3);
    assert_eq!(json["alerts"][0]["data_date"], "2026-11-21");
    assert_eq!(
        got[0].header("x-hcndc-delivery"),
        got[1].header("x-hcndc-delivery"),
        "what is sent again can be told from what is new"
    );
}

#[tokio::test]
async fn a_gateway_for_text_messages_gets_a_request_for_each_number() {
    let receiver = Receiver::start(200, r#"{"status":"sent"}"#).await;
    let url = receiver.url("/sms?u=${to}");
    let settings = [
        ("url", url.as_str()),
        ("to", "+8613800000000;+8613900000000"),
        ("body", "phone=${to}&key=${secret}&text=${text}"),
        ("content_type", "application/x-www-form-urlencoded"),
        ("expect", "\"sent\""),
    ];
    let channel = channel(AlertChannelKind::Sms, &settings, "k&y");
    deliver(&channel).await.unwrap();
    let got = receiver.got();
    let numbers: Vec<&str> = got.iter().map(|it| it.query("u")).collect();
    assert_eq!(numbers, ["+8613800000000", "+8613900000000"]);
    let form: BTreeMap<String, String> =
        form_urlencoded::parse(&got[0].body).into_owned().collect();
    assert_eq!(form["key"], "k&y");
    assert_eq!(
        form["text"],
        "[HCNDC] 任务失败：example/load（2026-11-21），退出码 3"
    );
    receiver.then(&[(200, r#"{"status":"no credit"}"#)]);
    let refused = deliver(&channel).await.unwrap_err();
    assert!(refused.to_string().contains("no credit"), "{refused}");
}

#[tokio::test]
async fn statuses_say_whether_it_may_do_later_and_no_error_tells_the_address() {
    let receiver = Receiver::start(200, "ok").await;
    let url = receiver.url("/services/SECRET");
    let known = channel(AlertChannelKind::Slack, &[], &url);
    receiver.then(&[
        (500, "oops"),
        (429, "slow down"),
        (403, "invalid_token"),
        (302, ""),
    ]);
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(deliver(&known).await.unwrap_err());
    }
    let later = told
        .iter()
        .map(|error| matches!(error, SendError::Later { .. }));
    assert_eq!(later.collect::<Vec<_>>(), [true, true, false, false]);
    assert!(told[2].to_string().contains("invalid_token"));
    for error in told {
        assert!(!error.to_string().contains("SECRET"), "{error}");
    }
}

/// A channel of each kind that speaks HTTP, to this address.
fn all_kinds(url: &str) -> [AlertChannel; 7] {
    use AlertChannelKind as Kind;
    let kinds = [
        Kind::DingTalk,
        Kind::WeCom,
        Kind::Feishu,
        Kind::Slack,
        Kind::Teams,
        Kind::Webhook,
        Kind::Sms,
    ];
    kinds.map(|kind| {
        let mut settings = vec![("url", url), ("answer_seconds", "1")];
        if kind == Kind::Sms {
            settings.extend([("to", "+8613800000000"), ("body", "{}")]);
        }
        channel(kind, &settings, "")
    })
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_may_do_later_on_channels_of_all_kinds() {
    let keyless = Receiver::start(401, "no such key").await;
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"errcode\":0";
    for (scheme, port, may_do_later, expected) in [
        ("http", nobody(), true, "refused"),
        ("http", saying(b"").await, true, "no answer in time"),
        ("http", dying(b"\xff\xfe220 ready\r\n\r\n").await, true, ""),
        ("http", dying(b"").await, true, ""),
        ("http", dying(cut).await, true, ""),
        ("https", untrusted().await, true, "certificate"),
        ("https", keyless.address.port(), true, ""),
        ("http", keyless.address.port(), false, "no such key"),
    ] {
        let url = format!("{scheme}://127.0.0.1:{port}/SECRET");
        let channels = all_kinds(&url);
        let told = futures_util::future::join_all(channels.iter().map(deliver)).await;
        for (channel, told) in channels.iter().zip(told) {
            let error = told.unwrap_err();
            let later = matches!(error, SendError::Later { .. });
            let about = format!("{:?} at {scheme}, {expected}: {error}", channel.kind);
            assert_eq!(later, may_do_later, "{about}");
            let error = error.to_string();
            assert!(error.contains(expected), "{about}");
            assert!(!error.contains("SECRET"), "{about}");
        }
    }
}
