//! Buckets of stores that speak S3. A slash in a key parts folders, as everywhere.
//!
//! Requests are signed in their address (AWS Signature Version 4), so no secret is ever sent. Listings are read whatever XML
//! namespace a store gives them: makers differ.

use std::time::Duration;

use chrono::DateTime;
use hcndc_core::{model::FileServer, time::Timestamp};
use percent_encoding::percent_decode_str;
use reqwest::{Client, Response, StatusCode, Url, header::SERVER, redirect::Policy};
use rusty_s3::{Bucket, BucketError, Credentials, S3Action as _, UrlStyle};
use serde::Deserialize;

use super::{Entry, Place, too_many};
use crate::{
    causes::with_causes,
    connect::{
        settings::{Form, Setting, SettingFault, Words},
        tls,
    },
};

/// Options of such a store.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::needed("bucket", Form::Text),
    Setting::optional("region", Form::Text),
    Setting::optional("scheme", Form::Word(&["https", "http"])),
    Setting::optional("addressing", Form::Word(&["path", "host"])),
    Setting::optional("ca_file", Form::Text),
];

/// The region where the options do not say; most other makers' stores take it for theirs.
const REGION: &str = "us-east-1";
/// How long a signature counts. The store's clock may differ by so much, too.
const SIGNED: Duration = Duration::from_secs(300);
/// Entries of one answer, which is the most that stores give.
const PAGE: usize = 1_000;
/// Bytes of one answer: a page of the longest keys, each byte of them encoded, and what stands beside them.
const BYTES: usize = 8 << 20;
/// Characters of a store's words that are told.
const WORDS: usize = 300;

/// A bucket.
pub(super) struct S3 {
    client: Client,
    bucket: Bucket,
    /// `None` for a bucket that asks nobody.
    credentials: Option<Credentials>,
    greeting: String,
}

/// A page of a listing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Listing {
    contents: Vec<Object>,
    common_prefixes: Vec<CommonPrefix>,
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    key: String,
    last_modified: String,
    size: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CommonPrefix {
    prefix: String,
}

/// What a store says when it refuses.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Refusal {
    code: String,
    message: String,
}

