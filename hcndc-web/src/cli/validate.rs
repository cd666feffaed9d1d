//! `hcndc validate`.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, say, warn_faults};
use crate::interchange::{Lang, check_runnable, read_mesh};

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// Mesh file, YAML or JSON
    mesh: PathBuf,
    /// A param that `run` will be given with --set, so that commands may use it
    #[arg(long = "set", value_name = "NAME[=VALUE]")]
    set: Vec<String>,
}

pub(super) fn run(args: &ValidateArgs, lang: Lang) -> Exit {
    let names: Vec<&str> = args
        .set
        .iter()
        .map(|set| set.split_once('=').map_or(set.as_str(), |(name, _)| name))
        .collect();
    let read = read_mesh(&args.mesh, &names);
    match read.and_then(|mesh| check_runnable(&mesh).map(|()| mesh)) {
        Ok(mesh) => {
            let flows = mesh.file.flows.len();
            let jobs: usize = mesh.file.flows.iter().map(|flow| flow.jobs.len()).sum();
            let name = args.mesh.display();
            match lang {
                Lang::En => say(format_args!("{name}: ok, {flows} flows, {jobs} jobs")),
                Lang::Zh => say(format_args!(
                    "{name}：正确，{flows} 个任务流，{jobs} 个任务"
                )),
            }
            Exit::Success
        }
        Err(faults) => {
            warn_faults(lang, &faults);
            Exit::Wrong
        }
    }
}
