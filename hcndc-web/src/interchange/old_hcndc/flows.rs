//! Flows (接口, 任务流), and which come before which.

use std::collections::BTreeSet;

use super::{
    Builder, OldMatter,
    names::{Names, description, directory},
};
use crate::interchange::MeshFlow;

/// Restarts of a flow, at most.
const MOST_RETRIES: i64 = 100;

impl Builder<'_> {
    /// All flows that are in use.
    pub(super) fn flows(&mut self) {
        let mut names = Names::default();
        let mut dates = 0;
        for row in self.living("tb_interface") {
            let id = row.id();
            let wanted = row.text("interface_name");
            let name = names.take(wanted, id);
            self.renamed(&row, wanted, &name);
            let mut flow = MeshFlow::named(&name);
            flow.directory = directory(row.text("interface_index"));
            let text = row.text("interface_desc");
            flow.description = Some(description(text, "interface_id", id));
            let retries = row.number("retry").unwrap_or(0);
            let kept = retries.clamp(0, MOST_RETRIES);
            flow.restart_retries = u32::try_from(kept).unwrap_or_default();
            if kept != retries {
                self.note(&row, &name, OldMatter::Retries { found: retries });
            }
            dates += usize::from(!row.text("run_time").is_empty());
            self.flows.insert(id, self.mesh.flows.len());
            self.mesh.flows.push(flow);
            self.carried(&row);
        }
        if dates > 0 {
            self.report.whole(OldMatter::DataDates { flows: dates });
        }
    }

    /// Which flow waits for which. One version wrote that down from both ends.
    pub(super) fn parents(&mut self) {
        let mut seen = BTreeSet::new();
        for (table, child, parent) in [
            ("tb_interface_parent", "interface_id", "parent_id"),
            ("tb_interface_child", "child_id", "interface_id"),
        ] {
            for row in self.living(table) {
                let (child, parent) = (row.number(child), row.number(parent));
                if parent.is_none() {
                    // So it said that there is none.
                    self.carried(&row);
                    continue;
                }
                let place = |id: Option<i64>| id.and_then(|id| self.flows.get(&id).copied());
                let (Some(own), Some(other)) = (place(child), place(parent)) else {
                    let missing = if place(child).is_none() {
                        child
                    } else {
                        parent
                    };
                    let matter = OldMatter::NoFlow {
                        flow: missing.unwrap_or(0),
                    };
                    let name = place(child).map_or("", |at| &self.mesh.flows[at].name);
                    let name = name.to_owned();
                    self.left_out(&row, &name, matter);
                    continue;
                };
                let name = self.mesh.flows[own].name.clone();
                if own == other {
                    self.left_out(&row, &name, OldMatter::OwnTie);
                } else if seen.insert((own, other)) {
                    let parent = self.mesh.flows[other].name.clone();
                    self.mesh.flows[own].parents.push(parent);
                    self.carried(&row);
                } else {
                    self.left_out(&row, &name, OldMatter::Twice);
                }
            }
        }
    }
}
