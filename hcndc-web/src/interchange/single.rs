//! One definition by itself, in the form that mesh files have: read, put, told.
//!
//! A body of the API is an element of a list of a mesh file, with the `version` that it is for beside its fields.

use std::sync::Arc;

use hcndc_core::{
    engine::Engine,
    model::{Definition, DefinitionDraft, DefinitionId, DefinitionKind, Edit, Webhook},
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::Deserialize as _;
use serde_json::{Map, Value as Json, json};

use super::{
    MeshAlertChannel, MeshAlertRule, MeshCalendar, MeshDataSource, MeshFile, MeshFileEvent,
    MeshFileServer, MeshParam, MeshPool, MeshSchedule, MeshWebhook,
    check::{self, Faults},
    de::{NodeReader, Outer, wrong_type},
    definitions::nouns,
    export,
    fault::{Expected, Fault, Problem},
    node::{Entry, Node, Position, Value},
    schema::unwrap_descriptions,
    source::{Places, Reading, located},
    text::read_json_tree,
};

/// A definition that was read, and the version that it is for.
#[derive(Debug, Clone)]
pub(crate) struct Single {
    /// Nothing but the definition.
    file: MeshFile,
    version: Option<u32>,
}

/// The list of a mesh file that holds definitions of a kind; `None` for those that have bodies of their own.
const fn list(kind: DefinitionKind) -> Option<&'static str> {
    Some(match kind {
        DefinitionKind::Flow | DefinitionKind::Job | DefinitionKind::Executor => return None,
        DefinitionKind::Schedule => "schedules",
        DefinitionKind::Calendar => "calendars",
        DefinitionKind::Pool => "pools",
        DefinitionKind::Param => "shared_params",
        DefinitionKind::DataSource => "data_sources",
        DefinitionKind::FileServer => "file_servers",
        DefinitionKind::FileEvent => "file_events",
        DefinitionKind::AlertChannel => "alert_channels",
        DefinitionKind::AlertRule => "alert_rules",
        DefinitionKind::Webhook => "webhooks",
    })
}

/// The field of a kind that nobody is shown.
pub(crate) const fn secret_field(kind: DefinitionKind) -> Option<&'static str> {
    match kind {
        DefinitionKind::DataSource | DefinitionKind::FileServer => Some("password"),
        DefinitionKind::AlertChannel | DefinitionKind::Webhook => Some("secret"),
        DefinitionKind::Flow
        | DefinitionKind::Job
        | DefinitionKind::Executor
        | DefinitionKind::Schedule
        | DefinitionKind::Calendar
        | DefinitionKind::Pool
        | DefinitionKind::Param
        | DefinitionKind::FileEvent
        | DefinitionKind::AlertRule => None,
    }
}

/// Reads and checks a definition of a kind, as far as that goes without knowing the others. Nothing at all counts as `{}`.
///
/// # Errors
/// All faults of the text, in its order, at least one.
pub(crate) fn read_single(kind: DefinitionKind, text: &[u8]) -> Result<Single, Vec<Fault>> {
    let list = list(kind).unwrap_or_default();
    let empty = text.iter().all(u8::is_ascii_whitespace);
    let read = read_json_tree(if empty { b"{}" } else { text });
    let name: Arc<str> = "body".into();
    let mut faults = located(&name, read.root.as_ref(), read.faults);
    let Some(mut body) = read.root else {
        return Err(faults);
    };
    let version = match take_version(&mut body) {
        Ok(version) => version,
        Err((position, problem)) => {
            faults.push(Fault {
                file: Arc::clone(&name),
                position: Some(position),
                path: "version".to_owned(),
                problem,
            });
            None
        }
    };
    let position = body.position;
    let mut root = Node::new(
        position,
        Value::Map(vec![Entry {
            key: list.into(),
            position,
            node: Node::new(position, Value::List(vec![body])),
        }]),
    );
    let mut file = MeshFile::of_flows(Vec::new());
    let mut found = Vec::new();
    let mut reading = Reading {
        name: Arc::clone(&name),
        faults: &mut found,
    };
    reading.definitions(&mut root, &mut file);
    let mut checked = Faults::new(Places {
        name,
        root: Some(&root),
    });
    check::check_definitions(&file, &root, &mut checked);
    found.extend(checked.into_vec());
    let prefix = format!("{list}[0]");
    for fault in &mut found {
        if let Some(path) = fault.path.strip_prefix(&prefix) {
            fault.path = path.strip_prefix('.').unwrap_or(path).to_owned();
        }
    }
    faults.extend(found);
    if faults.is_empty() {
        return Ok(Single { file, version });
    }
    faults.sort_by_key(|fault| fault.position);
    Err(faults)
}

