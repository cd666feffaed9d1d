//! What the description says of all operations alike: who may ask, and which problems any of them can meet.

use serde_json::{Map, Value, json};

/// Operations that anybody may ask for.
const PUBLIC: [&str; 10] = [
    "sign_in",
    "sign_in_ways",
    "start_oidc",
    "finish_oidc",
    "healthz",
    "readyz",
    "metrics",
    "openapi",
    "docs",
    "home",
];

/// A problem that many operations can meet.
struct Answer {
    /// What it is called among the description's responses.
    name: &'static str,
    status: &'static str,
    /// The codes that it may have.
    codes: &'static str,
}

const fn answer(name: &'static str, status: &'static str, codes: &'static str) -> Answer {
    Answer {
        name,
        status,
        codes,
    }
}

const BAD_BODY: Answer = answer("BadBody", "400", "`bad_body`");
const BAD_QUERY: Answer = answer("BadQuery", "400", "`bad_query`");
const BAD_BODY_OR_QUERY: Answer = answer("BadBodyOrQuery", "400", "`bad_body`, `bad_query`");
const SIGNED_OUT: Answer = answer("SignedOut", "401", "`signed_out`");
const FORBIDDEN: Answer = answer(
    "Forbidden",
    "403",
    "`forbidden`, `csrf`, `password_change_needed`, `foreign_host`, `foreign_origin`",
);
const UNKNOWN: Answer = answer("Unknown", "404", "`unknown_route`");
const TOO_LARGE: Answer = answer("TooLarge", "413", "`too_large`");
const OTHER_MEDIA_TYPE: Answer = answer("OtherMediaType", "415", "`unsupported_media_type`");
const TOO_MANY: Answer = answer(
    "TooManyRequests",
    "429",
    "`too_many_requests`, with `Retry-After`",
);
const UNABLE: Answer = answer(
    "Unable",
    "503",
    "`store_unavailable`, `scheduler_slow`, `scheduler_stopped`, `no_leader`, `outcome_unknown`",
);
const ALL: [Answer; 10] = [
    BAD_BODY,
    BAD_QUERY,
    BAD_BODY_OR_QUERY,
    SIGNED_OUT,
    FORBIDDEN,
    UNKNOWN,
    TOO_LARGE,
    OTHER_MEDIA_TYPE,
    TOO_MANY,
    UNABLE,
];

/// Adds to each operation that a caller must be known, and the problems that no handler tells of itself. What a handler says
/// of a status stays.
pub(super) fn add(document: &mut Value) {
    let told = ALL.map(|answer| (answer.name.to_owned(), answer.told()));
    document["components"]["responses"] = Value::Object(told.into_iter().collect());
    let paths = document["paths"].as_object_mut();
    for (path, item) in paths.into_iter().flatten() {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            let name = operation["operationId"].as_str().unwrap_or_default();
            let is_public = PUBLIC.contains(&name);
            operation["security"] = match is_public {
                true => json!([]),
                false => json!([{"cookie": []}, {"token": []}]),
            };
            let problems = problems(path, operation, is_public);
            if let Some(answers) = operation["responses"].as_object_mut() {
                for problem in problems {
                    let status = answers.entry(problem.status);
                    status.or_insert_with(|| problem.reference());
                }
                answers.sort_keys();
            }
        }
    }
}

/// The problems that an operation can meet.
fn problems(path: &str, operation: &Value, is_public: bool) -> Vec<Answer> {
    let has_body = operation.get("requestBody").is_some();
    let parameters = operation["parameters"].as_array();
    let has_parameters = parameters.is_some_and(|all| !all.is_empty());
    let mut problems = Vec::new();
    match (has_body, has_parameters) {
        (true, true) => problems.push(BAD_BODY_OR_QUERY),
        (true, false) => problems.push(BAD_BODY),
        (false, true) => problems.push(BAD_QUERY),
        (false, false) => {}
    }
    if !is_public {
        problems.extend([SIGNED_OUT, FORBIDDEN]);
    }
    if path.contains('{') {
        problems.push(UNKNOWN);
    }
    if has_body {
        problems.extend([TOO_LARGE, OTHER_MEDIA_TYPE]);
    }
    if path.starts_with("/api/") {
        problems.push(TOO_MANY);
    }
    if path.starts_with("/api/v1/") {
        problems.push(UNABLE);
    }
    problems
}

impl Answer {
    fn told(&self) -> Value {
        let schema = reference("Problem");
        json!({"description": self.codes, "content": {"application/problem+json": {"schema": schema}}})
    }

    fn reference(&self) -> Value {
        json!({"$ref": format!("#/components/responses/{}", self.name)})
    }
}

/// Lets what is told have more than what is sent. A body is refused that has an unknown field; what is told has the fields of
/// that body and more, so the body's schema cannot be a part of its own.
pub(super) fn loosen(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    // A page is of what is told one by one, and says so.
    let names: Vec<String> = schemas.keys().cloned().collect();
    for name in &names {
        if let Some(page) = schemas.get_mut(&format!("Page_{name}")) {
            page["properties"]["items"]["items"] = reference(name);
        }
    }
    let strict: Map<String, Value> = schemas
        .iter()
        .filter(|(_, schema)| is_strict(schema))
        .map(|(name, schema)| (reference(name)["$ref"].to_string(), schema.clone()))
        .collect();
    for schema in schemas.values_mut() {
        let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten() {
            if let Some(body) = part.get("$ref").and_then(|it| strict.get(&it.to_string())) {
                *part = body.clone();
            }
            if is_strict(part)
                && let Some(part) = part.as_object_mut()
            {
                part.remove("additionalProperties");
            }
        }
    }
}

fn is_strict(schema: &Value) -> bool {
    schema.get("additionalProperties") == Some(&Value::Bool(false))
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_may_have_more_than_its_body() {
        let mut document = json!({"components": {"schemas": {
            "Body": {"type": "object", "additionalProperties": false, "properties": {"name": {}}},
            "Told": {"allOf": [reference("Body"), {"type": "object", "additionalProperties": false}, reference("Other")]},
            "Other": {"type": "object"},
            "Page_Told": {"type": "object", "properties": {"items": {"items": {"allOf": [reference("Body")]}}}},
        }}});
        loosen(&mut document);
        let schemas = &document["components"]["schemas"];
        let parts = json!([{"type": "object", "properties": {"name": {}}}, {"type": "object"}, reference("Other")]);
        assert_eq!(schemas["Told"]["allOf"], parts);
        assert_eq!(schemas["Body"]["additionalProperties"], false);
        let items = &schemas["Page_Told"]["properties"]["items"]["items"];
        assert_eq!(*items, reference("Told"));
        assert_eq!(schemas["Other"], json!({"type": "object"}));
    }

    #[test]
    fn a_handlers_own_words_stay() {
        let mut document = json!({"components": {}, "paths": {"/api/v1/flows": {"post": {
            "operationId": "create_flow", "requestBody": {}, "responses": {"400": {"description": "its own"}},
        }}}});
        add(&mut document);
        let operation = &document["paths"]["/api/v1/flows"]["post"];
        assert_eq!(operation["responses"]["400"]["description"], "its own");
        let told: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
        assert_eq!(told, ["400", "401", "403", "413", "415", "429", "503"]);
    }
}
