//! `hcndc whoami`: as whom one talks to a server, and what one may do there.

use clap::Args;

use super::{RemoteError, Talk, done, table::fields};
use crate::{cli::Exit, interchange::Lang};

/// Arguments of `whoami`.
#[derive(Debug, Args)]
pub(in crate::cli) struct WhoamiArgs {
    #[command(flatten)]
    talk: Talk,
}

pub(in crate::cli) fn run(args: &WhoamiArgs, lang: Lang) -> Exit {
    done(lang, ask(args, lang))
}

async fn ask(args: &WhoamiArgs, lang: Lang) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    let session = desk.served.json("/api/v1/session").await?;
    Ok(desk.tell(&session, || {
        let server = desk.served.name();
        let server = match lang {
            Lang::En => format!("server {server}"),
            Lang::Zh => format!("服务 {server}"),
        };
        format!("{server}\n{}", fields(&session, lang))
    }))
}
