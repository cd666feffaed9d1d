//! A question before something is lost.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::RemoteError;
use crate::{cli::pick, interchange::Lang};

/// Whether a person need not be asked.
#[derive(Debug, Args)]
pub(in crate::cli) struct YesArgs {
    /// Do it without asking
    #[arg(short, long)]
    yes: bool,
}

impl YesArgs {
    /// Asks whether this is wanted, where it cannot be undone. Where nobody can be asked, `--yes` must have been given.
    pub(in crate::cli) fn must_agree(&self, lang: Lang, what: &str) -> Result<(), RemoteError> {
        match (self.yes, is_interactive()) {
            (true, _) => Ok(()),
            (false, true) => ask(lang, what),
            (false, false) => Err(RemoteError::Unconfirmed {
                what: what.to_owned(),
            }),
        }
    }

    /// The same of what can be mended: where nobody can be asked, it is done.
    pub(in crate::cli) fn may_agree(&self, lang: Lang, what: &str) -> Result<(), RemoteError> {
        match !self.yes && is_interactive() {
            true => ask(lang, what),
            false => Ok(()),
        }
    }
}

fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn ask(lang: Lang, what: &str) -> Result<(), RemoteError> {
    let mut out = io::stderr().lock();
    write!(out, "{what}{}", pick(lang, "? [y/N] ", "？[y/N] "))?;
    out.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" | "是" => Ok(()),
        _ => Err(RemoteError::Declined),
    }
}
