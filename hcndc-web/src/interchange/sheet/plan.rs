//! What becomes of a sheet: of each row, or all of its faults.

use std::{collections::BTreeSet, sync::Arc};

use hcndc_core::{
    engine::{Change, EditBatch, Engine, Input, Rejected, Reply},
    model::{self, DefinitionError, DefinitionId, Edit},
    time::Timestamp,
};

use super::{
    SheetColumn, SheetKind, SheetProblem,
    cells::{self, Naming},
    faults::{Faults, whole},
    flows, grid,
    header::Layout,
    jobs,
    row::View,
    text,
};
use crate::interchange::{Fault, Lang};

/// What a sheet would do.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetPlan {
    /// What its rows are.
    pub kind: SheetKind,
    /// What becomes of each row, in their order.
    pub rows: Vec<SheetRow>,
    /// What was passed over.
    pub notes: Vec<SheetNote>,
    /// The edits that do it, in one batch; none for rows that change nothing. What they change was at the version that they
    /// name.
    pub edits: Vec<Edit>,
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetRow {
    /// Its number, from 1, with the header.
    pub row: u32,
    /// The name of the definition; a job's as `flow/job`.
    pub name: String,
    /// What becomes of it.
    pub outcome: RowOutcome,
    /// What changes, by column; all that is filled in for a new one.
    pub changes: Vec<CellChange>,
}

/// What becomes of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    /// It is made.
    Created,
    /// It is there, and changes.
    Changed,
    /// It is there, and says the same.
    Unchanged,
}

/// How a cell of a definition changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellChange {
    /// Which.
    pub column: SheetColumn,
    /// What it said; empty for a new definition.
    pub before: String,
    /// What it will say.
    pub after: String,
}

/// What a sheet says and nothing comes of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetNote {
    /// Data dates that are not the flows' own.
    DataDates {
        /// Rows that have one.
        rows: usize,
    },
    /// Directories of jobs that are not their flows' own.
    Directories {
        /// Rows that have one.
        rows: usize,
    },
}

impl SheetNote {
    /// It in a sentence.
    #[must_use]
    pub fn message(self, lang: Lang) -> String {
        text::note(self, lang)
    }
}

impl SheetPlan {
    /// Rows with this outcome.
    #[must_use]
    pub fn count(&self, outcome: RowOutcome) -> usize {
        let rows = self.rows.iter();
        rows.filter(|row| row.outcome == outcome).count()
    }
}

/// What a file does to the definitions of an engine. Without a kind, its header tells whether it is of flows or of jobs.
/// Columns that it has not are called by their names in `lang`.
///
/// # Errors
/// All faults: of the file, else of its header, else of all rows.
pub fn plan_sheet(
    file: &str,
    bytes: &[u8],
    kind: Option<SheetKind>,
    engine: &Engine,
    lang: Lang,
) -> Result<SheetPlan, Vec<Fault>> {
    let file: Arc<str> = file.into();
    let wrong = |problem| vec![whole(&file, problem)];
    let rows = grid::read(bytes).map_err(wrong)?;
    let Some((header, rows)) = rows.split_first() else {
        return Err(wrong(SheetProblem::NoHeader.into()));
    };
    let layout = Layout::read(&file, header, kind)?;
    let layout = &layout;
    let views = rows.iter().map(|row| View::new(row, layout));
    let views: Vec<View<'_>> = views.filter(|view| !view.is_example()).collect();
    if views.is_empty() {
        return Err(wrong(SheetProblem::NoRows.into()));
    }
    let mut faults = Faults::new(Arc::clone(&file), layout, lang);
    for view in &views {
        view.tell_failed_formulas(&mut faults);
    }
    let plan = match layout.kind {
        SheetKind::Flows => {
            let made = flows::read(engine, &views, &mut faults);
            let rows = made.drafts.iter();
            let rows = rows
                .map(|(row, draft)| (*row, draft.name.clone()))
                .collect();
            let edits = made.drafts.into_iter();
            Draft {
                rows,
                edits: edits.map(|(_, draft)| Edit::PutFlow(draft)).collect(),
                notes: (made.dates > 0).then_some(SheetNote::DataDates { rows: made.dates }),
            }
        }
        SheetKind::Jobs => {
            let made = jobs::read(engine, &views, &mut faults);
            let rows = made.drafts.iter();
            let name = |flow: &str, job: &str| format!("{flow}/{job}");
            let rows = rows.map(|(row, flow, draft)| (*row, name(flow, &draft.name)));
            Draft {
                rows: rows.collect(),
                notes: (made.directories > 0).then_some(SheetNote::Directories {
                    rows: made.directories,
                }),
                edits: made
                    .drafts
                    .into_iter()
                    .map(|(_, _, draft)| Edit::PutJob(draft))
                    .collect(),
            }
        }
    };
    plan.tried(engine, layout, faults)
}

/// Whether a file is a sheet of flows or of jobs, by its header.
///
/// # Errors
/// Why it is no sheet.
pub fn sheet_kind(file: &str, bytes: &[u8]) -> Result<SheetKind, Vec<Fault>> {
    let file: Arc<str> = file.into();
    let wrong = |problem| vec![whole(&file, problem)];
    let rows = grid::read(bytes).map_err(wrong)?;
    let header = rows.first();
    let header = header.ok_or_else(|| wrong(SheetProblem::NoHeader.into()))?;
    Ok(Layout::kind_of(header))
}

