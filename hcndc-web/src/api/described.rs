//! The part of the API's description that is made for every kind of definition alike.

use hcndc_core::model::DefinitionKind;
use serde_json::{Map, Value, json};

use super::{
    many::kinds,
    resources::{RESOURCES, Resource},
};
use crate::interchange::{body_schemas, secret_field};

/// Adds to a description what stands at no handler of its own.
pub(super) fn add(document: &mut Value) {
    let (bodies, parts) = body_schemas();
    let mut schemas = parts;
    for (kind, schema) in bodies {
        add_schemas(kind, schema, &mut schemas);
    }
    if let Some(all) = document["components"]["schemas"].as_object_mut() {
        all.append(&mut schemas);
        all.sort_keys();
    }
    let mut paths = Map::new();
    for resource in RESOURCES {
        let (all, one) = of_resource(resource);
        paths.insert(resource.all.to_owned(), all);
        paths.insert(resource.one.to_owned(), one);
    }
    for it in kinds() {
        let (many, name) = (plural(it.kind), schema_name(it.kind));
        let delete = json!({"post": {
            "tags": [it.word],
            "summary": format!("Deletes many {many}, all or none."),
            "operationId": format!("delete_{}", snake(it.word)),
            "requestBody": body("application/json", reference("DeleteBody"), Some(json!({"items": [{"id": 7, "version": 2}, {"id": 8}]}))),
            "responses": answers("200", &reference("Deleted"), &[
                ("400", ""), ("409", "`in_use` with their users, `stale`"), ("422", "`bad_definition`: one is not there"),
            ]),
        }});
        paths.insert(it.delete.to_owned(), delete);
        let uses = json!({"get": {
            "tags": [it.word],
            "summary": format!("Tells what uses {}.", singular(it.kind)),
            "operationId": format!("list_uses_of_{}", snake_name(&name)),
            "parameters": [id()],
            "responses": answers("200", &reference("Uses"), &[("404", "")]),
        }});
        paths.insert(it.uses.to_owned(), uses);
        paths.insert(it.history.to_owned(), history(it.kind, &name, it.word));
    }
    if let Some(all) = document["paths"].as_object_mut() {
        all.append(&mut paths);
    }
}

/// The operation that tells what became of one.
fn history(kind: DefinitionKind, name: &str, word: &str) -> Value {
    let number = json!({"type": "integer", "format": "int64", "minimum": 0});
    let text = json!({"type": "string"});
    let page = json!({
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "items": reference("HistoryEntry"), "description": "The entries, sorted."},
            "next_cursor": {"type": ["string", "null"], "description": "Ask for the next page with this; null on the last."},
        },
    });
    json!({"get": {
        "tags": [word],
        "summary": format!("Tells what was done to {}, by whom and when, the latest first; also of one that is gone.", singular(kind)),
        "operationId": format!("list_history_of_{}", snake_name(name)),
        "parameters": [
            id(),
            parameter("entry", &number, "Only the entry of this id"),
            parameter("sort", &text, "`id` or `-id` (default)"),
            parameter("limit", &number, "1 to 1000; default 100"),
            parameter("cursor", &text, "`next_cursor` of the page before"),
        ],
        "responses": answers("200", &page, &[("400", ""), ("409", "`no_users`: this server keeps no trail")]),
    }})
}

/// The name of a kind's schema.
fn schema_name(kind: DefinitionKind) -> String {
    let words = kind.as_str().split(' ');
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    };
    let name: String = words.map(capital).collect();
    match kind {
        // `Param` is a param of a job's or a flow's.
        DefinitionKind::Param => "SharedParam".to_owned(),
        _ => name,
    }
}

fn snake(word: &str) -> String {
    word.replace('-', "_")
}

