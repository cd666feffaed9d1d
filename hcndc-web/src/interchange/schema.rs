//! The JSON schema of the mesh file.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::mesh_file::MeshFile;

/// JSON schema (2020-12) of the mesh file; `docs/mesh.schema.json` holds the same.
pub fn mesh_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<MeshFile>().to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".to_owned(), "HCNDC mesh file".into());
    }
    unwrap_descriptions(&mut schema);
    schema
}

/// Takes the line breaks of the source out of descriptions; those between paragraphs stay.
pub(super) fn unwrap_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                let paragraphs: Vec<String> = text
                    .split("\n\n")
                    .map(|text| text.replace('\n', " "))
                    .collect();
                *text = paragraphs.join("\n\n");
            }
            map.values_mut().for_each(unwrap_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_descriptions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