/// Takes the version that a body asks for out of it.
fn take_version(body: &mut Node) -> Result<Option<u32>, (Position, Problem)> {
    let Value::Map(entries) = &mut body.value else {
        return Ok(None);
    };
    let Some(at) = entries.iter().position(|entry| &*entry.key == "version") else {
        return Ok(None);
    };
    let entry = entries.remove(at);
    let outer = Outer::default();
    match &entry.node.value {
        Value::Null => Ok(None),
        Value::Number(_) => match u32::deserialize(NodeReader::new(&entry.node, &outer)) {
            Ok(version) => Ok(Some(version)),
            Err(stop) => Err((entry.node.position, stop.problem)),
        },
        _ => {
            let stop = wrong_type(&entry.node, Expected::Integer);
            Err((entry.node.position, stop.problem))
        }
    }
}

impl Single {
    /// The edit that makes it, or puts it in place of the one that has this id. `None` for an id of another kind.
    pub(crate) fn edit(&self, id: Option<DefinitionId>) -> Option<Edit> {
        let mut edits = nouns::edits(&self.file, &nouns::ExistingNouns::default());
        let Some(Edit::Put(mut draft)) = edits.pop() else {
            return None;
        };
        if let Some(id) = id {
            identify(&mut draft, id, self.version)?;
        }
        Some(Edit::Put(draft))
    }

    /// Which version it is for.
    pub(crate) const fn version(&self) -> Option<u32> {
        self.version
    }

    /// The same, for this version.
    pub(crate) fn for_version(self, version: u32) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }
}

/// Says of a draft which definition it replaces.
fn identify(draft: &mut DefinitionDraft, id: DefinitionId, version: Option<u32>) -> Option<()> {
    macro_rules! identify {
        ($($kind:ident,)*) => {
            match (draft, id) {
                $((DefinitionDraft::$kind(draft), DefinitionId::$kind(id)) => {
                    draft.id = Some(id);
                    draft.version = version;
                    Some(())
                })*
                _ => None,
            }
        };
    }
    identify!(
        Schedule,
        Calendar,
        Pool,
        Param,
        DataSource,
        FileServer,
        FileEvent,
        AlertChannel,
        AlertRule,
        Webhook,
    )
}