fn snake_name(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn singular(kind: DefinitionKind) -> String {
    let word = match kind {
        DefinitionKind::Param => "shared param",
        _ => kind.as_str(),
    };
    let article = match word.starts_with(['a', 'e', 'i', 'o']) {
        true => "an",
        false => "a",
    };
    format!("{article} {word}")
}

fn plural(kind: DefinitionKind) -> String {
    match kind {
        DefinitionKind::Param => "shared params".to_owned(),
        _ => format!("{}s", kind.as_str()),
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn body(media_type: &str, schema: Value, example: Option<Value>) -> Value {
    let mut content = json!({"schema": schema});
    if let Some(example) = example {
        content["example"] = example;
    }
    json!({"content": {media_type: content}, "required": true})
}

/// Responses: the good one, and problems by status and what they are.
fn answers(status: &str, schema: &Value, problems: &[(&str, &str)]) -> Value {
    let mut answers = Map::new();
    let good = json!({"description": "", "content": {"application/json": {"schema": schema}}});
    answers.insert(status.to_owned(), good);
    for (status, description) in problems {
        let problem = json!({
            "description": description,
            "content": {"application/problem+json": {"schema": reference("Problem")}},
        });
        answers.insert((*status).to_owned(), problem);
    }
    Value::Object(answers)
}

fn id() -> Value {
    json!({"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "format": "int64", "minimum": 0}})
}

fn parameter(name: &str, schema: &Value, description: &str) -> Value {
    json!({"name": name, "in": "query", "description": description, "required": false, "schema": schema})
}

/// A body of each kind.
fn example(kind: DefinitionKind) -> Value {
    match kind {
        DefinitionKind::Schedule => json!({
            "name": "nightly", "flow": "load", "trigger": "30 2 * * *", "zone": "Asia/Shanghai", "downstream": true,
            "calendar": "cn", "filter": "business", "finish_by": "06:00", "alerts": ["night shift"],
        }),
        DefinitionKind::Calendar => json!({
            "name": "cn", "holidays": ["2026-10-01", "2026-10-02"], "workdays": ["2026-10-10"],
        }),
        DefinitionKind::Pool => json!({"name": "warehouse", "slots": 8}),
        DefinitionKind::Param => json!({
            "name": "batch", "sql": {"data_source": "dw", "query": "select max(id) as id from batch", "timeout": "10s", "column": "id", "type": "integer"},
        }),
        DefinitionKind::DataSource => json!({
            "name": "dw", "kind": "mysql", "host": "dw.example.com", "database": "dw", "user": "etl", "password": "…",
        }),
        DefinitionKind::FileServer => json!({
            "name": "bank", "kind": "sftp", "host": "sftp.example.com", "user": "etl", "password": "…",
        }),
        DefinitionKind::FileEvent => json!({
            "name": "ledger", "server": "bank", "path": "/out/ledger-${date:%Y%m%d}.csv", "interval": "1m", "min_age": "30s",
        }),
        DefinitionKind::AlertChannel => json!({
            "name": "ops", "kind": "email", "secret": "…",
            "settings": {"host": "mail.example.com", "user": "etl", "from": "etl@example.com", "to": "ops@example.com"},
        }),
        DefinitionKind::AlertRule => json!({
            "name": "night shift", "events": ["execution_failed", "not_finished_by"], "channels": ["ops"],
            "escalation": {"after": "30m", "channels": ["ops"]},
        }),
        DefinitionKind::Webhook => json!({
            "name": "orders", "flows": ["load"], "secret": "…", "filter": [{"at": "/kind", "values": ["complete"]}],
            "date_at": "/data/date", "params": {"BATCH": "/data/batch"},
        }),
        DefinitionKind::Flow | DefinitionKind::Job | DefinitionKind::Executor => Value::Null,
    }
}

/// The operations on all of a kind, and on one.
fn of_resource(resource: &Resource) -> (Value, Value) {
    let kind = resource.kind;
    let (one, many, name) = (singular(kind), plural(kind), schema_name(kind));
    let operation = snake_name(&name);
    let told = reference(&name);
    let (text, flag) = (json!({"type": "string"}), json!({"type": "boolean"}));
    let number = json!({"type": "integer", "format": "int64", "minimum": 0});
    let mut filters = vec![
        parameter("text", &text, "Name or description holds this"),
        parameter("directory", &text, "Filed here or below"),
    ];
    if kind == DefinitionKind::Schedule {
        let description = "Only those that are not paused, or only paused ones";
        filters.push(parameter("enabled", &flag, description));
        filters.push(parameter("flow", &number, "Only of the flow of this id"));
    } else if resource.has_switch() {
        let description = "Only enabled ones, or only others";
        filters.push(parameter("enabled", &flag, description));
    }
    filters.extend([
        parameter(
            "sort",
            &text,
            "`id`, `name` or `updated_at`; with `-` downwards",
        ),
        parameter("limit", &number, "1 to 1000; default 100"),
        parameter("cursor", &text, "`next_cursor` of the page before"),
    ]);
    let page = json!({
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "items": told, "description": "The items, sorted."},
            "next_cursor": {"type": ["string", "null"], "description": "Ask for the next page with this; null on the last."},
        },
    });
    let written = reference(&format!("{name}Body"));
    let json_body = body("application/json", written.clone(), Some(example(kind)));
    let changed = [
        ("400", "`bad_body`"),
        ("404", ""),
        ("409", "`stale`, `name_taken`"),
        ("422", "`bad_definition`"),
    ];
    let mut created = answers(
        "201",
        &told,
        &[
            ("400", "`bad_body`"),
            ("409", "`name_taken`"),
            ("422", "`bad_definition`"),
        ],
    );
    created["201"]["headers"] = json!({"Location": {"schema": {"type": "string"}}});
    let all = json!({
        "get": {
            "tags": [resource.word], "summary": format!("Lists {many}."),
            "operationId": format!("list_{}", snake(resource.word)),
            "parameters": filters, "responses": answers("200", &page, &[("400", "")]),
        },
        "post": {
            "tags": [resource.word], "summary": format!("Makes {one}."),
            "operationId": format!("create_{operation}"),
            "requestBody": json_body, "responses": created,
        },
    });
    let gone = json!({"name": "version", "in": "query", "description": "Refused unless it is at this version",
        "required": false, "schema": {"type": "integer", "format": "int32", "minimum": 0}});
    let mut deleted = answers(
        "204",
        &told,
        &[("404", ""), ("409", "`in_use` with its users, `stale`")],
    );
    deleted["204"] = json!({"description": ""});
    let one = json!({
        "get": {
            "tags": [resource.word], "summary": format!("Tells {one}."),
            "operationId": format!("find_{operation}"),
            "parameters": [id()], "responses": answers("200", &told, &[("404", "")]),
        },
        "put": {
            "tags": [resource.word],
            "summary": format!("Replaces {one}: what the body does not say goes back to its default."),
            "operationId": format!("replace_{operation}"),
            "parameters": [id()], "requestBody": json_body, "responses": answers("200", &told, &changed),
        },
        "patch": {
            "tags": [resource.word], "summary": format!("Changes {one}: a JSON merge patch (RFC 7396)."),
            "operationId": format!("patch_{operation}"),
            "parameters": [id()],
            "requestBody": body("application/merge-patch+json", written, None),
            "responses": answers("200", &told, &changed),
        },
        "delete": {
            "tags": [resource.word], "summary": format!("Deletes {one}."),
            "operationId": format!("delete_{operation}"),
            "parameters": [id(), gone], "responses": deleted,
        },
    });
    (all, one)
}

/// Adds the schemas of a kind: as a body says it, and as it is told.
fn add_schemas(kind: DefinitionKind, mut schema: Value, schemas: &mut Map<String, Value>) {
    let name = schema_name(kind);
    let description = schema["description"].take();
    if let Some(schema) = schema.as_object_mut() {
        schema.shift_remove("description");
    }
    let mut told = schema["properties"].clone();
    if let Some(secret) = secret_field(kind)
        && let Some(properties) = told.as_object_mut()
    {
        properties.shift_remove(secret);
        let text = "Whether it has one, which nobody is shown.";
        properties.insert(
            format!("has_{secret}"),
            json!({"type": "boolean", "description": text}),
        );
    }
    if kind == DefinitionKind::DataSource
        && let Some(properties) = told.as_object_mut()
    {
        let text = "How it was when the server that leads last asked it, as it is now; null where that has not been.";
        let check =
            json!({"oneOf": [{"type": "null"}, reference("DataSourceCheck")], "description": text});
        properties.insert("last_check".to_owned(), check);
    }
    if kind == DefinitionKind::Schedule
        && let (Some(properties), Value::Object(mut now)) = (
            told.as_object_mut(),
            json!({
                "flow_id": {"type": "integer", "format": "int64", "description": "Its flow."},
                "next": {"type": ["string", "null"], "description": "When it fires next, if time alone decides that; null while it is paused.", "example": "2026-11-21T18:30:00.000000Z"},
                "last": {"oneOf": [{"type": "null"}, reference("Firing")], "description": "Its latest firing."},
                "queued": {"type": "integer", "description": "Firings that wait for their turn."},
                "live": {"type": "array", "items": {"type": "integer", "format": "int64"}, "description": "Its live executions."},
            }),
        )
    {
        properties.append(&mut now);
    }
    let required: Vec<String> = told
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.keys().cloned())
        .collect();
    let told = json!({
        "description": description,
        "allOf": [
            {"type": "object", "required": ["id"], "properties": {
                "id": {"type": "integer", "format": "int64", "description": "Its id, for ever.", "example": 7, "minimum": 0},
            }},
            {"type": "object", "required": required, "properties": told},
            reference("Revision"),
        ],
    });
    schemas.insert(name.clone(), told);
    schema["properties"]["version"] = json!({
        "type": ["integer", "null"], "format": "int32", "minimum": 0,
        "description": "For changes: refused unless it is at this version.",
    });
    let text = format!("{} as people write it.", capitalized(&singular(kind)));
    schema["description"] = text.into();
    schema["example"] = example(kind);
    schemas.insert(format!("{name}Body"), schema);
}

fn capitalized(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}
