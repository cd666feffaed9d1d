//! Bodies of requests: bounded in size and time, and refused with all of their faults.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{StreamExt as _, stream::BoxStream};
use serde::{Serialize, de::DeserializeOwned};
use warp::http::{HeaderMap, header};

use super::problem::{Blame, Problem};
use crate::interchange::read_json_object;

/// Bytes of a body, but for those of mesh files.
const LIMIT: usize = 1 << 20;
/// Bytes of one that holds a graph, or an edit of many definitions.
const LARGE: usize = 16 << 20;
/// Longest silence in a body.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body that was not read yet.
pub(super) struct Body {
    media_type: Option<String>,
    length: Option<u64>,
    stream: BoxStream<'static, Result<Bytes, warp::Error>>,
}

impl Body {
    pub(super) fn new<B: Buf + 'static>(
        headers: &HeaderMap,
        stream: BoxStream<'static, Result<B, warp::Error>>,
    ) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let media_type = text(header::CONTENT_TYPE)
            .and_then(|value| value.split(';').next())
            .map(|value| value.trim().to_ascii_lowercase());
        Self {
            media_type,
            length: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            stream: stream
                .map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining())))
                .boxed(),
        }
    }

    /// The bytes, if they are of one of these media types and not too many.
    ///
    /// # Errors
    /// [`Problem::UnsupportedMediaType`], and what can befall a body on its way.
    pub(super) async fn bytes(
        mut self,
        media_types: &[&str],
        expected: &'static str,
        limit: usize,
    ) -> Result<Bytes, Problem> {
        let fits = |given: &String| media_types.contains(&given.as_str());
        if !self.media_type.as_ref().is_some_and(fits) {
            return Err(Problem::UnsupportedMediaType { expected });
        }
        self.collect(limit).await
    }

    /// The bytes, whatever they are.
    ///
    /// # Errors
    /// What can befall a body on its way.
    pub(super) async fn raw(mut self, limit: usize) -> Result<Bytes, Problem> {
        self.collect(limit).await
    }

    async fn collect(&mut self, limit: usize) -> Result<Bytes, Problem> {
        if self.length.is_some_and(|length| length > limit as u64) {
            return Err(Problem::BodyTooLarge { limit });
        }
        let mut bytes = BytesMut::new();
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            match next.map_err(|_| Problem::BodyTimeout)? {
                None => return Ok(bytes.freeze()),
                Some(Err(_)) => return Err(Problem::BodyBroken),
                Some(Ok(chunk)) if bytes.len() + chunk.len() > limit => {
                    return Err(Problem::BodyTooLarge { limit });
                }
                Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            }
        }
    }

    /// The JSON object that it is; nothing at all counts as `{}`.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes), and [`Problem::BadBody`] with all faults.
    pub(super) async fn json<T: DeserializeOwned>(
        self,
        required: &[&'static str],
    ) -> Result<T, Problem> {
        parse(&self.json_bytes().await?, required)
    }

    /// As [`json`](Self::json), for graphs and edits of many, which may be larger.
    ///
    /// # Errors
    /// As for [`json`](Self::json).
    pub(super) async fn large_json<T: DeserializeOwned>(self) -> Result<T, Problem> {
        let media_type = "application/json";
        parse(&self.bytes(&[media_type], media_type, LARGE).await?, &[])
    }

    /// The bytes of a JSON object.
    pub(super) async fn json_bytes(self) -> Result<Bytes, Problem> {
        self.bytes(&["application/json"], "application/json", LIMIT)
            .await
    }

    /// As [`json`](Self::json), for requests that need no body: without one, its media type does not matter.
    pub(super) async fn optional_json<T: DeserializeOwned>(self) -> Result<T, Problem> {
        parse(&self.optional_json_bytes().await?, &[])
    }

    /// As [`json_bytes`](Self::json_bytes), for requests that need no body.
    pub(super) async fn optional_json_bytes(mut self) -> Result<Bytes, Problem> {
        if self.length.is_none_or(|length| length == 0) && self.media_type.is_none() {
            return match self.collect(0).await {
                Err(Problem::BodyTooLarge { .. }) => Err(Problem::UnsupportedMediaType {
                    expected: "application/json",
                }),
                collected => collected,
            };
        }
        self.json_bytes().await
    }

    /// A JSON merge patch (RFC 7396).
    ///
    /// # Errors
    /// As for [`json`](Self::json).
    pub(super) async fn patch(self) -> Result<Patch, Problem> {
        let expected = "application/merge-patch+json";
        let bytes = self
            .bytes(&[expected, "application/json"], expected, LIMIT)
            .await?;
        // Read as an object first: its faults are told with their places.
        let serde_json::Value::Object(patch) = parse(&bytes, &[])? else {
            return Err(Problem::BadBody(Vec::new()));
        };
        Ok(Patch(patch))
    }
}

