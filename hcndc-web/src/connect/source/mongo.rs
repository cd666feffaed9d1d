//! MongoDB.
//!
//! A query is a command as a document of JSON (extended JSON for what JSON has no types for): `find`, `aggregate`, `count` or
//! `distinct`, which only read, but for two stages of `aggregate` that are refused here. Of what it gives the first document
//! is the row; fields of documents in it are columns, too, with points in their names.

use std::time::Duration;

use hcndc_core::{engine::ResolveErrorKind, model::DataSource};
use mongodb::{
    Database,
    bson::{Bson, Document, doc},
    error::{Error, ErrorKind},
    options::{
        ClientOptions, Credential, ReadPreference, SelectionCriteria, ServerAddress, Tls,
        TlsOptions,
    },
};

use super::{
    AskError, GRACE,
    row::{Cell, Row},
};
use crate::connect::settings;

/// Where commands go that name no database.
const DATABASE: &str = "test";
/// How deep fields of fields are columns.
const DEEPEST: usize = 8;

/// Codes of a server that goes down, or of one that is no more the one to ask.
const GOING: &[i32] = &[91, 189, 10_107, 11_600, 11_602, 13_435, 13_436];
/// "operation exceeded time limit".
const LATE: i32 = 50;

/// A server, or a set of them.
pub(super) struct Client {
    database: Database,
}

impl Client {
    /// Finds the server and signs in.
    pub(super) async fn connect(source: &DataSource) -> Result<Self, AskError> {
        let options = options(source).await?;
        let client = mongodb::Client::with_options(options).map_err(|error| of_connect(&error))?;
        let name = match source.database.as_str() {
            "" => DATABASE,
            name => name,
        };
        let database = client.database(name);
        // Nothing is connected to before the first command.
        let signed_in = database.run_command(doc! { "ping": 1 }).await;
        signed_in.map_err(|error| of_connect(&error))?;
        Ok(Self { database })
    }

    pub(super) async fn ask(
        &self,
        query: &str,
        timeout: Duration,
    ) -> Result<Option<Row>, AskError> {
        let (of, command) = command(query, timeout)?;
        let asked = self.database.run_command(command).selection_criteria(
            SelectionCriteria::ReadPreference(ReadPreference::PrimaryPreferred { options: None }),
        );
        let answer = asked.await.map_err(|error| of_query(&error))?;
        first(of, &answer)
    }

    /// The server's version, in its own words.
    pub(super) async fn version(&self) -> Result<String, AskError> {
        let answer = self.database.run_command(doc! { "buildInfo": 1 }).await;
        let answer = answer.map_err(|error| of_query(&error))?;
        let version = answer.get_str("version").unwrap_or("of an unknown version");
        Ok(format!("MongoDB {version}"))
    }
}

async fn options(source: &DataSource) -> Result<ClientOptions, AskError> {
    let set = &source.options;
    let is_srv = settings::flag(set, "srv");
    let mut options = match is_srv {
        true => {
            let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_');
            if !source.host.chars().all(is_plain) {
                let reason = "with srv the host must be a name in the DNS";
                return Err(AskError::new(ResolveErrorKind::Other, reason));
            }
            // Asks the DNS for the servers and their options.
            let address = format!("mongodb+srv://{}/", source.host);
            let found = ClientOptions::parse(address).await;
            found.map_err(|error| of_connect(&error))?
        }
        false => {
            let mut options = ClientOptions::default();
            options.hosts = vec![ServerAddress::Tcp {
                host: source.host.clone(),
                port: source.port,
            }];
            options
        }
    };
    options.app_name = Some("hcndc".to_owned());
    options.max_pool_size = Some(1);
    // Before connecting is given up as a whole, so that the reason is told.
    let within = Duration::from_secs(settings::number(set, "connect_seconds", 10)).mul_f32(0.8);
    options.connect_timeout = Some(within);
    options.server_selection_timeout = Some(within);
    if let Some(name) = settings::text(set, "replica_set") {
        options.repl_set_name = Some(name.to_owned());
    }
    if !source.user.is_empty() {
        let database = settings::text(set, "auth_source").unwrap_or("admin");
        options.credential = Some(
            Credential::builder()
                .username(source.user.clone())
                .password(source.password.reveal().to_owned())
                .source(database.to_owned())
                .build(),
        );
    }
    let mut checked = TlsOptions::default();
    checked.ca_file_path = settings::text(set, "ca_file").map(Into::into);
    options.tls = match settings::text(set, "tls") {
        Some("require") => {
            checked.ca_file_path = None;
            checked.allow_invalid_certificates = Some(true);
            Some(Tls::Enabled(checked))
        }
        Some("verify_full") => Some(Tls::Enabled(checked)),
        Some(_) => Some(Tls::Disabled),
        None if is_srv => Some(Tls::Enabled(checked)),
        None => Some(Tls::Disabled),
    };
    Ok(options)
}

