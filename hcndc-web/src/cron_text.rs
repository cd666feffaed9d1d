//! What is wrong or odd about a cron expression, in both languages.

use std::ops::Range;

use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use chrono_tz::Tz;
use hcndc_core::{
    time::Timestamp,
    trigger::cron::{CronError, CronErrorKind, Expected, Field, LintFinding},
};

use crate::interchange::Lang;

/// What is wrong with an expression, in one sentence without a full stop.
#[must_use]
pub fn message(error: &CronError, lang: Lang) -> String {
    match lang {
        Lang::En => error.to_string(),
        Lang::Zh => {
            let field = error
                .field
                .map_or_else(String::new, |it| format!("{}：", field_zh(it)));
            field + &kind_zh(&error.kind)
        }
    }
}

/// An expression on one line, and a line with carets under some of its bytes. Characters that have no width of their own
/// are shown as blanks.
#[must_use]
pub fn marked(expression: &str, range: Range<usize>) -> (String, String) {
    let (mut line, mut mark) = (String::new(), String::new());
    for (at, letter) in expression.char_indices() {
        line.push(if letter.is_control() { ' ' } else { letter });
        let is_wide = matches!(letter, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3fffd}');
        let sign = if range.contains(&at) { "^" } else { " " };
        mark.push_str(&sign.repeat(if is_wide { 2 } else { 1 }));
    }
    if range.is_empty() {
        // Something is missing here.
        let columns = expression
            .get(..range.start)
            .map_or(0, |it| it.chars().count());
        mark.truncate(columns.min(mark.len()));
        mark.push('^');
    }
    (line, mark.trim_end().to_owned())
}

/// Findings as sentences; those of one change of the clock together.
#[must_use]
pub fn findings(findings: &[LintFinding], zone: Tz, lang: Lang) -> Vec<String> {
    let coded = coded(findings, zone, lang).into_iter();
    coded.map(|(_, line)| line).collect()
}

/// The same, each after the stable name of its kind.
#[must_use]
pub fn coded(findings: &[LintFinding], zone: Tz, lang: Lang) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut left = findings;
    while let Some(first) = left.first() {
        let count = left
            .iter()
            .take_while(|next| same_change(first, next))
            .count()
            .max(1);
        let (group, rest) = left.split_at(count);
        lines.push((code(first), finding(group, zone, lang)));
        left = rest;
    }
    lines
}

/// The stable name of a kind of finding.
const fn code(finding: &LintFinding) -> &'static str {
    match finding {
        LintFinding::Skipped { .. } => "skipped",
        LintFinding::Doubled { .. } => "doubled",
        LintFinding::Never => "never",
        LintFinding::EitherDay => "either_day",
        LintFinding::BothDays { .. } => "both_days",
        LintFinding::WideStep { .. } => "wide_step",
        LintFinding::UnevenStep { .. } => "uneven_step",
        LintFinding::ShortMonth { .. } => "short_month",
        _ => "other",
    }
}

/// True if both come of one change of the clock and mean the same.
fn same_change(one: &LintFinding, two: &LintFinding) -> bool {
    match (one, two) {
        (
            LintFinding::Skipped {
                local: one,
                at: at_one,
            },
            LintFinding::Skipped {
                local: two,
                at: at_two,
            },
        ) => at_one == at_two && (*two - *one).num_hours() < 24,
        (LintFinding::Doubled { local: one, .. }, LintFinding::Doubled { local: two, .. }) => {
            (*two - *one).num_hours() < 24
        }
        _ => false,
    }
}