/// Reads a JSON object.
pub(super) fn parse<T: DeserializeOwned>(
    bytes: &[u8],
    required: &[&'static str],
) -> Result<T, Problem> {
    let empty = bytes.iter().all(u8::is_ascii_whitespace);
    let bytes = if empty { b"{}" } else { bytes };
    read_json_object("body", bytes, required)
        .map_err(|faults| Problem::BadBody(Blame::of_faults(faults)))
}

/// A change to a definition: what it names is replaced, and what it makes null is put back to its default.
#[derive(Debug)]
pub(super) struct Patch(serde_json::Map<String, serde_json::Value>);

impl From<serde_json::Map<String, serde_json::Value>> for Patch {
    fn from(fields: serde_json::Map<String, serde_json::Value>) -> Self {
        Self(fields)
    }
}

impl Patch {
    /// Whether it says anything of a field.
    pub(super) fn names(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// What becomes of a JSON value.
    pub(super) fn onto(&self, mut target: serde_json::Value) -> serde_json::Value {
        merge(&mut target, &serde_json::Value::Object(self.0.clone()));
        target
    }

    /// What becomes of a definition.
    ///
    /// # Errors
    /// [`Problem::BadBody`] if it is none any more. Faults have no position: what they are about was never written.
    pub(super) fn apply<T: Serialize + DeserializeOwned>(
        &self,
        target: &T,
        required: &[&'static str],
    ) -> Result<T, Problem> {
        reread(self.onto(to_value(target)?), required)
    }

    /// As [`apply`](Self::apply), with each field that it names replaced as a whole: so entries of a map can be put in
    /// another order, and go without being named.
    ///
    /// # Errors
    /// As for [`apply`](Self::apply).
    pub(super) fn replace_fields<T: Serialize + DeserializeOwned>(
        self,
        target: &T,
        required: &[&'static str],
    ) -> Result<T, Problem> {
        let mut target = to_value(target)?;
        if let Some(fields) = target.as_object_mut() {
            for (field, value) in self.0 {
                match value.is_null() {
                    true => drop(fields.shift_remove(&field)),
                    false => drop(fields.insert(field, value)),
                }
            }
        }
        reread(target, required)
    }
}

fn to_value<T: Serialize>(definition: &T) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(definition).map_err(|error| {
        tracing::error!(%error, "a definition cannot be written as JSON");
        Problem::Internal
    })
}

fn reread<T: DeserializeOwned>(
    value: serde_json::Value,
    required: &[&'static str],
) -> Result<T, Problem> {
    let text = value.to_string();
    parse(text.as_bytes(), required).map_err(|problem| match problem {
        Problem::BadBody(mut blames) => {
            blames.iter_mut().for_each(|blame| blame.position = None);
            Problem::BadBody(blames)
        }
        other => other,
    })
}

/// RFC 7396, section 2.
fn merge(target: &mut serde_json::Value, patch: &serde_json::Value) {
    let serde_json::Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = serde_json::Value::Object(serde_json::Map::new());
    }
    let Some(target) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.shift_remove(key);
        } else {
            merge(
                target.entry(key.clone()).or_insert(serde_json::Value::Null),
                value,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn merging_does_what_the_standard_shows() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ];
        for (mut target, patch, expected) in cases {
            merge(&mut target, &patch);
            assert_eq!(target, expected, "{patch}");
        }
    }
}
