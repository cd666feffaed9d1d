//! `hcndc import wfcommons`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{Exit, pick, print, say, warn_error, warn_faults},
    interchange::{Lang, import_wfcommons, to_yaml},
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

pub(super) fn run(args: &WfcommonsArgs, lang: Lang) -> Exit {
    let mesh = match import_wfcommons(&args.file, args.time_scale) {
        Ok(mesh) => mesh,
        Err(faults) => {
            warn_faults(lang, &faults);
            return Exit::Wrong;
        }
    };
    let text = to_yaml(&mesh);
    let Some(output) = &args.output else {
        return print(lang, text.trim_end());
    };
    if let Err(error) = std::fs::write(output, text) {
        let doing = match lang {
            Lang::En => format!("cannot write {}", output.display()),
            Lang::Zh => format!("无法写入 {}", output.display()),
        };
        warn_error(lang, &doing, &error);
        return Exit::Failed;
    }
    let jobs: usize = mesh.flows.iter().map(|flow| flow.jobs.len()).sum();
    say(format_args!(
        "{}: {jobs} {}",
        output.display(),
        pick(lang, "jobs", "个任务")
    ));
    Exit::Success
}
