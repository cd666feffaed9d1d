//! Webhooks: what an outside system sends, and which flows that starts.

use alloc::{format, string::String, vec::Vec};

use chrono_tz::Tz;

use super::{DefinitionError, FlowRef, Param, Revision, Secret};
use crate::id::{FlowId, WebhookId};

/// A way in for outside systems (Webhook): each delivery that is signed with its secret and passes its filter starts its flows once.
///
/// Whoever receives deliveries checks, filters and reads them; the engine sees an ordinary start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Webhook {
    /// Given by the engine.
    pub id: WebhookId,
    /// Unique among webhooks; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// One that is not enabled starts nothing; its deliveries are refused.
    pub enabled: bool,
    /// What it starts, all in one execution; sorted, not empty.
    pub flows: Vec<FlowId>,
    /// With all flows downstream of them.
    pub downstream: bool,
    /// How deliveries are signed.
    pub scheme: HookScheme,
    /// With what: one secret, or two separated by white space, both valid, while one takes the place of the other. Empty refuses
    /// every delivery.
    pub secret: Secret,
    /// With [`HookScheme::Body`]: the header that holds the signature.
    pub signature_header: String,
    /// With [`HookScheme::Body`]: the header whose value tells deliveries apart. A delivery without it is known by its body.
    pub delivery_header: String,
    /// What must hold of a body for it to start something: all of them; 64 at most.
    pub filter: Vec<HookCondition>,
    /// Where the data date stands in the body, as a JSON pointer (RFC 6901); `None`: it counts from the day of arrival.
    pub date_at: Option<String>,
    /// Form of the date there as of `strftime`; more may follow it.
    pub date_format: String,
    /// Whose clock tells the day of arrival.
    pub zone: Tz,
    /// Days from the day of arrival to the data date, -366 to 366; -1 is the day before.
    pub date_offset: i32,
    /// Params of the execution: the value of each is a JSON pointer to where it stands in the body.
    pub params: Vec<Param>,
    /// Version, and who made it.
    pub revision: Revision,
}

/// How deliveries are signed: HMAC-SHA256 in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum HookScheme {
    /// As the Standard Webhooks specification says: id, time and body are signed, so that nobody can send a delivery again
    /// later or under another id.
    #[default]
    Standard,
    /// The body alone, in hexadecimal digits, with or without `sha256=` before them, as GitHub and others do. What somebody has
    /// overheard can be sent again under another id.
    Body,
}

/// Something that must hold of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HookCondition {
    /// Where to look, as a JSON pointer (RFC 6901); empty for the whole body.
    pub at: String,
    /// What must hold of what is there.
    pub is: HookTest,
    /// What it is compared with; any of them will do. Numbers, `true` and `false` are compared as JSON writes them.
    pub values: Vec<String>,
}

/// What must hold of a place in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum HookTest {
    /// It is one of the values.
    Equals,
    /// It is there, and none of the values.
    Differs,
    /// It fits one of the values, in which `*` is any text and `?` any character.
    Matches,
    /// It is there, and not null; needs no values.
    Exists,
    /// It is not there, or null; needs no values.
    Absent,
}

impl HookTest {
    /// Whether it compares with values.
    #[must_use]
    pub const fn takes_values(self) -> bool {
        match self {
            Self::Equals | Self::Differs | Self::Matches => true,
            Self::Exists | Self::Absent => false,
        }
    }
}

impl Webhook {
    /// The header of signatures that most senders use.
    pub const SIGNATURE_HEADER: &'static str = "X-Hub-Signature-256";
    /// The header of ids that GitHub uses.
    pub const DELIVERY_HEADER: &'static str = "X-GitHub-Delivery";
    /// The form of dates that most systems write.
    pub const DATE_FORMAT: &'static str = "%Y-%m-%d";
    /// Conditions at most.
    pub const MOST_CONDITIONS: usize = 64;
}