/// What a command gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gives {
    /// Documents, by a cursor.
    Documents,
    /// How many.
    Count,
    /// Values.
    Values,
}

/// A query as a command that only reads and gives one document, where it gives documents.
fn command(query: &str, timeout: Duration) -> Result<(Gives, Document), AskError> {
    let refused = |reason: String| AskError::new(ResolveErrorKind::Refused, reason);
    let mut command: Document = serde_json::from_str(query)
        .map_err(|error| refused(format!("the query is no document of JSON: {error}")))?;
    let of = match command.keys().next().map(String::as_str) {
        Some("find" | "aggregate") => Gives::Documents,
        Some("count") => Gives::Count,
        Some("distinct") => Gives::Values,
        _ => {
            let reason = "a data source of MongoDB answers find, aggregate, count and distinct, which come first in the \
                          query: {\"find\": \"orders\", \"filter\": {…}}";
            return Err(refused(reason.to_owned()));
        }
    };
    if let Some(stage) = writing(&Bson::Document(command.clone())) {
        return Err(refused(format!("{stage} writes, which no query may")));
    }
    if command.contains_key("find") {
        command.insert("limit", 1);
        command.insert("singleBatch", true);
        command.remove("batchSize");
    } else if command.contains_key("aggregate") {
        let pipeline = command
            .get_array_mut("pipeline")
            .map_err(|_| refused("aggregate needs a list of stages as pipeline".to_owned()))?;
        pipeline.push(Bson::Document(doc! { "$limit": 1 }));
        // More than there are, so that no cursor stays open.
        command.insert("cursor", doc! { "batchSize": 2 });
    }
    let limit = timeout.saturating_add(GRACE).as_millis();
    let limit = i64::try_from(limit)
        .unwrap_or(i64::MAX)
        .min(i32::MAX.into());
    command.insert("maxTimeMS", limit);
    Ok((of, command))
}

/// A stage that writes, wherever it stands.
fn writing(value: &Bson) -> Option<&'static str> {
    match value {
        Bson::Document(document) => document.iter().find_map(|(key, value)| match key.as_str() {
            "$out" => Some("$out"),
            "$merge" => Some("$merge"),
            _ => writing(value),
        }),
        Bson::Array(values) => values.iter().find_map(writing),
        _ => None,
    }
}

/// The row in an answer.
fn first(of: Gives, answer: &Document) -> Result<Option<Row>, AskError> {
    let garbled = |_| AskError::unreachable("the server's answer has no result");
    let mut row = Row::default();
    match of {
        Gives::Documents => {
            let cursor = answer.get_document("cursor").map_err(garbled)?;
            let documents = cursor.get_array("firstBatch").map_err(garbled)?;
            match documents.first() {
                Some(Bson::Document(document)) => read(document, &mut row),
                Some(_) => return Err(AskError::unreachable("the server's answer has no result")),
                None => return Ok(None),
            }
        }
        Gives::Count => row.push("n", cell(answer.get("n").unwrap_or(&Bson::Null))),
        Gives::Values => match answer.get_array("values").map_err(garbled)?.first() {
            Some(value) => row.push("value", cell(value)),
            None => return Ok(None),
        },
    }
    Ok(Some(row))
}

/// Fields as columns: `_id` behind the others, for it is there unless it is asked not to be; and deeper ones at the end.
fn read(document: &Document, row: &mut Row) {
    let (ids, others): (Vec<_>, Vec<_>) = document.iter().partition(|(name, _)| *name == "_id");
    for (name, value) in others.iter().chain(&ids) {
        row.push(name.as_str(), cell(value));
    }
    for (name, value) in others.iter().chain(&ids) {
        deeper(name, value, DEEPEST, row);
    }
}

fn deeper(path: &str, value: &Bson, left: usize, row: &mut Row) {
    let (Bson::Document(document), Some(left)) = (value, left.checked_sub(1)) else {
        return;
    };
    for (name, value) in document {
        let path = format!("{path}.{name}");
        row.push(path.as_str(), cell(value));
        deeper(&path, value, left, row);
    }
}

/// A value as a text: as shells write it, documents and lists as extended JSON.
fn cell(value: &Bson) -> Cell {
    Cell::Text(match value {
        Bson::Null | Bson::Undefined => return Cell::Null,
        Bson::String(text) | Bson::Symbol(text) | Bson::JavaScriptCode(text) => text.clone(),
        Bson::Double(number) => number.to_string(),
        Bson::Int32(number) => number.to_string(),
        Bson::Int64(number) => number.to_string(),
        Bson::Decimal128(number) => number.to_string(),
        Bson::Boolean(flag) => flag.to_string(),
        Bson::ObjectId(id) => id.to_hex(),
        Bson::DateTime(time) => match time.try_to_rfc3339_string() {
            Ok(text) => text,
            Err(error) => return Cell::Unreadable(error.to_string()),
        },
        Bson::Binary(_) => return Cell::Unreadable("binary data are no text".to_owned()),
        other => match serde_json::to_string(other) {
            Ok(text) => text,
            Err(error) => return Cell::Unreadable(error.to_string()),
        },
    })
}

