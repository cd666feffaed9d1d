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
    schema
}