impl S3 {
    /// Asks for the first entry of the bucket, which shows whether it is there and whether this user may list it. The store
    /// may think about each answer for so many seconds.
    pub(super) async fn connect(server: &FileServer, answer_seconds: u64) -> Result<Self, String> {
        let credentials = match (&*server.user, server.password.reveal()) {
            ("", "") => None,
            (key, secret) => Some(Credentials::new(key, secret)),
        };
        let config = tls::client_config(server.options.get("ca_file").map(String::as_str));
        let client = Client::builder()
            .tls_backend_preconfigured(config.map_err(|error| error.to_string())?)
            .timeout(Duration::from_secs(answer_seconds))
            // A signed address is for whom it was made out to.
            .redirect(Policy::none())
            .user_agent(concat!("hcndc/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| with_causes(&error.without_url()))?;
        let mut s3 = Self {
            client,
            bucket: bucket(server)?,
            credentials,
            greeting: String::new(),
        };
        let response = s3.ask("", 1, None).await?;
        let said = response.headers().get(SERVER);
        let said = said.and_then(|said| said.to_str().ok());
        s3.greeting = said.unwrap_or("S3").to_owned();
        read(response).await?;
        Ok(s3)
    }

    /// What the store says of itself.
    pub(super) fn greeting(&self) -> String {
        self.greeting.clone()
    }

    /// Asks for what begins with `prefix`, from where another answer ended; an answer that is none is an error.
    async fn ask(&self, prefix: &str, most: usize, from: Option<&str>) -> Result<Response, String> {
        let mut action = self.bucket.list_objects_v2(self.credentials.as_ref());
        action.with_prefix(prefix);
        action.with_delimiter("/");
        action.with_max_keys(most);
        if let Some(from) = from {
            action.with_continuation_token(from);
        }
        let url = action.sign(SIGNED);
        let mut asked = self.client.get(url.clone()).send().await;
        // A connection that was kept may break just when it is used again, for instance because the store lets it go.
        if asked
            .as_ref()
            .is_err_and(|error| !error.is_timeout() && !error.is_connect())
        {
            asked = self.client.get(url).send().await;
        }
        let response = asked.map_err(reason)?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        let body = read(response).await.unwrap_or_default();
        Err(refusal(status, &body))
    }
}

impl Place for S3 {
    async fn list(&mut self, folder: &str, most: usize) -> Result<Option<Vec<Entry>>, String> {
        let mut prefix = folder.trim_start_matches('/').to_owned();
        if !prefix.is_empty() {
            prefix.push('/');
        }
        let mut entries = Vec::new();
        let mut from = None::<String>;
        loop {
            let response = self.ask(&prefix, PAGE, from.as_deref()).await?;
            let listing = listing(&read(response).await?)?;
            listing.put_into(&mut entries, &prefix)?;
            if entries.len() > most {
                return Err(too_many());
            }
            if !listing.is_truncated {
                break;
            }
            let next = listing.next_continuation_token;
            if next.is_none() || next == from {
                return Err("the store does not tell how its listing goes on".to_owned());
            }
            from = next;
        }
        // A folder is there as long as something lies in it.
        Ok((!entries.is_empty()).then_some(entries))
    }
}

impl Listing {
    fn put_into(&self, entries: &mut Vec<Entry>, prefix: &str) -> Result<(), String> {
        let is_encoded = self.encoding_type.as_deref() == Some("url");
        // Where it was told to be encoded, a plus is a space, as in forms.
        let decoded = |text: &str| match is_encoded {
            true => {
                let spaced = text.replace('+', " ");
                let decoded = percent_decode_str(&spaced).decode_utf8();
                decoded.map(String::from).map_err(|_| not_utf8(text))
            }
            false => Ok(text.to_owned()),
        };
        for object in &self.contents {
            let key = decoded(&object.key)?;
            // What does not lie there is none of ours, whatever the store says; an object of the folder's own name is a mark of it.
            let Some(name) = key.strip_prefix(prefix).filter(|name| !name.is_empty()) else {
                continue;
            };
            let modified = DateTime::parse_from_rfc3339(&object.last_modified)
                .map_err(|_| format!("the store tells no time of {key} that can be read"))?;
            entries.push(Entry {
                name: name.to_owned(),
                is_folder: false,
                size: object.size,
                modified: Some(Timestamp::from_micros(modified.timestamp_micros())),
            });
        }
        for folder in &self.common_prefixes {
            let path = decoded(&folder.prefix)?;
            let name = path.strip_prefix(prefix);
            let Some(name) = name.and_then(|name| name.strip_suffix('/')) else {
                continue;
            };
            entries.push(Entry {
                name: name.to_owned(),
                is_folder: true,
                size: 0,
                modified: None,
            });
        }
        Ok(())
    }
}

/// The bucket's address.
fn bucket(server: &FileServer) -> Result<Bucket, String> {
    let option = |name: &str| server.options.get(name).map(String::as_str);
    let region = option("region").unwrap_or(REGION).to_owned();
    let is_amazons = server.host.is_empty();
    let host = match &*server.host {
        "" => format!("s3.{region}.amazonaws.com"),
        // An address of IPv6 has colons of its own.
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let port = server.port.map(|port| format!(":{port}"));
    let scheme = option("scheme").unwrap_or("https");
    let endpoint = format!("{scheme}://{host}{}", port.unwrap_or_default());
    let endpoint = Url::parse(&endpoint);
    let endpoint = endpoint.map_err(|error| format!("host and port are no address: {error}"))?;
    let style = match option("addressing") {
        Some("host") => UrlStyle::VirtualHost,
        None if is_amazons => UrlStyle::VirtualHost,
        _ => UrlStyle::Path,
    };
    let name = option("bucket").unwrap_or_default().to_owned();
    Bucket::new(endpoint, style, name, region)
        .map_err(|error: BucketError| format!("the bucket has no address: {error}"))
}

/// What is wrong with the options beyond their form.
pub(super) fn check(options: &std::collections::BTreeMap<String, String>) -> Vec<SettingFault> {
    let named = options.get("bucket").filter(|name| name.contains('/'));
    let fault = named.map(|_| {
        let why = Words::new(
            "a bucket's name has no slash; folders in it belong into the paths of events",
            "存储桶名不含斜杠；桶内的目录应写在事件的路径中",
        );
        SettingFault::unreadable("bucket".to_owned(), why)
    });
    fault.into_iter().collect()
}

async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        if body.len() + chunk.len() > BYTES {
            return Err(format!("the store answers with more than {BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn listing(body: &[u8]) -> Result<Listing, String> {
    let none = || "it does not answer as an S3 store does".to_owned();
    // Of a document of another kind, all that a listing has would just not be there.
    let text = std::str::from_utf8(body).map_err(|_| none())?;
    if !text.contains("<ListBucketResult") {
        return Err(none());
    }
    quick_xml::de::from_str(text).map_err(|error| format!("{}: {error}", none()))
}

/// What the store says, or what its answer is called.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let said: Refusal = quick_xml::de::from_str(&text).unwrap_or_default();
    let said = match (said.code.is_empty(), said.message.is_empty()) {
        (true, _) => return format!("it answers with {status}"),
        (false, true) => said.code,
        (false, false) => format!("{}: {}", said.code, said.message),
    };
    said.chars().take(WORDS).collect()
}

/// Without the address: it is signed.
fn reason(error: reqwest::Error) -> String {
    match error.is_timeout() {
        true => "no answer in time".to_owned(),
        false => with_causes(&error.without_url()),
    }
}

fn not_utf8(key: &str) -> String {
    format!("the name {key} is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str, prefix: &str) -> Result<Vec<(String, bool)>, String> {
        let mut entries = Vec::new();
        listing(body.as_bytes())?.put_into(&mut entries, prefix)?;
        let told = entries.into_iter().map(|it| (it.name, it.is_folder));
        Ok(told.collect())
    }

    const OBJECT: &str = "<LastModified>2026-11-21T02:00:00.000Z</LastModified><Size>5</Size>";

    #[test]
    fn listings_are_read_whatever_their_namespace_and_encoding() {
        for namespace in [
            "",
            " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"",
            " xmlns=\"http://doc.s3.amazonaws.com/2006-03-01\"",
        ] {
            let body = format!(
                "<?xml version=\"1.0\"?><ListBucketResult{namespace}><Name>b</Name><Contents><Key>in/a+b.csv</Key>{OBJECT}\
                 </Contents><Contents><Key>in/</Key>{OBJECT}</Contents><Contents><Key>elsewhere/c.csv</Key>{OBJECT}</Contents>\
                 <CommonPrefixes><Prefix>in/%E6%97%A5/</Prefix></CommonPrefixes><IsTruncated>false</IsTruncated>"
            );
            let encoded = format!("{body}<EncodingType>url</EncodingType></ListBucketResult>");
            let expected = [("a b.csv".to_owned(), false), ("日".to_owned(), true)];
            assert_eq!(names(&encoded, "in/").unwrap(), expected);
            let plain = format!("{body}</ListBucketResult>");
            let expected = [
                ("a+b.csv".to_owned(), false),
                ("%E6%97%A5".to_owned(), true),
            ];
            assert_eq!(names(&plain, "in/").unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_listing_is_told() {
        for body in ["", "<html></html>", "{}", "<ListBucketResult><Contents>"] {
            let why = names(body, "").unwrap_err();
            assert!(why.starts_with("it does not answer as an S3"), "{why}");
        }
        let body = "<ListBucketResult><Contents><Key>a</Key><LastModified>yesterday</LastModified><Size>5</Size></Contents></ListBucketResult>";
        assert_eq!(
            names(body, "").unwrap_err(),
            "the store tells no time of a that can be read"
        );
    }

    #[test]
    fn refusals_are_told_in_the_stores_words() {
        let body = b"<Error><Code>NoSuchBucket</Code><Message>There is none.</Message><HostId>x</HostId></Error>";
        let status = StatusCode::NOT_FOUND;
        assert_eq!(refusal(status, body), "NoSuchBucket: There is none.");
        let status = StatusCode::BAD_GATEWAY;
        assert_eq!(
            refusal(status, b"<html>"),
            "it answers with 502 Bad Gateway"
        );
    }
}
