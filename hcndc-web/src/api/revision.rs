//! What all definitions have in common when they are told.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::model::{Param, Revision};
use serde::Serialize;
use utoipa::ToSchema;

use crate::interchange::{Span, TextMap};

/// Who made which version, and when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub(super) struct RevisionDto {
    /// 1 for a new definition, one more at each change.
    #[schema(example = 3)]
    pub(super) version: u32,
    /// When it was made.
    #[schema(example = "2026-11-21T18:00:00.000250Z")]
    created_at: String,
    /// Who made it.
    created_by: String,
    /// When it was last changed.
    #[schema(example = "2026-11-21T18:00:00.000250Z")]
    updated_at: String,
    /// Who changed it last.
    updated_by: String,
}

impl From<&Revision> for RevisionDto {
    fn from(revision: &Revision) -> Self {
        Self {
            version: revision.version,
            created_at: revision.created_at.to_string(),
            created_by: revision.created_by.clone(),
            updated_at: revision.updated_at.to_string(),
            updated_by: revision.updated_by.clone(),
        }
    }
}

/// Params in their order.
pub(super) fn params_to_map(params: &[Param]) -> TextMap {
    let pairs = params.iter();
    pairs
        .map(|param| (param.name.clone(), param.value.clone()))
        .collect()
}

/// Params in their order.
pub(super) fn map_to_params(map: &TextMap) -> Vec<Param> {
    let pairs = map.iter();
    pairs
        .map(|(name, value)| Param {
            name: name.to_owned(),
            value: value.to_owned(),
        })
        .collect()
}

/// Environment and labels.
pub(super) fn to_text_map(map: &BTreeMap<String, String>) -> TextMap {
    map.iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Environment and labels.
pub(super) fn to_btree(map: &TextMap) -> BTreeMap<String, String> {
    map.iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Spans come from spans: only what an embedder stored by itself may be finer or longer.
pub(super) fn to_span(duration: Duration) -> Span {
    let millis = u64::try_from(duration.as_millis()).ok();
    millis.and_then(Span::from_millis).unwrap_or_default()
}
