//! `hcndc db status`.

use std::fmt::Write as _;

use clap::Args;
use hcndc_core::time::Timestamp;
use hcndc_store_mysql::{DatabaseStatus, LeaderStatus, MigrationStatus, SqlError};
use serde_json::{Value, json};

use super::DatabaseArgs;
use crate::{
    cli::{Exit, pick, print},
    interchange::Lang,
};

/// Arguments of `db status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &StatusArgs, lang: Lang) -> Result<Exit, SqlError> {
    let upkeep = args.database.open().await?;
    let status = upkeep.status().await?;
    upkeep.close().await?;
    let now = super::now();
    let text = match args.json {
        true => format!("{:#}", as_json(&status, now)),
        false => as_text(&status, now, lang),
    };
    Ok(print(lang, text.trim_end()))
}

/// Whether the lease is in force, as far as this clock can tell.
fn leads(leader: &LeaderStatus, now: Timestamp) -> bool {
    leader.holder.is_some() && leader.expires_at.is_some_and(|end| end > now)
}

fn as_json(status: &DatabaseStatus, now: Timestamp) -> Value {
    let migrations = status.migrations.iter().map(|step| {
        json!({
            "name": step.name,
            "applied_at": step.applied_at.map(|at| at.to_string()),
            "known": step.known,
        })
    });
    let rows = status
        .rows
        .iter()
        .map(|it| (it.table.to_owned(), it.rows.into()));
    let leader = status.leader.as_ref().map(|leader| {
        json!({
            "realm": leader.realm,
            "fence": leader.fence,
            "holder": leader.holder,
            "expires_at": leader.expires_at.map(|at| at.to_string()),
            "leads": leads(leader, now),
            "next_id": leader.next_id,
        })
    });
    json!({
        "address": status.address,
        "product": status.product.name(),
        "version": status.version,
        "schema": newest(&status.migrations).map(|step| &step.name),
        "pending": pending(&status.migrations),
        "migrations": migrations.collect::<Vec<_>>(),
        "rows": rows.collect::<serde_json::Map<_, _>>(),
        "bytes": status.bytes,
        "leader": leader,
    })
}

fn newest(steps: &[MigrationStatus]) -> Option<&MigrationStatus> {
    steps.iter().rfind(|step| step.applied_at.is_some())
}

fn pending(steps: &[MigrationStatus]) -> usize {
    steps
        .iter()
        .filter(|step| step.applied_at.is_none())
        .count()
}

fn as_text(status: &DatabaseStatus, now: Timestamp, lang: Lang) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name}{value}");
    };
    line(
        pick(lang, "database    ", "数据库      "),
        status.address.clone(),
    );
    let server = format!("{} {}", status.product.name(), status.version);
    line(pick(lang, "server      ", "数据库版本  "), server);
    let schema = newest(&status.migrations).map_or_else(
        || pick(lang, "no tables yet", "尚未建表").to_owned(),
        |step| step.name.clone(),
    );
    line(pick(lang, "schema      ", "表结构版本  "), schema);
    line(
        pick(lang, "size        ", "大小        "),
        mebibytes(status.bytes),
    );
    let leader = match &status.leader {
        None => pick(lang, "nobody yet", "尚无").to_owned(),
        Some(leader) => leader_text(leader, now, lang),
    };
    line(pick(lang, "leader      ", "主调度器    "), leader);
    if let Some(leader) = &status.leader {
        line(
            pick(lang, "realm       ", "标识        "),
            leader.realm.clone(),
        );
    }
    line(pick(lang, "rows", "行数"), String::new());
    for it in &status.rows {
        line("  ", format!("{:<16}{:>12}", it.table, it.rows));
    }
    line(pick(lang, "migrations", "迁移"), String::new());
    for step in &status.migrations {
        let state = match (step.applied_at, step.known, lang) {
            (Some(at), true, _) => at.to_string(),
            (Some(at), false, Lang::En) => format!("{at}, by a newer version of hcndc"),
            (Some(at), false, Lang::Zh) => format!("{at}，由更新版本的 hcndc 执行"),
            (None, _, _) => pick(lang, "to come", "待执行").to_owned(),
        };
        line("  ", format!("{:<34}{state}", step.name));
    }
    text
}

fn leader_text(leader: &LeaderStatus, now: Timestamp, lang: Lang) -> String {
    let term = leader.fence;
    match (&leader.holder, leader.expires_at) {
        (Some(holder), Some(end)) => match (leads(leader, now), lang) {
            (true, Lang::En) => format!("{holder}, term {term}, until {end}"),
            (true, Lang::Zh) => format!("{holder}，第 {term} 任，至 {end}"),
            (false, Lang::En) => format!("nobody; {holder}, term {term}, led until {end}"),
            (false, Lang::Zh) => format!("无；上一任为 {holder}（第 {term} 任），至 {end}"),
        },
        _ => match lang {
            Lang::En => format!("nobody; the last term was {term}"),
            Lang::Zh => format!("无；上一任为第 {term} 任"),
        },
    }
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
