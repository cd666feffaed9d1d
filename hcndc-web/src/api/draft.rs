//! Edits as bodies of the API ask for them, made of nothing but an engine: so that what would come of one can be told
//! before it is done.

use hcndc_core::{
    engine::Engine,
    id::{ExecutorId, FlowId, JobId},
    model::{DefinitionError, DefinitionId, DefinitionKind, Edit},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    body::{Patch, parse},
    executors, flows, jobs,
    many::{Kind, kinds},
    problem::{Blame, BlameError, Problem},
    reference::Reference,
    resources,
};
use crate::interchange;

/// A change of one definition, as its own path would take it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftEdit, example = json!({"kind": "schedules", "target": "nightly", "patch": {"trigger": "0 4 * * *"}}))]
pub(super) struct DraftEdit {
    /// Its kind, by its word in paths: `flows`, `jobs`, `schedules`, `pools`, …
    kind: String,
    /// Which one, by id or name (a job as `flow/job`); left out for a new one.
    #[serde(default)]
    target: Option<Reference>,
    /// Replace it, or make it: a body as `PUT` and `POST` take it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    put: Option<Map<String, Value>>,
    /// Change it: a JSON merge patch as `PATCH` takes it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    patch: Option<Map<String, Value>>,
    /// Delete it.
    #[serde(default)]
    delete: bool,
}

/// What is to become of a definition.
#[derive(Debug)]
pub(super) enum Wanted {
    /// This, whatever it was.
    Put(Value),
    /// What this makes of it.
    Patch(Patch),
}

impl Wanted {
    /// The body of a type, made of what there is.
    ///
    /// # Errors
    /// [`Problem::BadBody`].
    pub(super) fn body<T: Serialize + DeserializeOwned>(
        &self,
        old: Option<&T>,
        required: &[&'static str],
    ) -> Result<T, Problem> {
        match (self, old) {
            (Self::Put(value), _) => parse(value.to_string().as_bytes(), required),
            (Self::Patch(patch), Some(old)) => patch.apply(old, required),
            (Self::Patch(patch), None) => {
                let value = patch.onto(Value::Object(Map::new()));
                parse(value.to_string().as_bytes(), required)
            }
        }
    }

    /// The same of a body that is read later.
    pub(super) fn value(&self, old: Option<Value>) -> Value {
        match self {
            Self::Put(value) => value.clone(),
            Self::Patch(patch) => patch.onto(old.unwrap_or_else(|| Value::Object(Map::new()))),
        }
    }
}

/// The edits that some changes ask for, each by what the engine has now; `field` is the list that they stand in.
///
/// # Errors
/// [`Problem::BadBody`] with the faults of all of them.
pub(super) fn edits(
    engine: &Engine,
    drafts: Vec<DraftEdit>,
    field: &str,
) -> Result<Vec<Edit>, Problem> {
    let mut edits = Vec::with_capacity(drafts.len());
    let mut blames = Vec::new();
    for (at, draft) in drafts.into_iter().enumerate() {
        match edit(engine, draft) {
            Ok(edit) => edits.push(edit),
            Err(Problem::BadBody(faults)) => {
                blames.extend(faults.into_iter().map(|fault| Blame {
                    field: format!("{field}[{at}].{}", fault.field),
                    // What they are about may stand elsewhere in the whole.
                    position: None,
                    ..fault
                }));
            }
            Err(other) => return Err(other),
        }
    }
    match blames.is_empty() {
        true => Ok(edits),
        false => Err(Problem::BadBody(blames)),
    }
}

/// The edit that one change asks for, by what the engine has now; faults of its body stand below `put` or `patch`.
///
/// # Errors
/// [`Problem::BadBody`].
pub(super) fn edit(engine: &Engine, draft: DraftEdit) -> Result<Edit, Problem> {
    let kinds = kinds();
    let Some(kind) = kinds.iter().find(|it| it.word == draft.kind) else {
        let error = interchange::Problem::UnknownWord {
            word: draft.kind.chars().take(60).collect(),
            known: kinds.iter().map(|it| it.word.to_owned()).collect(),
        };
        return Err(bad("kind", BlameError::Shape(error)));
    };
    let target = draft.target.as_ref();
    let target = target.map(|it| find(engine, kind, it)).transpose()?;
    let given = [
        ("put", draft.put.is_some()),
        ("patch", draft.patch.is_some()),
        ("delete", draft.delete),
    ];
    let (wanted, within) = match (draft.put, draft.patch, draft.delete, target) {
        (Some(put), None, false, _) => (Wanted::Put(Value::Object(put)), "put"),
        (None, Some(patch), false, Some(_)) => (Wanted::Patch(Patch::from(patch)), "patch"),
        (None, None, true, Some(definition)) => {
            let version = None;
            return Ok(Edit::Delete {
                definition,
                version,
            });
        }
        (None, Some(_), false, None) | (None, None, true, None) => {
            let field = "target".to_owned();
            let error = interchange::Problem::MissingField { field };
            return Err(bad("target", BlameError::Shape(error)));
        }
        _ => {
            let found = given.iter().filter(|it| it.1).map(|it| it.0.to_owned());
            let error = interchange::Problem::NotOneOf {
                fields: given.iter().map(|it| it.0.to_owned()).collect(),
                found: found.collect(),
            };
            return Err(bad("put", BlameError::Shape(error)));
        }
    };
    let number = target.map(DefinitionId::number);
    let made = match kind.kind {
        DefinitionKind::Flow => flows::edit_of(engine, number.map(FlowId), &wanted),
        DefinitionKind::Job => jobs::edit_of(engine, number.map(JobId), &wanted),
        DefinitionKind::Executor => executors::edit_of(engine, number.map(ExecutorId), &wanted),
        other => resources::edit_of(engine, other, target, &wanted),
    };
    made.map_err(|problem| match problem {
        Problem::BadBody(faults) => Problem::BadBody(
            faults
                .into_iter()
                .map(|fault| Blame {
                    field: format!("{within}.{}", fault.field)
                        .trim_end_matches('.')
                        .to_owned(),
                    ..fault
                })
                .collect(),
        ),
        other => other,
    })
}

fn bad(field: &str, error: BlameError) -> Problem {
    Problem::BadBody(vec![Blame::of(field, error)])
}

/// The definition that a reference means.
fn find(engine: &Engine, kind: &Kind, target: &Reference) -> Result<DefinitionId, Problem> {
    let found = match (kind.kind, target) {
        (DefinitionKind::Flow, target) => target.find_flow(engine).map(DefinitionId::from),
        (DefinitionKind::Job, target) => target.find_job(engine).map(DefinitionId::from),
        (DefinitionKind::Executor, target) => {
            let mut executors = engine.executors();
            let same = executors.find(|it| match target {
                Reference::Id(id) => it.id.0 == *id,
                Reference::Name(name) => it.name == *name,
            });
            same.map(|it| it.id.into())
        }
        (_, Reference::Id(id)) => {
            let id = (kind.id)(*id);
            resources::find_in(engine, id).map(|_| id)
        }
        (of, Reference::Name(name)) => {
            let mut others = engine.other_definitions();
            let same = others.find(|it| it.id().kind() == of && it.name() == name);
            same.map(|it| it.id())
        }
    };
    found.ok_or_else(|| {
        let (what, name) = (kind.kind.as_str().to_owned(), target.to_string());
        let error = DefinitionError::Unknown { what, name };
        bad("target", BlameError::Definition(error))
    })
}
