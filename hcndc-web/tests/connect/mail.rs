//! E-mail, to a real server.

use std::{fs, path::PathBuf};

use hcndc_core::{model::AlertChannelKind, time::Timestamp};
use hcndc_web::vault::Vault;
use hcndc_web::{
    connect::{
        alert::{desk::SendError, send},
        http::Http,
    },
    interchange::Lang,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpListener, TcpStream},
};

use crate::{
    proxy::nobody,
    server,
    webhooks::{channel, message},
};

/// The mail server, as its address tells it.
pub(crate) struct MailServer {
    pub(crate) port: String,
    pub(crate) tls_port: String,
    pub(crate) plain_port: String,
    pub(crate) password: String,
    pub(crate) ca: String,
    mail: PathBuf,
}

impl MailServer {
    pub(crate) fn find(test: &str) -> Option<Self> {
        let url = server("HCNDC_TEST_SMTP_URL", test)?;
        let (head, query) = url.split_once("/?").unwrap();
        let (user, address) = head.split_once('@').unwrap();
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let find = |name: &str| query.iter().find(|(it, _)| it == name).unwrap().1.clone();
        Some(Self {
            port: address.rsplit_once(':').unwrap().1.to_owned(),
            tls_port: find("tls_port"),
            plain_port: find("plain_port"),
            password: user.rsplit_once(':').unwrap().1.to_owned(),
            ca: find("ca"),
            mail: find("mail").into(),
        })
    }

    /// Mails to this address.
    pub(crate) fn mails(&self, to: &str) -> Vec<Value> {
        let files = fs::read_dir(&self.mail).unwrap().flatten();
        let files = files.filter(|file| file.path().extension().is_some_and(|it| it == "json"));
        let mails = files.map(|file| {
            let text = fs::read_to_string(file.path()).unwrap();
            serde_json::from_str::<Value>(&text).unwrap()
        });
        let is_to = |mail: &Value| mail["to"].as_array().unwrap().iter().any(|it| it == to);
        mails.filter(is_to).collect()
    }
}

async fn deliver(settings: &[(&str, &str)], secret: &str) -> Result<(), SendError> {
    let channel = channel(AlertChannelKind::Email, settings, secret);
    let now = Timestamp::from_micros(0);
    send(
        &Http::new(),
        &Vault::default(),
        &channel,
        &message(Lang::Zh),
        now,
    )
    .await
}

/// An address of nobody else's.
pub(crate) fn somebody() -> String {
    format!("{}@ops.example", uuid::Uuid::new_v4())
}

#[tokio::test]
async fn mail_goes_by_starttls_and_by_tls_with_a_sign_in() {
    let Some(server) = MailServer::find("mail_goes_by_starttls_and_by_tls_with_a_sign_in") else {
        return;
    };
    for (tls, port) in [("starttls", &server.port), ("tls", &server.tls_port)] {
        let to = somebody();
        let list = format!("{to}, 运维 <second@ops.example>");
        let settings = [
            ("host", "127.0.0.1"),
            ("port", port),
            ("tls", tls),
            ("user", "hcndc"),
            ("ca_file", &server.ca),
            ("from", "HCNDC 调度 <hcndc@etl.example>"),
            ("to", &list),
        ];
        deliver(&settings, &server.password).await.unwrap();
        let mails = server.mails(&to);
        assert_eq!(mails.len(), 1, "{tls}");
        let mail = &mails[0];
        assert_eq!(
            (&mail["tls"], &mail["signed_in"]),
            (&true.into(), &true.into())
        );
        assert_eq!(mail["from"], "hcndc@etl.example");
        assert_eq!(mail["to"][1], "second@ops.example");
        assert_eq!(
            mail["subject"],
            "[HCNDC] 任务失败：example/load（2026-11-21）"
        );
        assert_eq!(mail["auto_submitted"], "auto-generated");
        let text = mail["text"].as_str().unwrap().replace("\r\n", "\n");
        assert_eq!(text.trim_end(), message(Lang::Zh).text().trim_end());
    }
}

#[tokio::test]
async fn a_mail_that_is_sent_again_has_the_same_id() {
    let Some(server) = MailServer::find("a_mail_that_is_sent_again_has_the_same_id") else {
        return;
    };
    let to = somebody();
    let settings = [
        ("host", "127.0.0.1"),
        ("port", server.plain_port.as_str()),
        ("tls", "none"),
        ("from", "hcndc@etl.example"),
        ("to", &to),
    ];
    for _ in 0..2 {
        deliver(&settings, "").await.unwrap();
    }
    let mails = server.mails(&to);
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0]["message_id"], mails[1]["message_id"]);
}

