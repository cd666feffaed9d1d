//! `hcndc db check`.

use std::fmt::Write as _;

use clap::Args;
use hcndc_store_mysql::{Finding, SqlError, Weight};
use serde_json::json;

use super::{DatabaseArgs, finding_text};
use crate::{
    cli::{Exit, pick, print},
    interchange::Lang,
};

/// Arguments of `db check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Fails if a server would not start.
pub(super) async fn run(args: &CheckArgs, lang: Lang) -> Result<Exit, SqlError> {
    let upkeep = args.database.open().await?;
    let mut findings = upkeep.check(super::now()).await?;
    upkeep.close().await?;
    // What matters most comes last, where people look.
    findings.sort_by_key(Finding::weight);
    let fatal = findings.iter().any(|it| it.weight() == Weight::Fatal);
    let text = match args.json {
        true => as_json(&findings, lang),
        false => as_text(&findings, lang),
    };
    Ok(match print(lang, text) {
        Exit::Success if fatal => Exit::Failed,
        exit => exit,
    })
}

const fn weight_code(weight: Weight) -> &'static str {
    match weight {
        Weight::Note => "note",
        Weight::Warning => "warning",
        Weight::Fatal => "error",
    }
}

fn as_json(findings: &[Finding], lang: Lang) -> String {
    let findings = findings.iter().map(|it| {
        json!({
            "code": it.code(),
            "weight": weight_code(it.weight()),
            "message": finding_text::message(it, lang),
            "remedy": finding_text::remedy(it, lang),
        })
    });
    format!("{:#}", json!({ "findings": findings.collect::<Vec<_>>() }))
}

fn as_text(findings: &[Finding], lang: Lang) -> String {
    let mut text = String::new();
    for it in findings {
        let weight = match (it.weight(), lang) {
            (weight, Lang::En) => weight_code(weight),
            (Weight::Note, Lang::Zh) => "提示",
            (Weight::Warning, Lang::Zh) => "警告",
            (Weight::Fatal, Lang::Zh) => "错误",
        };
        let colon = pick(lang, ": ", "：");
        let remedy = pick(lang, "remedy", "解决办法");
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "{weight}[{}]{colon}{}\n  {remedy}{colon}{}",
            it.code(),
            finding_text::message(it, lang),
            finding_text::remedy(it, lang)
        );
    }
    let fatal = findings.iter().any(|it| it.weight() == Weight::Fatal);
    text.push_str(match fatal {
        true => pick(lang, "a server would not start", "服务将无法启动"),
        false => pick(lang, "a server can start", "服务可以启动"),
    });
    text
}
