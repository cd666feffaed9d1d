//! Webhooks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use hcndc_core::model::Webhook;

use super::{is_no, is_root_directory, is_yes, root_directory, yes};
use crate::interchange::text_map::TextMap;

/// A way in for outside systems: each delivery that is signed with its secret and passes its filter starts its flows once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshWebhook {
    /// Unique name: 1 to 255 characters, no control characters, no space at either end.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// Text for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Slash path under which pages file it. Default: `/`.
    #[serde(default = "root_directory", skip_serializing_if = "is_root_directory")]
    #[schemars(regex(pattern = r"^/"))]
    pub directory: String,
    /// Whether its deliveries are taken. Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Names of the flows that a delivery starts, all in one execution; at least one.
    #[schemars(length(min = 1))]
    pub flows: Vec<String>,
    /// With all flows downstream of them. Default: false.
    #[serde(default, skip_serializing_if = "is_no")]
    pub downstream: bool,
    /// How deliveries are signed. Default: `standard`.
    #[serde(default, skip_serializing_if = "is_standard")]
    pub scheme: MeshHookScheme,
    /// What they are signed with; two, with a space between, are both valid while one takes the place of the other. Each has 16
    /// characters or more. Default: the one that is stored under this name, if any; without one no delivery is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// With scheme `body`: the header that holds the signature. Default: `X-Hub-Signature-256`.
    #[serde(
        default = "signature_header",
        skip_serializing_if = "is_signature_header"
    )]
    #[schemars(length(min = 1, max = 255))]
    pub signature_header: String,
    /// With scheme `body`: the header whose value tells deliveries apart; one without it is known by its body. Default:
    /// `X-GitHub-Delivery`.
    #[serde(
        default = "delivery_header",
        skip_serializing_if = "is_delivery_header"
    )]
    #[schemars(length(min = 1, max = 255))]
    pub delivery_header: String,
    /// What must hold of a body for it to start something: all of them. Default: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub filter: Vec<MeshHookCondition>,
    /// JSON pointer to the data date in the body. Default: none; the date counts from the day of arrival.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_at: Option<String>,
    /// `strftime` form of the date there; more may follow it. Default: `%Y-%m-%d`.
    #[serde(default = "date_format", skip_serializing_if = "is_date_format")]
    pub date_format: String,
    /// IANA time zone of the day of arrival. Default: the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Days from the day of arrival to the data date: -366 to 366. Default: -1.
    #[serde(default = "day_before", skip_serializing_if = "is_day_before")]
    #[schemars(range(min = -366, max = 366))]
    pub date_offset: i32,
    /// Params of the execution: to each name the JSON pointer to its value in the body. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub params: TextMap,
}

/// How deliveries are signed, with HMAC-SHA256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeshHookScheme {
    /// As the Standard Webhooks specification says: id, time and body.
    #[default]
    Standard,
    /// The body alone, in hexadecimal digits, as GitHub does.
    Body,
}

/// Something that must hold of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshHookCondition {
    /// JSON pointer to what is looked at; empty for the whole body.
    pub at: String,
    /// What must hold of it. Default: `equals`.
    #[serde(default, skip_serializing_if = "is_equals")]
    pub is: MeshHookTest,
    /// What it is compared with; any of them will do. Numbers, `true` and `false` count as JSON writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// What must hold of a place in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeshHookTest {
    /// It is one of the values.
    #[default]
    Equals,
    /// It is there, and none of the values.
    Differs,
    /// It fits one of the values, in which `*` is any text and `?` any character.
    Matches,
    /// It is there, and not null.
    Exists,
    /// It is not there, or null.
    Absent,
}

fn is_standard(scheme: &MeshHookScheme) -> bool {
    *scheme == MeshHookScheme::Standard
}

fn is_equals(test: &MeshHookTest) -> bool {
    *test == MeshHookTest::Equals
}

fn signature_header() -> String {
    Webhook::SIGNATURE_HEADER.to_owned()
}

fn is_signature_header(text: &str) -> bool {
    text == Webhook::SIGNATURE_HEADER
}

fn delivery_header() -> String {
    Webhook::DELIVERY_HEADER.to_owned()
}

fn is_delivery_header(text: &str) -> bool {
    text == Webhook::DELIVERY_HEADER
}

fn date_format() -> String {
    Webhook::DATE_FORMAT.to_owned()
}

fn is_date_format(text: &str) -> bool {
    text == Webhook::DATE_FORMAT
}

const fn day_before() -> i32 {
    -1
}

const fn is_day_before(days: &i32) -> bool {
    *days == -1
}
