//! `hcndc import wfcommons`.

use std::path::PathBuf;

use clap::Args;

use super::{ImportArgs, write};
use crate::{
    cli::{Exit, warn_faults},
    interchange::{Lang, import_wfcommons},
};

/// Arguments of `import wfcommons`.
#[derive(Debug, Args)]
pub(super) struct WfcommonsArgs {
    /// The trace, JSON
    file: PathBuf,
    /// Measured times are multiplied by this; 0 makes every command `true`
    #[arg(long, default_value_t = 1.0, value_parser = time_scale)]
    time_scale: f64,
    /// Where to write the mesh file; standard output if not given
    #[arg(short, long, value_name = "MESH.yaml")]
    output: Option<PathBuf>,
}

fn time_scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale.is_finite() && scale >= 0.0 => Ok(scale),
        _ => Err("a number that is not negative / 必须是非负数".to_owned()),
    }
}

pub(super) fn run(args: &WfcommonsArgs, import: &ImportArgs, lang: Lang) -> Exit {
    let mesh = match import_wfcommons(&args.file, args.time_scale) {
        Ok(mesh) => mesh,
        Err(faults) => {
            warn_faults(lang, &faults);
            return Exit::Wrong;
        }
    };
    write(&mesh, args.output.as_deref(), import, lang)
}
