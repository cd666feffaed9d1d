//! Rows of flows.

use std::collections::{HashMap, HashSet};

use hcndc_core::{
    engine::Engine,
    model::{FlowDraft, FlowRef},
};

use super::{
    SheetColumn as Column, SheetProblem,
    drafts::of_flow,
    faults::Faults,
    header::shorten,
    row::{NameSearch, Numbers, View},
    value,
};
use crate::interchange::Noun;

/// What rows make of flows.
#[derive(Debug, Default)]
pub(super) struct FlowRows {
    /// A draft each, with its row; without those that have no name of their own.
    pub(super) drafts: Vec<(u32, FlowDraft)>,
    /// Rows with a data date that is not the flow's.
    pub(super) dates: usize,
}

pub(super) fn read(engine: &Engine, rows: &[View<'_>], faults: &mut Faults<'_>) -> FlowRows {
    let numbers = Numbers::read(rows, faults);
    let search = NameSearch::new(engine.flows().map(|flow| &*flow.name));
    let mut seen = HashMap::<&str, u32>::new();
    let mut made = FlowRows::default();
    for view in rows {
        let row = view.number();
        let name = view.trimmed(Column::Name);
        if name.is_empty() {
            faults.tell_if_new(row, Column::Name, SheetProblem::EmptyCell);
            continue;
        }
        if let Some(&first) = seen.get(name) {
            let name = shorten(name);
            faults.tell(row, Column::Name, SheetProblem::NameTwice { name, first });
            continue;
        }
        seen.insert(name, row);
        let old = engine.find_flow(name);
        let mut draft = old.map_or_else(|| FlowDraft::new(name), |flow| of_flow(flow));
        if let Some(text) = view.text(Column::Description) {
            text.clone_into(&mut draft.description);
        }
        if let Some(text) = view.text(Column::Directory) {
            draft.directory = value::directory(text);
        }
        if let Some(text) = view.filled(Column::DataDate) {
            let known = old.and_then(|flow| engine.data_date(flow.id));
            match value::date(text) {
                None => {
                    let text = shorten(text);
                    faults.tell(row, Column::DataDate, SheetProblem::NotADate { text });
                }
                date if date == known => {}
                Some(_) => made.dates += 1,
            }
        }
        if let Some(text) = view.text(Column::Retries) {
            draft.restart_retries = match value::whole(text) {
                // What is too large for a number is too large for retries.
                Some(number) => u32::try_from(number).unwrap_or(u32::MAX),
                None if text.trim().is_empty() => 0,
                None => {
                    let text = shorten(text);
                    faults.tell(row, Column::Retries, SheetProblem::NotANumber { text });
                    0
                }
            };
        }
        if view.has(Column::DependsOnNumbers) || view.has(Column::DependsOnIds) {
            draft.parents = parents(engine, view, &numbers, &search, faults);
        }
        made.drafts.push((row, draft));
    }
    made
}

/// The flows that a row waits for, each once.
fn parents(
    engine: &Engine,
    view: &View<'_>,
    numbers: &Numbers<'_, '_>,
    search: &NameSearch<'_>,
    faults: &mut Faults<'_>,
) -> Vec<FlowRef> {
    let row = view.number();
    let own = view.trimmed(Column::Name);
    let mut names: Vec<&str> = Vec::new();
    let mut known = HashSet::new();
    let mut wait = |name, column, faults: &mut Faults<'_>| {
        if name == own {
            faults.tell(row, column, SheetProblem::OwnDependency);
        } else if known.insert(name) {
            names.push(name);
        }
    };
    let column = Column::DependsOnNumbers;
    for other in numbers.rows(view, faults) {
        let name = other.trimmed(Column::Name);
        // A row without a name is a fault of its own.
        if !name.is_empty() {
            wait(name, column, faults);
        }
    }
    let column = Column::DependsOnIds;
    let find = |text: &str| {
        let id = value::whole(text).and_then(|id| engine.flow(hcndc_core::id::FlowId(id)));
        id.or_else(|| engine.find_flow(text))
            .map(|flow| &*flow.name)
    };
    let (found, missing) = view.references(column, find);
    for name in found {
        wait(name, column, faults);
    }
    for text in missing {
        let near = search.nearest(text);
        faults.tell(row, column, unknown(Noun::Flow, text, near));
    }
    names
        .into_iter()
        .map(|name| FlowRef::Name(name.to_owned()))
        .collect()
}

/// That nothing has an id or a name.
pub(super) fn unknown(noun: Noun, name: &str, near: Option<String>) -> SheetProblem {
    SheetProblem::Unknown {
        noun,
        name: shorten(name),
        near,
    }
}