/// A [`Webhook`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on Webhook")]
pub struct WebhookDraft {
    /// `None` makes a new one.
    pub id: Option<WebhookId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub enabled: bool,
    pub flows: Vec<FlowRef>,
    pub downstream: bool,
    pub scheme: HookScheme,
    /// `None` keeps the one that it has, none for a new one.
    pub secret: Option<Secret>,
    pub signature_header: String,
    pub delivery_header: String,
    pub filter: Vec<HookCondition>,
    pub date_at: Option<String>,
    pub date_format: String,
    pub zone: Tz,
    pub date_offset: i32,
    pub params: Vec<Param>,
}

/// As it is, to be changed; the secret stays.
impl From<&Webhook> for WebhookDraft {
    fn from(it: &Webhook) -> Self {
        Self {
            id: Some(it.id),
            version: Some(it.revision.version),
            name: it.name.clone(),
            directory: it.directory.clone(),
            description: it.description.clone(),
            enabled: it.enabled,
            flows: it.flows.iter().copied().map(FlowRef::Id).collect(),
            downstream: it.downstream,
            scheme: it.scheme,
            secret: None,
            signature_header: it.signature_header.clone(),
            delivery_header: it.delivery_header.clone(),
            filter: it.filter.clone(),
            date_at: it.date_at.clone(),
            date_format: it.date_format.clone(),
            zone: it.zone,
            date_offset: it.date_offset,
            params: it.params.clone(),
        }
    }
}

impl WebhookDraft {
    /// A new enabled webhook of this name that starts these flows for the day before a delivery, in UTC.
    #[must_use]
    pub fn new(name: impl Into<String>, flows: impl IntoIterator<Item = FlowRef>) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            enabled: true,
            flows: flows.into_iter().collect(),
            downstream: false,
            scheme: HookScheme::default(),
            secret: None,
            signature_header: Webhook::SIGNATURE_HEADER.into(),
            delivery_header: Webhook::DELIVERY_HEADER.into(),
            filter: Vec::new(),
            date_at: None,
            date_format: Webhook::DATE_FORMAT.into(),
            zone: Tz::UTC,
            date_offset: -1,
            params: Vec::new(),
        }
    }

    /// What is wrong with its headers, places and conditions, by field: as far as that can be told without other definitions.
    #[must_use]
    pub fn faults(&self) -> Vec<(String, DefinitionError)> {
        let mut faults = Vec::new();
        for (field, header) in [
            ("signature_header", &self.signature_header),
            ("delivery_header", &self.delivery_header),
        ] {
            if !is_header(header) {
                let value = header.clone();
                faults.push((field.into(), DefinitionError::BadHeader { value }));
            }
        }
        let (count, max) = (self.filter.len(), Webhook::MOST_CONDITIONS);
        if count > max {
            faults.push(("filter".into(), DefinitionError::TooMany { count, max }));
        }
        let mut pointer = |field: String, pointer: &str| {
            if !is_pointer(pointer) {
                let value = pointer.into();
                faults.push((field, DefinitionError::BadPointer { value }));
            }
        };
        for (index, condition) in self.filter.iter().enumerate() {
            pointer(format!("filter[{index}].at"), &condition.at);
        }
        if let Some(place) = &self.date_at {
            pointer("date_at".into(), place);
        }
        for param in &self.params {
            pointer(format!("params.{}", param.name), &param.value);
        }
        for (index, condition) in self.filter.iter().enumerate() {
            let field = format!("filter[{index}].values");
            if condition.is.takes_values() && condition.values.is_empty() {
                faults.push((field, DefinitionError::Empty));
            } else if condition.values.iter().any(|value| value.contains('\0')) {
                faults.push((field, DefinitionError::Nul));
            }
        }
        faults
    }
}

/// A name that a header can have (RFC 9110, 5.6.2).
fn is_header(name: &str) -> bool {
    let token = |it: char| it.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(it);
    (1..=255).contains(&name.len()) && name.chars().all(token)
}

/// RFC 6901: nothing, or parts that each begin with a slash; after `~` only `0` and `1` mean something.
fn is_pointer(pointer: &str) -> bool {
    (pointer.is_empty() || pointer.starts_with('/'))
        && pointer
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
        && !pointer.contains('\0')
}
