//! `hcndc import crontab`.

use std::path::PathBuf;

use clap::Args;

use super::{ImportArgs, write};
use crate::{
    cli::{Exit, warn, warn_faults},
    interchange::{Lang, import_crontab},
};

/// Arguments of `import crontab`.
#[derive(Debug, Args)]
pub(super) struct CrontabArgs {
    /// The crontab, as `crontab -l` prints it
    crontab: PathBuf,
    /// Each line names the user that it runs as, as in /etc/crontab and /etc/cron.d
    #[arg(long)]
    system: bool,
    /// Time zone of the host that it comes from
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    zone: String,
    /// Where to write the mesh file; standard output if not given
    #[arg(short, long, value_name = "MESH.yaml")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &CrontabArgs, import: &ImportArgs, lang: Lang) -> Exit {
    let imported = match import_crontab(&args.crontab, &args.zone, args.system) {
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
