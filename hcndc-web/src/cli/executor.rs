//! `hcndc executor local`: the executor of a server's own host, as a process that outlives the server.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, pick, warn_error};
use crate::{interchange::Lang, local_executor};

/// Arguments of `executor local`.
#[derive(Debug, Args)]
pub(super) struct LocalArgs {
    /// Folder for its spool and logs
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Folder that relative working directories of jobs count from
    #[arg(long, value_name = "DIR")]
    base_dir: PathBuf,
    /// End when no scheduler has asked for so many seconds and nothing runs
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    orphaned_after: u64,
}

pub(super) fn run(args: &LocalArgs, lang: Lang) -> Exit {
    super::log_to_stderr();
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            warn_error(lang, pick(lang, "cannot start", "无法启动"), &error);
            return Exit::Failed;
        }
    };
    let orphaned_after = std::time::Duration::from_secs(args.orphaned_after);
    let ran = runtime.block_on(local_executor::run(
        args.data_dir.clone(),
        args.base_dir.clone(),
        orphaned_after,
    ));
    match ran {
        Ok(()) => Exit::Success,
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "the executor stopped", "执行器已停止"),
                &error,
            );
            Exit::Failed
        }
    }
}
