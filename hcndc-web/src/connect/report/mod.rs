//! Who is told of executions once they have ended: collectors of traces, and those that draw lineage.
//!
//! ```text
//! store: ends of executions, in the order of commits
//!          │ behind a mark, which is in the store, too
//!          ▼
//!        Story ──► Report: messages of a bounded size ──► Courier: one after the other, again until they are taken
//! ```
//!
//! All of it is read from what is stored, by the server that leads, and nothing waits for it. What was told and not yet marked
//! is told again, under the same ids, by whoever leads next.

mod courier;
mod ids;
#[cfg(feature = "lineage")]
pub mod lineage;
mod story;
#[cfg(all(test, feature = "traces", feature = "lineage"))]
mod tests;
#[cfg(feature = "traces")]
pub mod traces;

pub use courier::{Courier, Pace};
pub use ids::{Ids, SpanId, TraceId};
pub use story::{RunPart, Story, Upstream};

use std::fmt;

/// Somebody who is told of executions that have ended, by requests over HTTP.
pub trait Report: Send + Sync + fmt::Debug {
    /// What its mark and its figures are called: a word that stays the same.
    fn name(&self) -> &'static str;

    /// Where its messages go.
    fn target(&self) -> &Target;

    /// What is told of a part of an execution, in the order in which it goes out.
    fn messages<'a>(&'a self, story: &'a Story) -> Box<dyn Iterator<Item = Message> + Send + 'a>;
}

/// Where messages go.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub url: String,
    /// What goes with each; may hold secrets.
    pub headers: Vec<(String, String)>,
    /// The media type of each.
    pub media_type: &'static str,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.iter().map(|(name, _)| name);
        f.debug_struct("Target")
            .field("url", &self.url)
            .field("headers", &names.collect::<Vec<_>>())
            .field("media_type", &self.media_type)
            .finish()
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it tells of, for people who read the log.
    pub about: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why nobody can be told there.
#[derive(Debug, thiserror::Error)]
#[error("{option} {url}: {reason}")]
pub struct ReportError {
    option: &'static str,
    url: String,
    reason: String,
}

/// Reads an address that begins as one of these does.
#[cfg(any(feature = "traces", feature = "lineage"))]
fn parse_url(
    option: &'static str,
    url: &str,
    schemes: &[&str],
) -> Result<reqwest::Url, ReportError> {
    let wrong = |reason: String| ReportError {
        option,
        url: url.to_owned(),
        reason,
    };
    let forms = schemes.iter().map(|scheme| format!("{scheme}://HOST"));
    let forms = forms.collect::<Vec<_>>().join(", ");
    let parsed = reqwest::Url::parse(url);
    let parsed = parsed.map_err(|error| wrong(format!("{error}; give {forms}")))?;
    if !schemes.contains(&parsed.scheme()) || parsed.host_str().is_none_or(str::is_empty) {
        return Err(wrong(format!("it is none of the form {forms}")));
    }
    Ok(parsed)
}