fn finding(group: &[LintFinding], zone: Tz, lang: Lang) -> String {
    let show = |at: Timestamp| {
        let at: DateTime<Tz> = at.to_utc().with_timezone(&zone);
        at.to_rfc3339_opts(SecondsFormat::Secs, false)
    };
    let locals: Vec<NaiveDateTime> = group
        .iter()
        .filter_map(|it| match it {
            LintFinding::Skipped { local, .. } | LintFinding::Doubled { local, .. } => Some(*local),
            _ => None,
        })
        .collect();
    let which = match (locals.as_slice(), lang) {
        ([], _) => String::new(),
        ([one], _) => one.to_string(),
        ([first, .., last], Lang::En) => format!("{} times from {first} to {last}", locals.len()),
        ([first, .., last], Lang::Zh) => format!("{first} 至 {last} 的 {} 个时间", locals.len()),
    };
    let Some(first) = group.first() else {
        return which;
    };
    match (first, lang) {
        (LintFinding::Skipped { at: Some(at), .. }, Lang::En) => {
            format!("{which}: the clock jumps over it; fires at {}", show(*at))
        }
        (LintFinding::Skipped { at: Some(at), .. }, Lang::Zh) => {
            format!("{which}：时钟跳过，改在 {} 触发", show(*at))
        }
        (LintFinding::Skipped { at: None, .. }, Lang::En) => {
            format!("{which}: the clock jumps over it; does not fire")
        }
        (LintFinding::Skipped { at: None, .. }, Lang::Zh) => format!("{which}：时钟跳过，不触发"),
        (LintFinding::Doubled { first, second, twice, .. }, lang) => {
            let (first, second) = (show(*first), show(*second));
            match (lang, twice) {
                (Lang::En, true) => format!("{which}: shown twice; fires both times, first at {first} and {second}"),
                (Lang::En, false) => format!("{which}: shown twice; fires the first time only, at {first}, not at {second}"),
                (Lang::Zh, true) => format!("{which}：出现两次，两次都触发，先后为 {first} 和 {second}"),
                (Lang::Zh, false) => format!("{which}：出现两次，只在第一次 {first} 触发，{second} 不触发"),
            }
        }
        (LintFinding::Never, Lang::En) => "there is no such date: it never fires".to_owned(),
        (LintFinding::Never, Lang::Zh) => "没有这样的日期：永不触发".to_owned(),
        (LintFinding::EitherDay, Lang::En) => {
            "both day fields are given: it fires on days that either of them names, not only on days that both name".to_owned()
        }
        (LintFinding::EitherDay, Lang::Zh) => "日和星期都给出了：满足其中任意一个的日子都会触发，而不是两者都满足".to_owned(),
        (LintFinding::BothDays { field }, Lang::En) => {
            format!("{field} begins with *: it fires only on days that both day fields name")
        }
        (LintFinding::BothDays { field }, Lang::Zh) => {
            format!("{}以 * 开头：只在日和星期都满足的日子触发", field_zh(*field))
        }
        (LintFinding::WideStep { field, step }, Lang::En) => {
            format!("{field}: a step of {step} leaves one value only")
        }
        (LintFinding::WideStep { field, step }, Lang::Zh) => {
            format!("{}：步长 {step} 使得只剩一个值", field_zh(*field))
        }
        (LintFinding::UnevenStep { field, step, last }, Lang::En) => {
            format!("{field}: {step} does not divide the whole, so the last step is {last} only")
        }
        (LintFinding::UnevenStep { field, step, last }, Lang::Zh) => {
            format!("{}：步长 {step} 不能整除，最后一步只有 {last}", field_zh(*field))
        }
        (LintFinding::ShortMonth { day }, Lang::En) => {
            format!("day {day}: months without it are left out; L is the last day of every month")
        }
        (LintFinding::ShortMonth { day }, Lang::Zh) => {
            format!("{day} 日：没有这一天的月份不触发；L 表示每月最后一天")
        }
        (other, _) => format!("{other:?}"),
    }
}

/// The field's name in Chinese.
const fn field_zh(field: Field) -> &'static str {
    match field {
        Field::Year => "年",
        Field::Month => "月",
        Field::DayOfMonth => "日",
        Field::Week => "周数",
        Field::DayOfWeek => "星期",
        Field::Hour => "时",
        Field::Minute => "分",
        Field::Second => "秒",
    }
}

fn kind_zh(kind: &CronErrorKind) -> String {
    match kind {
        CronErrorKind::Empty => "表达式为空".to_owned(),
        CronErrorKind::FieldCount {
            found,
            expected,
            dialect,
        } => {
            let counts: Vec<_> = expected.iter().map(ToString::to_string).collect();
            format!(
                "有 {found} 个字段，而 {dialect} 表达式应有 {} 个",
                counts.join(" 或 ")
            )
        }
        CronErrorKind::UnknownMacro { name } => format!("这种语法没有 {name}"),
        CronErrorKind::Unexpected { found, expected } => {
            format!("“{found}” 处应为{}", expected_zh(*expected))
        }
        CronErrorKind::OutOfRange { found, min, max } => {
            format!("{found} 不在 {min} 至 {max} 之间")
        }
        CronErrorKind::Backwards { first, last } => format!("范围的终点 {last} 早于起点 {first}"),
        CronErrorKind::BothDays => "日和星期不能同时给出：其中一个必须为 ?".to_owned(),
        CronErrorKind::NoDay => "日和星期只能有一个为 ?".to_owned(),
        CronErrorKind::UnknownKey { key } => format!("没有 “{key}” 这个字段"),
        CronErrorKind::RepeatedKey { key } => format!("{key} 给出了两次"),
        CronErrorKind::OpenQuote => "引号没有闭合".to_owned(),
        other => other.to_string(),
    }
}

fn expected_zh(expected: Expected) -> String {
    match expected {
        Expected::Number { min, max } => format!(" {min} 至 {max} 的数"),
        Expected::Month => "月份（1 至 12，或 JAN 至 DEC）".to_owned(),
        Expected::DayOfMonth => "日期（1 至 31，或该语法的特殊写法）".to_owned(),
        Expected::DayOfWeek { min, max } => format!("星期（{min} 至 {max}，或 MON 至 SUN）"),
        Expected::Step { max } => format!(" 1 至 {max} 的步长"),
        Expected::Nth => "第几个（1 至 5）".to_owned(),
        Expected::EndOfItem => "结尾，不应再有内容".to_owned(),
        Expected::KeyAndValue => "“字段=值”".to_owned(),
        other => other.to_string(),
    }
}