/// The fields of a kind and what they are when nobody says, in the order in which they are told; but for secrets. What
/// must be said is null here.
fn fields(kind: DefinitionKind) -> Map<String, Json> {
    let mut fields = json!({"name": null, "description": "", "directory": "/"});
    let more = match kind {
        DefinitionKind::Flow | DefinitionKind::Job | DefinitionKind::Executor => json!({}),
        DefinitionKind::Schedule => json!({
            "owner": "", "flow": null, "downstream": false, "trigger": null, "zone": "UTC", "paused": false,
            "calendar": null, "filter": null, "misfire_grace": "1h", "missed": "coalesce", "max_instances": 1,
            "overlap": "queue", "not_before": null, "not_after": null, "date_offset": -1, "params": {},
            "start_by": null, "finish_by": null, "alerts": [],
        }),
        DefinitionKind::Calendar => {
            json!({"weekend": ["saturday", "sunday"], "holidays": [], "workdays": []})
        }
        DefinitionKind::Pool => json!({"slots": null}),
        DefinitionKind::Param => json!({"value": null, "sql": null, "context": null}),
        DefinitionKind::DataSource => json!({
            "kind": null, "host": "", "port": null, "database": "", "user": "", "options": {},
        }),
        DefinitionKind::FileServer => {
            json!({"kind": null, "host": "", "port": null, "user": "", "options": {}})
        }
        DefinitionKind::FileEvent => json!({
            "server": null, "path": null, "window": null, "zone": "UTC", "interval": "1m", "min_age": "0s",
            "marker": null, "per": "date", "date_pattern": null, "enabled": true,
        }),
        DefinitionKind::AlertChannel => json!({"enabled": true, "kind": null, "settings": {}}),
        DefinitionKind::AlertRule => {
            json!({"enabled": true, "events": null, "channels": [], "escalation": null, "default": false})
        }
        DefinitionKind::Webhook => json!({
            "enabled": true, "flows": null, "downstream": false, "scheme": "standard",
            "signature_header": Webhook::SIGNATURE_HEADER, "delivery_header": Webhook::DELIVERY_HEADER, "filter": [],
            "date_at": null, "date_format": Webhook::DATE_FORMAT, "zone": "UTC", "date_offset": -1, "params": {},
        }),
    };
    let mut all = Map::new();
    for part in [&mut fields, &mut more.clone()] {
        if let Some(part) = part.as_object_mut() {
            all.append(part);
        }
    }
    all
}

/// A definition with all of its fields, as a body that would put it; without secrets.
pub(crate) fn tell_single(engine: &Engine, definition: &Definition) -> Map<String, Json> {
    let kind = definition.id().kind();
    let mut said = export::one(engine, definition);
    let mut told = fields(kind);
    for (field, value) in &mut told {
        if let Some(said) = said.remove(field) {
            *value = said;
        }
    }
    // What stands deeper is left out where it is as usual, too.
    for (part, field, usual) in [
        ("sql", "timeout", json!("30s")),
        ("sql", "column", Json::Null),
        ("sql", "type", json!("text")),
        ("context", "offset_days", json!(0)),
    ] {
        if let Some(Json::Object(part)) = told.get_mut(part) {
            part.entry(field).or_insert(usual);
        }
    }
    told
}

/// JSON schemas of the bodies of all kinds, by kind, and of all that they refer to, for a document that keeps schemas
/// under `/components/schemas`.
pub(crate) fn body_schemas() -> (Vec<(DefinitionKind, Json)>, Map<String, Json>) {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let bodies = vec![
        of::<MeshSchedule>(DefinitionKind::Schedule, &mut generator),
        of::<MeshCalendar>(DefinitionKind::Calendar, &mut generator),
        of::<MeshPool>(DefinitionKind::Pool, &mut generator),
        of::<MeshParam>(DefinitionKind::Param, &mut generator),
        of::<MeshDataSource>(DefinitionKind::DataSource, &mut generator),
        of::<MeshFileServer>(DefinitionKind::FileServer, &mut generator),
        of::<MeshFileEvent>(DefinitionKind::FileEvent, &mut generator),
        of::<MeshAlertChannel>(DefinitionKind::AlertChannel, &mut generator),
        of::<MeshAlertRule>(DefinitionKind::AlertRule, &mut generator),
        of::<MeshWebhook>(DefinitionKind::Webhook, &mut generator),
    ];
    let mut parts = Json::Object(generator.take_definitions(true));
    unwrap_descriptions(&mut parts);
    let Json::Object(parts) = parts else {
        return (bodies, Map::new());
    };
    (bodies, parts)
}

fn of<T: JsonSchema>(
    kind: DefinitionKind,
    generator: &mut SchemaGenerator,
) -> (DefinitionKind, Json) {
    let mut schema = T::json_schema(generator).to_value();
    unwrap_descriptions(&mut schema);
    (kind, schema)
}

