//! `hcndc plan` and `hcndc apply`: definitions as code, on a server.

use std::path::PathBuf;

use clap::Args;

use super::{Failed, PlanningArgs, PruneArgs, Target, plan::text, tell_plan};
use crate::{
    cli::{
        Exit, pick, print,
        remote::{RemoteError, confirm::YesArgs},
        runtime,
        server_args::ServerArgs,
        warn_error, warn_faults,
    },
    interchange::{Lang, MeshPlan, PlannedAction, parse_exported},
};

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc plan mesh.yaml
  hcndc plan mesh.yaml --prune --detailed-exitcode
  hcndc plan mesh.yaml --prune-directory /retail

Exit codes: 0 done; 1 the server did not do it; 2 the file is wrong; 3 with --detailed-exitcode: there are changes")]
pub(in crate::cli) struct PlanArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    planning: PlanningArgs,
}

/// Arguments of `apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc apply mesh.yaml
  hcndc apply mesh.yaml --prune --yes")]
pub(in crate::cli) struct ApplyArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    yes: YesArgs,
}

#[derive(Debug, Args)]
struct FileArgs {
    /// Mesh file, as `hcndc export` writes it or as a person does; - for the standard input
    #[arg(value_name = "MESH")]
    mesh: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    prune: PruneArgs,
}

pub(in crate::cli) fn plan(args: &PlanArgs, lang: Lang) -> Exit {
    done(&args.file, lang, async |target| {
        let prune = args.file.prune.asked();
        let (plan, _) = target.plan(prune.as_ref()).await?;
        Ok(tell_plan(&plan, &args.planning, lang))
    })
}

pub(in crate::cli) fn apply(args: &ApplyArgs, lang: Lang) -> Exit {
    done(&args.file, lang, async |target| {
        let prune = args.file.prune.asked();
        let (plan, digest) = target.plan(prune.as_ref()).await?;
        print(lang, text(&plan, lang));
        if plan.is_empty() {
            return Ok(Exit::Success);
        }
        agree(&plan, &args.yes, lang)?;
        // Nothing but what was shown.
        let put = target.put(prune.as_ref(), false, Some(digest)).await?;
        Ok(put.tell(&args.file.mesh.display().to_string(), false, lang))
    })
}

fn agree(plan: &MeshPlan, yes: &YesArgs, lang: Lang) -> Result<(), RemoteError> {
    let gone = plan.count(PlannedAction::Delete);
    match (gone, lang) {
        (0, _) => yes.may_agree(lang, pick(lang, "do this", "执行以上改动")),
        (_, Lang::En) => yes.must_agree(lang, &format!("do this, and delete {gone}")),
        (_, Lang::Zh) => yes.must_agree(lang, &format!("执行以上改动，并删除 {gone} 项")),
    }
}

/// Does something with a file that is right, on a server.
fn done(
    args: &FileArgs,
    lang: Lang,
    work: impl AsyncFnOnce(Target<'_>) -> Result<Exit, Failed>,
) -> Exit {
    let name = args.mesh.display().to_string();
    let text = match args.mesh.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(&args.mesh),
    };
    let text = match text {
        Ok(text) => text,
        Err(error) => {
            let doing = pick(lang, "cannot read the mesh file", "无法读取网状文件");
            warn_error(lang, doing, &error);
            return Exit::Wrong;
        }
    };
    // What is wrong with it is told with the place, before anybody is asked.
    if let Err(faults) = parse_exported(&name, text.as_bytes()) {
        warn_faults(lang, &faults);
        return Exit::Wrong;
    }
    let work = async {
        let server = args.server.served(lang)?;
        let server = &server;
        work(Target::Server { server, text }).await
    };
    let runtime = runtime().map_err(Failed::Runtime);
    let done = runtime.and_then(|runtime| runtime.block_on(work));
    done.unwrap_or_else(|error| error.tell(lang))
}
