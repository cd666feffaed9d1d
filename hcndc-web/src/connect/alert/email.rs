//! E-mail by SMTP.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::model::AlertChannel;
use lettre::{
    message::{Mailbox, Message as Mail, header::ContentType},
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};

use super::{Message, SendError};
use crate::{
    causes::with_causes,
    connect::{
        settings::{self, Form, Setting, SettingFault, Words},
        tls,
    },
};

pub(super) const SETTINGS: &[Setting] = &[
    Setting::needed("host", Form::Text),
    Setting::needed("from", Form::Text),
    Setting::needed("to", Form::Text),
    Setting::optional("cc", Form::Text),
    Setting::optional("port", Form::Port),
    Setting::optional("tls", Form::Word(&["starttls", "tls", "none"])),
    Setting::optional("user", Form::Text),
    Setting::optional("ca_file", Form::Text),
];

/// How long a server may take for a mail, from the connection to its receipt, where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long a server that has the mail may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(10);

/// How a mail server is spoken to.
struct Way {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
}

enum Tls {
    /// From the start.
    Whole(TlsParameters),
    /// After the server has offered it.
    Asked(TlsParameters),
    None,
}

/// Addresses that cannot be any.
pub(super) fn check(settings: &BTreeMap<String, String>) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    for name in ["from", "to", "cc"] {
        for address in addresses(settings, name) {
            if let Err(why) = address {
                faults.push(SettingFault::unreadable(name.to_owned(), why));
            }
        }
    }
    faults
}

/// Addresses are separated by commas or semicolons; each is `a@b` or `Name <a@b>`.
fn addresses<'a>(
    settings: &'a BTreeMap<String, String>,
    name: &str,
) -> impl Iterator<Item = Result<Mailbox, Words>> + use<'a> {
    let text = settings::text(settings, name).unwrap_or_default();
    text.split([',', ';', '，', '；'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let address = part.parse::<Mailbox>();
            address.map_err(|error| {
                Words::new(
                    format!("{part} is no address: {error}"),
                    format!("{part} 不是邮件地址：应为 a@b 或 名称 <a@b>"),
                )
            })
        })
}

/// Hands a message over; the server may take so long for it.
pub(super) async fn send(
    channel: &AlertChannel,
    message: &Message,
    within: Option<Duration>,
) -> Result<(), SendError> {
    let refused = |reason: String| SendError::Refused { reason };
    let mail = mail(channel, message).map_err(refused)?;
    let way = way(channel).map_err(refused)?;
    let host = way.host.clone();
    // The client waits for ever for what a server has to say.
    let within = within.unwrap_or(TIMEOUT);
    let taken = tokio::time::timeout(within, hand_over(way, &mail)).await;
    let mut connection = taken
        .map_err(|_| SendError::Later {
            reason: format!("the mail server {host}: it has not taken the mail within {within:?}"),
            after: None,
        })?
        .map_err(|error| refine(&error, &host))?;
    // It has the mail, however it takes its leave; a failure now would only send the mail again.
    tokio::spawn(async move {
        let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
    });
    Ok(())
}

/// Connects, signs in, and has the mail taken.
async fn hand_over(way: Way, mail: &Mail) -> Result<AsyncSmtpConnection, SmtpError> {
    let hello = ClientId::default();
    let (from_start, asked) = match way.tls {
        Tls::Whole(parameters) => (Some(parameters), None),
        Tls::Asked(parameters) => (None, Some(parameters)),
        Tls::None => (None, None),
    };
    let address = (way.host.as_str(), way.port);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(address, None, &hello, from_start, None).await?;
    if let Some(parameters) = asked {
        connection.starttls(parameters, &hello).await?;
    }
    if let Some(credentials) = &way.credentials {
        connection.auth(DEFAULT_MECHANISMS, credentials).await?;
    }
    connection.send(mail.envelope(), &mail.formatted()).await?;
    Ok(connection)
}

fn mail(channel: &AlertChannel, message: &Message) -> Result<Mail, String> {
    let settings = &channel.settings;
    let mut builder = Mail::builder()
        .subject(message.title())
        // The same for each try, so that who takes a mail whose receipt got lost can tell the second from the first.
        .message_id(Some(format!("<{}@hcndc>", message.delivery)))
        // RFC 3834: no vacation notices, please.
        .header(AutoSubmitted);
    for address in addresses(settings, "from").take(1) {
        builder = builder.from(address.map_err(|why| why.en)?);
    }
    for address in addresses(settings, "to") {
        builder = builder.to(address.map_err(|why| why.en)?);
    }
    for address in addresses(settings, "cc") {
        builder = builder.cc(address.map_err(|why| why.en)?);
    }
    builder
        .header(ContentType::TEXT_PLAIN)
        .body(message.text())
        .map_err(|error| error.to_string())
}

fn way(channel: &AlertChannel) -> Result<Way, String> {
    let settings = &channel.settings;
    let host = settings::text(settings, "host").unwrap_or_default();
    let parameters = || -> Result<TlsParameters, String> {
        let mut builder =
            TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::Default);
        if let Some(path) = settings::text(settings, "ca_file") {
            for certificate in tls::read_authorities(path).map_err(|error| error.to_string())? {
                let certificate = Certificate::from_der(certificate.to_vec());
                builder = builder.add_root_certificate(certificate.map_err(|e| e.to_string())?);
            }
        }
        builder.build_rustls().map_err(|error| error.to_string())
    };
    let (tls, usual_port) = match settings::text(settings, "tls").unwrap_or("starttls") {
        "tls" => (Tls::Whole(parameters()?), 465),
        "none" => (Tls::None, 25),
        _ => (Tls::Asked(parameters()?), 587),
    };
    let port = settings::number(settings, "port", usual_port);
    let credentials = settings::text(settings, "user")
        .map(|user| Credentials::new(user.to_owned(), channel.secret.reveal().to_owned()));
    Ok(Way {
        host: host.to_owned(),
        port: u16::try_from(port).unwrap_or_default(),
        tls,
        credentials,
    })
}

fn refine(error: &SmtpError, host: &str) -> SendError {
    let reason = format!("the mail server {host}: {}", with_causes(error));
    // A code of 5xx is the server's last word; what we cannot even begin, such as to sign in where nothing is offered, too.
    match error.is_permanent() || error.is_client() {
        true => SendError::Refused { reason },
        false => SendError::Later {
            reason,
            after: None,
        },
    }
}

/// `Auto-Submitted: auto-generated`.
#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
