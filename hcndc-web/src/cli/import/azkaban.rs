//! `hcndc import azkaban`.

use std::path::PathBuf;

use clap::Args;

use super::{ImportArgs, write};
use crate::{
    cli::{Exit, warn, warn_faults},
    interchange::{Lang, import_azkaban},
};

/// Arguments of `import azkaban`.
#[derive(Debug, Args)]
pub(super) struct AzkabanArgs {
    /// The project: its folder, or a zip as it is uploaded to Azkaban
    project: PathBuf,
    /// Time zone of Azkaban's server, by which its schedules go
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    zone: String,
    /// Where to write the mesh file; standard output if not given
    #[arg(short, long, value_name = "MESH.yaml")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &AzkabanArgs, import: &ImportArgs, lang: Lang) -> Exit {
    let imported = match import_azkaban(&args.project, &args.zone) {
        Ok(imported) => imported,
        Err(faults) => {
            warn_faults(lang, &faults);
            return Exit::Wrong;
        }
    };
    // What was left out is told aside, so that it does not get into the file.
    for note in &imported.notes {
        warn(note.message(lang));
    }
    write(&imported.mesh, args.output.as_deref(), import, lang)
}