fn of_connect(error: &Error) -> AskError {
    match &*error.kind {
        ErrorKind::InvalidArgument { .. } | ErrorKind::InvalidTlsConfig { .. } => {
            AskError::new(ResolveErrorKind::Other, error.to_string())
        }
        _ => AskError::unreachable(error.to_string()),
    }
}

fn of_query(error: &Error) -> AskError {
    let kind = match &*error.kind {
        ErrorKind::Command(said) if GOING.contains(&said.code) => ResolveErrorKind::Unreachable,
        ErrorKind::Command(said) if said.code == LATE => ResolveErrorKind::TimedOut,
        ErrorKind::Command(_) => ResolveErrorKind::Refused,
        ErrorKind::Io(_)
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::Authentication { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::InvalidResponse { .. }
        | ErrorKind::BsonDeserialization(_)
        | ErrorKind::Bson(_) => ResolveErrorKind::Unreachable,
        _ => ResolveErrorKind::Other,
    };
    AskError::new(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use hcndc_core::model::ValueType;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(4);

    #[test]
    fn a_command_that_reads_is_bounded() {
        let (of, command_) =
            command(r#"{"find": "t", "limit": 9, "batchSize": 3}"#, LIMIT).unwrap();
        assert_eq!(of, Gives::Documents);
        assert_eq!(
            command_,
            doc! { "find": "t", "limit": 1, "singleBatch": true, "maxTimeMS": 5_000_i64 }
        );
        let (_, command_) = command(
            r#"{"aggregate": "t", "pipeline": [{"$match": {"d": {"$date": "2026-11-21T00:00:00Z"}}}]}"#,
            LIMIT,
        )
        .unwrap();
        let pipeline = command_.get_array("pipeline").unwrap();
        assert_eq!(pipeline[1], Bson::Document(doc! { "$limit": 1 }));
        let day = pipeline[0].as_document().unwrap().get_document("$match");
        assert!(matches!(day.unwrap().get("d"), Some(Bson::DateTime(_))));
    }

    #[test]
    fn what_writes_or_is_something_else_is_no_query() {
        for bad in [
            "",
            "SELECT 1",
            "{}",
            "[]",
            r#"{"insert": "t", "documents": []}"#,
            r#"{"drop": "t", "find": "t"}"#,
            r#"{"aggregate": "t", "pipeline": [{"$out": "u"}]}"#,
            r#"{"aggregate": "t", "pipeline": [{"$merge": {"into": "u"}}]}"#,
            r#"{"aggregate": "t", "pipeline": [{"$unionWith": {"coll": "v", "pipeline": [{"$out": "u"}]}}]}"#,
            r#"{"aggregate": "t"}"#,
            r#"{"mapReduce": "t"}"#,
        ] {
            let error = command(bad, LIMIT).unwrap_err();
            assert_eq!(error.kind, ResolveErrorKind::Refused, "{bad}: {error}");
        }
    }

    #[test]
    fn fields_are_columns_and_the_id_is_not_the_first() {
        let answer = doc! { "cursor": { "firstBatch": [{
            "_id": 1, "day": mongodb::bson::DateTime::from_millis(1_700_000_000_123), "n": { "a": { "b": 2.5 } }, "l": [1],
            "no": Bson::Null,
        }] } };
        let row = first(Gives::Documents, &answer).unwrap().unwrap();
        for (column, expected) in [
            (None, "2023-11-14T22:13:20.123Z"),
            (Some("_id"), "1"),
            (Some("n.a.b"), "2.5"),
            (Some("n"), r#"{"a":{"b":2.5}}"#),
            (Some("l"), "[1]"),
        ] {
            let found = row.value(column, ValueType::Text);
            assert_eq!(found.as_deref(), Ok(expected), "{column:?}");
        }
        let none = row.value(Some("no"), ValueType::Text).unwrap_err();
        assert_eq!(none.kind, ResolveErrorKind::NoRow);
        let none = doc! { "cursor": { "firstBatch": [] } };
        assert_eq!(first(Gives::Documents, &none), Ok(None));
        let alone = doc! { "cursor": { "firstBatch": [{ "_id": "x" }] } };
        let row = first(Gives::Documents, &alone).unwrap().unwrap();
        assert_eq!(row.value(None, ValueType::Text).as_deref(), Ok("x"));
        let count = first(Gives::Count, &doc! { "n": 3 }).unwrap().unwrap();
        assert_eq!(
            count.value(Some("n"), ValueType::Integer).as_deref(),
            Ok("3")
        );
    }
}