#[cfg(test)]
mod tests {
    use hcndc_core::{
        engine::{EditBatch, Input},
        time::Timestamp,
    };

    use super::*;
    use crate::interchange::{Existing, edits, parse_mesh};

    fn kinds() -> impl Iterator<Item = DefinitionKind> {
        let all = DefinitionKind::ALL.iter().copied();
        all.filter(|kind| list(*kind).is_some())
    }

    fn whole() -> Engine {
        let text = include_bytes!("../../tests/data/whole.yaml");
        let mesh = parse_mesh("whole.yaml", text, &["day"]).unwrap();
        let mut engine = Engine::default();
        let edits = edits(&mesh.file, None, &Existing::of(&engine));
        let by = "test".into();
        let batch = Input::Edit(EditBatch { by, edits });
        engine.apply(Timestamp::from_micros(0), batch).unwrap();
        engine
    }

    #[test]
    fn every_field_of_a_kind_is_told_but_for_secrets() {
        let (bodies, _) = body_schemas();
        assert_eq!(bodies.len(), kinds().count());
        for (kind, schema) in bodies {
            let mut written: Vec<&str> = schema["properties"]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .filter(|field| Some(*field) != secret_field(kind))
                .collect();
            let told = fields(kind);
            let mut told: Vec<&str> = told.keys().map(String::as_str).collect();
            written.sort_unstable();
            told.sort_unstable();
            assert_eq!(told, written, "{kind}");
        }
    }

    #[test]
    fn a_definition_as_it_is_told_puts_itself() {
        let engine = whole();
        let before = engine.snapshot();
        for definition in engine.other_definitions() {
            let told = tell_single(&engine, &definition);
            let text = serde_json::to_vec(&told).unwrap();
            let single = read_single(definition.id().kind(), &text)
                .unwrap_or_else(|faults| panic!("{told:?}: {faults:?}"));
            let edits = vec![single.edit(Some(definition.id())).unwrap()];
            let mut engine = engine.clone();
            let by = "test".into();
            let batch = Input::Edit(EditBatch { by, edits });
            engine.apply(Timestamp::from_micros(1), batch).unwrap();
            assert_eq!(engine.snapshot(), before, "{told:?}");
        }
    }

    #[test]
    fn what_is_told_of_a_field_that_nobody_set_is_what_it_means_unsaid() {
        let engine = whole();
        for definition in engine.other_definitions() {
            let (kind, usual) = (definition.id().kind(), fields(definition.id().kind()));
            let mut told = tell_single(&engine, &definition);
            let draft = |told: &Map<String, Json>| {
                let text = serde_json::to_vec(told).unwrap();
                let read = read_single(kind, &text).map(|single| single.edit(None));
                // A channel without settings is none of most kinds, however that is said.
                read.map_err(|faults| faults.into_iter().map(|it| it.problem).collect::<Vec<_>>())
            };
            for (field, value) in usual.iter().filter(|(_, value)| !value.is_null()) {
                told.insert(field.clone(), value.clone());
                let said = draft(&told);
                let mut silent = told.clone();
                silent.shift_remove(field);
                assert_eq!(said, draft(&silent), "{kind} {field}");
            }
        }
    }

    #[test]
    fn all_faults_of_a_body_are_told_with_their_places_in_it() {
        let body = "{\"version\": \"x\",\n \"name\": \" a\", \"slots\": 0,\n \"colour\": 1, \"directory\": \"b\"}";
        let faults = read_single(DefinitionKind::Pool, body.as_bytes()).unwrap_err();
        let told: Vec<_> = faults
            .iter()
            .map(|it| (it.position.unwrap().line, it.path.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "version"),
                (2, "name"),
                (2, "slots"),
                (3, "colour"),
                (3, "directory")
            ]
        );
        for body in ["[]", "1", "{", "", "{}"] {
            assert!(read_single(DefinitionKind::Schedule, body.as_bytes()).is_err());
        }
    }
}
