//! `hcndc completions`: what a shell needs to complete commands.

use std::io::{self, Write as _};

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::{Exit, pick, warn_error};
use crate::interchange::Lang;

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc completions bash > ~/.local/share/bash-completion/completions/hcndc
  hcndc completions zsh > ~/.zfunc/_hcndc
  hcndc completions fish > ~/.config/fish/completions/hcndc.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, mut command: Command, lang: Lang) -> Exit {
    // Made whole first: a reader that goes away early is no reason to panic.
    let mut script = Vec::new();
    generate(args.shell, &mut command, "hcndc", &mut script);
    let mut out = io::stdout().lock();
    match out.write_all(&script).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let doing = pick(lang, "cannot write the output", "无法写出结果");
            warn_error(lang, doing, &error);
            Exit::Failed
        }
        _ => Exit::Success,
    }
}
