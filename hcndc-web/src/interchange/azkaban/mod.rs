//! Projects of the Azkaban scheduler → mesh file.
//!
//! Both of its formats are read, from a folder or a zip: Flow 1.0 (a `.job` file of Java properties per job, `.properties`
//! files that are inherited) and Flow 2.0 (a `.flow` file of YAML per flow). Each flow of the project becomes a flow, flows
//! that are embedded in others stand there job by job, named `outer:inner`. What has no counterpart is not passed over in
//! silence: see [`AzkabanNote`].
//!
//! The formats are those of <https://azkaban.readthedocs.io/en/latest/createFlows.html>; where that is silent, of the
//! loaders in Azkaban's sources (`DirectoryFlowLoader`, `DirectoryYamlFlowLoader`).

mod files;
mod flow1;
mod flow2;
mod mesh;
mod note;
mod project;
mod resolve;

use std::path::Path;

pub use self::note::AzkabanNote;
use self::{files::Files, project::Project};
use super::fault::Fault;
use super::mesh_file::MeshFile;
use super::source::check_mesh;

/// A project as a mesh.
#[derive(Debug, Clone)]
pub struct AzkabanMesh {
    /// Its flows and schedules.
    pub mesh: MeshFile,
    /// What could not be carried over, in the order of the project.
    pub notes: Vec<AzkabanNote>,
}

/// Reads the project in the folder or zip at `path`; its schedules go by `zone`, for Azkaban's went by the zone of its
/// server.
///
/// # Errors
/// All faults of the project's files, at least one.
pub fn import_azkaban(path: &Path, zone: &str) -> Result<AzkabanMesh, Vec<Fault>> {
    let files = Files::read(path)?;
    let project = read_project(&files)?;
    let imported = mesh::of_project(&project, &files.name, zone)?;
    let unknown: Vec<&str> = imported
        .notes
        .iter()
        .filter_map(AzkabanNote::unknown_param)
        .collect();
    check_mesh(&path.display().to_string(), &imported.mesh, &unknown)?;
    Ok(imported)
}

fn read_project(files: &Files) -> Result<Project, Vec<Fault>> {
    match files.is_flow_2() {
        true => flow2::read(files),
        false => flow1::read(files),
    }
}

#[cfg(test)]
mod tests;
