//! What both formats say, in one form.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::fault::{Fault, Problem};
use super::super::node::Position;

/// All flows of a project.
#[derive(Debug, Default)]
pub(super) struct Project {
    pub(super) flows: Vec<AzFlow>,
}

/// A flow.
#[derive(Debug)]
pub(super) struct AzFlow {
    pub(super) name: String,
    /// What is the same for all of its jobs, and may be set anew when it is started.
    pub(super) params: Settings,
    pub(super) nodes: Vec<AzNode>,
    pub(super) trigger: Option<AzTrigger>,
}

/// A job, or a flow that is embedded.
#[derive(Debug, Clone)]
pub(super) struct AzNode {
    pub(super) name: String,
    pub(super) at: Place,
    /// The job type: `command`, `noop`, `flow`, …
    pub(super) kind: String,
    pub(super) depends_on: Vec<(String, Place)>,
    pub(super) condition: Option<String>,
    /// Settings of folders between the project's and its own.
    pub(super) near: Settings,
    /// Its own settings.
    pub(super) own: Settings,
    pub(super) embeds: Embeds,
}

#[derive(Debug, Clone)]
pub(super) enum Embeds {
    /// A job.
    Nothing,
    /// The flow of this name.
    Named(String, Place),
    /// A flow of its own.
    Inline(Vec<AzNode>),
}

/// When a flow starts by itself.
#[derive(Debug)]
pub(super) struct AzTrigger {
    pub(super) cron: String,
    /// Names of outside events that it waits for.
    pub(super) events: Vec<String>,
}

/// Settings by name.
pub(super) type Settings = BTreeMap<String, Setting>;

/// A setting, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) at: Place,
}

/// A place in a project.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: Arc<str>,
    pub(super) position: Option<Position>,
}

impl Place {
    pub(super) fn fault(&self, path: impl Into<String>, problem: Problem) -> Fault {
        Fault {
            file: self.file.clone(),
            position: self.position,
            path: path.into(),
            problem,
        }
    }
}

/// The values of all settings that hold for a job, later ones over earlier ones.
pub(super) fn overlaid<'a>(layers: &[&'a Settings]) -> BTreeMap<&'a str, &'a Setting> {
    let mut all = BTreeMap::new();
    for layer in layers {
        all.extend(layer.iter().map(|(name, setting)| (name.as_str(), setting)));
    }
    all
}