/// What rows come to, before it is known whether it can be done.
struct Draft {
    /// The row and the name of each edit.
    rows: Vec<(u32, String)>,
    edits: Vec<Edit>,
    notes: Option<SheetNote>,
}

impl Draft {
    /// The plan, if an engine's copy takes all of it.
    fn tried(
        self,
        engine: &Engine,
        layout: &Layout,
        mut faults: Faults<'_>,
    ) -> Result<SheetPlan, Vec<Fault>> {
        let mut after = engine.clone();
        let batch = EditBatch {
            by: String::new(),
            edits: self.edits.clone(),
        };
        // The copy's own time does as well as any.
        let step = match after.apply(Timestamp::MIN, Input::Edit(batch)) {
            Ok(step) => step,
            Err(Rejected::Definition { faults: refused }) => {
                for fault in refused {
                    self.place(fault, layout, &mut faults);
                }
                return Err(faults.into_vec());
            }
            // An edit is refused for its definitions only.
            Err(other) => {
                let detail = other.to_string();
                faults.tell_whole(SheetProblem::Unopenable { detail });
                return Err(faults.into_vec());
            }
        };
        if !faults.is_empty() {
            return Err(faults.into_vec());
        }
        let ids = match step.reply {
            Reply::Edited(ids) => ids,
            _ => Vec::new(),
        };
        let changed = step.changes.iter().filter_map(|change| match change {
            Change::FlowPut(flow) => Some(DefinitionId::from(flow.id)),
            Change::JobPut(job) => Some(DefinitionId::from(job.id)),
            _ => None,
        });
        let changed: BTreeSet<DefinitionId> = changed.collect();
        let mut rows = Vec::with_capacity(ids.len());
        let mut edits = Vec::new();
        for (((row, name), edit), id) in self.rows.into_iter().zip(self.edits).zip(ids) {
            let outcome = match edit.replaces() {
                None => RowOutcome::Created,
                Some(_) if changed.contains(&id) => RowOutcome::Changed,
                Some(_) => RowOutcome::Unchanged,
            };
            let changes = match outcome {
                RowOutcome::Unchanged => Vec::new(),
                RowOutcome::Created | RowOutcome::Changed => {
                    edits.push(edit);
                    changes(engine, &after, id, layout.kind)
                }
            };
            rows.push(SheetRow {
                row,
                name,
                outcome,
                changes,
            });
        }
        Ok(SheetPlan {
            kind: layout.kind,
            rows,
            notes: self.notes.into_iter().collect(),
            edits,
        })
    }

    /// Finds the cell of a fault that the engine tells.
    fn place(&self, fault: model::Fault, layout: &Layout, faults: &mut Faults<'_>) {
        let problem = SheetProblem::Definition(fault.error);
        let row = match (fault.edit, &problem) {
            (Some(edit), _) => self.rows.get(edit),
            (None, SheetProblem::Definition(DefinitionError::Cycle { path })) => {
                let stands = |station: &String, name: &str| {
                    let rest = station.strip_prefix(name);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
                };
                let mut rows = self.rows.iter();
                rows.find(|(_, name)| path.iter().any(|station| stands(station, name)))
            }
            (None, _) => None,
        };
        let Some((row, _)) = row else {
            faults.tell_whole(problem);
            return;
        };
        let column = match (&problem, &*fault.field) {
            (SheetProblem::Definition(DefinitionError::Cycle { .. }), _) => depends(layout),
            (_, field) => column_of(field, layout),
        };
        faults.tell_if_new(*row, column, problem);
    }
}

/// The column of what a row depends on.
fn depends(layout: &Layout) -> SheetColumn {
    match layout.has(SheetColumn::DependsOnNumbers) {
        true => SheetColumn::DependsOnNumbers,
        false => SheetColumn::DependsOnIds,
    }
}

/// The column of a draft's field.
fn column_of(field: &str, layout: &Layout) -> SheetColumn {
    let field = field.split('.').next().unwrap_or_default();
    match field {
        "description" => SheetColumn::Description,
        "directory" => SheetColumn::Directory,
        "restart_retries" => SheetColumn::Retries,
        "parents" | "dependencies" => depends(layout),
        "flow" => SheetColumn::Flow,
        "executor" => SheetColumn::Executor,
        "workdir" => SheetColumn::Workdir,
        "command" => SheetColumn::Command,
        "params" => SheetColumn::Params,
        _ => SheetColumn::Name,
    }
}

/// What a definition says otherwise than before.
fn changes(before: &Engine, after: &Engine, id: DefinitionId, kind: SheetKind) -> Vec<CellChange> {
    let text = |engine: &Engine, column| match id {
        DefinitionId::Flow(id) => {
            let flow = engine.flow(id)?;
            Some(cells::of_flow(engine, flow, column, Naming::Names))
        }
        DefinitionId::Job(id) => {
            let job = engine.job(id)?;
            Some(cells::of_job(engine, job, column, Naming::Names))
        }
        _ => None,
    };
    let columns = kind.specs().iter().map(|spec| spec.column);
    columns
        .filter_map(|column| {
            let before = text(before, column).unwrap_or_default();
            let after = text(after, column).unwrap_or_default();
            (before != after).then_some(CellChange {
                column,
                before,
                after,
            })
        })
        .collect()
}
