//! `hcndc cron`.

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use chrono_tz::Tz;
use clap::{Args, Subcommand, ValueEnum};
use hcndc_core::{
    time::Timestamp,
    trigger::cron::{Cron, CronError, Dialect, Language},
};

use super::{Exit, pick, print, warn};
use crate::{cron_text, interchange::Lang};

/// Arguments of `cron`.
#[derive(Debug, Args)]
pub(super) struct CronArgs {
    #[command(subcommand)]
    ask: Ask,
}

#[derive(Debug, Subcommand)]
enum Ask {
    /// Print the times that come next, one a line, with the zone's offset
    Next(NextArgs),
    /// Print the times that came before, one a line, the latest first
    Prev(PrevArgs),
    /// Say in a sentence what the expression means
    Explain(Subject),
    /// List the times of a year that changes of the clock skip or show twice, and fields that are easily misread
    Lint(LintArgs),
}

#[derive(Debug, Args)]
struct Subject {
    /// The cron expression, as one argument
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    expression: String,
    /// Whose rules it follows: unix (five fields, or six with the second first), quartz, apscheduler
    #[arg(long, value_enum, default_value_t = DialectName::Unix)]
    dialect: DialectName,
}

#[derive(Debug, Args)]
struct NextArgs {
    #[command(flatten)]
    subject: Subject,
    /// IANA zone, such as Asia/Shanghai
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    tz: Tz,
    /// Only times later than this one, RFC 3339; now if not given
    #[arg(long, value_name = "RFC3339", value_parser = time)]
    after: Option<Timestamp>,
    /// How many times at most
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: usize,
}

#[derive(Debug, Args)]
struct PrevArgs {
    #[command(flatten)]
    subject: Subject,
    /// IANA zone, such as Asia/Shanghai
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    tz: Tz,
    /// Only times earlier than this one, RFC 3339; now if not given
    #[arg(long, value_name = "RFC3339", value_parser = time)]
    before: Option<Timestamp>,
    /// How many times at most
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: usize,
}

#[derive(Debug, Args)]
struct LintArgs {
    #[command(flatten)]
    subject: Subject,
    /// IANA zone, such as Asia/Shanghai
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    tz: Tz,
    /// Which year's changes of the clock to look at; this year's if not given
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1..=9999))]
    year: Option<i32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DialectName {
    Unix,
    Quartz,
    Apscheduler,
}

impl From<DialectName> for Dialect {
    fn from(name: DialectName) -> Self {
        match name {
            DialectName::Unix => Self::Unix,
            DialectName::Quartz => Self::Quartz,
            DialectName::Apscheduler => Self::Apscheduler,
        }
    }
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        "an IANA zone, such as Asia/Shanghai / IANA 时区名，如 Asia/Shanghai".to_owned()
    })
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "a time in RFC 3339, such as 2026-11-21T18:00:00+08:00 / RFC 3339 格式的时间，如 2026-11-21T18:00:00+08:00"
            .to_owned()
    })
}

pub(super) fn run(args: &CronArgs, lang: Lang) -> Exit {
    let subject = match &args.ask {
        Ask::Next(args) => &args.subject,
        Ask::Prev(args) => &args.subject,
        Ask::Lint(args) => &args.subject,
        Ask::Explain(subject) => subject,
    };
    let cron = match Cron::parse(subject.dialect.into(), &subject.expression) {
        Ok(cron) => cron,
        Err(error) => {
            warn_cron(lang, &subject.expression, &error);
            return Exit::Wrong;
        }
    };
    let now = || Timestamp::from(Utc::now());
    let lines = match &args.ask {
        Ask::Next(args) => {
            let after = args.after.unwrap_or_else(now);
            let found = std::iter::successors(Some(after), |&last| cron.next(args.tz, last));
            times(lang, found.skip(1).take(args.count), args.tz)
        }
        Ask::Prev(args) => {
            let before = args.before.unwrap_or_else(now);
            let found = std::iter::successors(Some(before), |&last| cron.prev(args.tz, last));
            times(lang, found.skip(1).take(args.count), args.tz)
        }
        Ask::Explain(_) => vec![cron.words(match lang {
            Lang::En => Language::En,
            Lang::Zh => Language::Zh,
        })],
        Ask::Lint(args) => {
            let this_year = || now().to_utc().with_timezone(&args.tz).year();
            let year = args.year.unwrap_or_else(this_year);
            let lines = cron_text::findings(&cron.lint(args.tz, year), args.tz, lang);
            if lines.is_empty() {
                vec![pick(lang, "nothing to say against it", "没有发现问题").to_owned()]
            } else {
                lines
            }
        }
    };
    if lines.is_empty() {
        return Exit::Success;
    }
    print(lang, lines.join("\n"))
}

/// Times with the zone's offset at each.
fn times(lang: Lang, times: impl Iterator<Item = Timestamp>, zone: Tz) -> Vec<String> {
    let show = |at: Timestamp| {
        let at: DateTime<Tz> = at.to_utc().with_timezone(&zone);
        at.to_rfc3339_opts(SecondsFormat::Secs, false)
    };
    let lines: Vec<_> = times.map(show).collect();
    if lines.is_empty() {
        warn(pick(lang, "there is no such time", "没有这样的时间"));
    }
    lines
}

/// What is wrong with an expression, and the place in it.
fn warn_cron(lang: Lang, expression: &str, error: &CronError) {
    let kind = pick(lang, "error: ", "错误：");
    warn(format_args!("{kind}{}", cron_text::message(error, lang)));
    let (line, mark) = cron_text::marked(expression, error.range.clone());
    warn(format_args!("  {line}"));
    warn(format_args!("  {mark}"));
}