#[tokio::test]
async fn refusals_of_a_mail_server_are_told_in_its_words() {
    let Some(server) = MailServer::find("refusals_of_a_mail_server_are_told_in_its_words") else {
        return;
    };
    let good = [
        ("host", "127.0.0.1"),
        ("port", server.port.as_str()),
        ("user", "hcndc"),
        ("ca_file", &server.ca),
        ("from", "hcndc@etl.example"),
        ("to", "a@ops.example"),
    ];
    let with = |name: &'static str, text: &'static str| {
        let mut settings = good.to_vec();
        settings.retain(|(it, _)| *it != name);
        if !text.is_empty() {
            settings.push((name, text));
        }
        settings
    };

    let wrong = deliver(&good, "wrong-secret").await.unwrap_err();
    assert!(matches!(wrong, SendError::Refused { .. }), "{wrong}");
    assert!(wrong.to_string().contains("535"), "{wrong}");
    assert!(!wrong.to_string().contains("wrong-secret"), "{wrong}");

    let to = with("to", "nobody@refused.example");
    let refused = deliver(&to, &server.password).await.unwrap_err();
    assert!(matches!(refused, SendError::Refused { .. }), "{refused}");
    assert!(
        refused.to_string().contains("no such person here"),
        "{refused}"
    );

    let untrusted = deliver(&with("ca_file", ""), &server.password).await;
    let untrusted = untrusted.unwrap_err().to_string();
    assert!(untrusted.contains("certificate"), "{untrusted}");

    // A server that does not offer what is asked of it gets no password.
    let mut bare = with("port", "");
    bare.push(("port", &server.plain_port));
    let bare = deliver(&bare, &server.password).await.unwrap_err();
    assert!(!bare.to_string().contains(&server.password), "{bare}");

    let port = nobody().to_string();
    let mut gone = with("port", "");
    gone.push(("port", &port));
    let gone = deliver(&gone, &server.password).await.unwrap_err();
    assert!(matches!(gone, SendError::Later { .. }), "{gone}");
}

/// How a mail server of the tests goes wrong.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It says nothing more.
    Silent,
    /// It hangs up.
    Dies,
    /// It says this instead, and goes on.
    Says(&'static str),
}

/// A mail server that takes all mails, but goes wrong when this comes; at `""` when anybody comes, at `.` behind the mail.
async fn failing(at: &'static str, fate: Fate) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(BufStream::new(stream), at, fate));
        }
    });
    port
}

async fn converse(mut stream: BufStream<TcpStream>, at: &str, fate: Fate) -> std::io::Result<()> {
    let mut word = String::new();
    loop {
        let said = match (word.as_str(), fate) {
            (word, Fate::Silent) if word == at => {
                stream.read_to_end(&mut Vec::new()).await?;
                return Ok(());
            }
            (word, Fate::Dies) if word == at => return Ok(()),
            (word, Fate::Says(words)) if word == at => words,
            ("", _) => "220 here\r\n",
            ("EHLO", _) => "250-here\r\n250-STARTTLS\r\n250 8BITMIME\r\n",
            ("DATA", _) => "354 go on\r\n",
            ("QUIT", _) => "221 bye\r\n",
            _ => "250 good\r\n",
        };
        stream.write_all(said.as_bytes()).await?;
        stream.flush().await?;
        let is_data = word == "DATA" && said.starts_with("354");
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if !is_data || line == ".\r\n" {
                break;
            }
        }
        word = line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
    }
}

#[tokio::test]
async fn a_mail_server_that_goes_wrong_is_given_up_in_time_and_one_that_has_the_mail_has_it() {
    let late = "has not taken the mail within 1s";
    let to = somebody();
    for (tls, at, fate, expected) in [
        ("none", "", Fate::Silent, Err((true, late))),
        ("tls", "", Fate::Silent, Err((true, late))),
        ("none", "", Fate::Dies, Err((true, ""))),
        ("tls", "", Fate::Dies, Err((true, ""))),
        ("tls", "", Fate::Says("220 no TLS\r\n"), Err((true, ""))),
        ("none", "", Fate::Says("<html>\r\n\r\n"), Err((true, ""))),
        ("none", "EHLO", Fate::Says("\x15\x03\r\n"), Err((true, ""))),
        ("none", "EHLO", Fate::Silent, Err((true, late))),
        ("starttls", "STARTTLS", Fate::Silent, Err((true, late))),
        ("starttls", "STARTTLS", Fate::Dies, Err((true, ""))),
        ("none", "RCPT", Fate::Dies, Err((true, ""))),
        (
            "none",
            "RCPT",
            Fate::Says("451 not now\r\n"),
            Err((true, "not now")),
        ),
        (
            "none",
            "RCPT",
            Fate::Says("550 nobody\r\n"),
            Err((false, "nobody")),
        ),
        ("none", "DATA", Fate::Dies, Err((true, ""))),
        ("none", ".", Fate::Dies, Err((true, ""))),
        ("none", ".", Fate::Silent, Err((true, late))),
        // Sent again it would come twice.
        ("none", "QUIT", Fate::Silent, Ok(())),
        ("none", "QUIT", Fate::Dies, Ok(())),
        ("none", "QUIT", Fate::Says("500 what?\r\n"), Ok(())),
    ] {
        let port = failing(at, fate).await.to_string();
        let settings = [
            ("host", "127.0.0.1"),
            ("port", port.as_str()),
            ("tls", tls),
            ("answer_seconds", "1"),
            ("from", "hcndc@etl.example"),
            ("to", &to),
        ];
        let told = deliver(&settings, "").await;
        let about = format!("{tls}, {at:?} {fate:?}: {told:?}");
        match (told, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err((may_do_later, words))) => {
                let later = matches!(error, SendError::Later { .. });
                assert_eq!(later, may_do_later, "{about}");
                assert!(error.to_string().contains(words), "{about}");
            }
            _ => panic!("{about}"),
        }
    }
}
