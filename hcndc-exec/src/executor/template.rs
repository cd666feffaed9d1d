//! Placeholders in commands, directories, environment and params: found, and replaced.
//!
//! | placeholder | becomes |
//! | --- | --- |
//! | `${date}` | the data date, `2026-11-21`; in the format of the execution if it has one |
//! | `${date:FORMAT}` | the data date in a format of [chrono's](chrono::format::strftime), dates only |
//! | `${date-1d}`, `${date+2w:%Y%m%d}` | a date so many days, weeks, months (`m`) or years away; may be chained |
//! | `${date-1e}`, `${date+0f}` | the last (`e`) or first (`f`) day of the month that is so many months away |
//! | `${date-1b}`, `${date+2b}` | the business day that is so many of them away; `-0b` and `+0b` the data date if it is one, else the last one before it or the first one after it |
//! | `${flow_name}`, `${job_name}` | the names |
//! | `${exec_id}`, `${attempt}` | the execution's id; the attempt's number, from 1 |
//! | `${param.NAME}` | the value of that name |
//!
//! All else is the shell's: `${HOME}`, `${date:-x}`, `${x%.*}`, and whatever follows a second dollar sign, `$${date}`.
//!
//! A value that a `${param.NAME}` brings in has its own placeholders replaced once, but for params: a value cannot
//! bring in another one, so there are no loops. What another job has put out is taken as it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    ops::Range,
};

use chrono::{
    Datelike as _, Months,
    format::{Item, StrftimeItems},
};
use hcndc_core::{
    engine::RunOrder,
    id::ExecutionId,
    time::{DataDate, DateFormat},
    trigger::calendar::BusinessDays,
};

/// A placeholder in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// Its bytes, from the dollar sign to the closing brace.
    pub range: Range<usize>,
    /// What goes there.
    pub subject: Subject,
}

/// What a placeholder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A date.
    Date {
        /// How far from the data date; applied from left to right.
        offsets: Vec<Offset>,
        /// How it is written; `None` as the execution says, or else `%Y-%m-%d`.
        format: Option<String>,
    },
    /// The flow's name.
    FlowName,
    /// The job's name.
    JobName,
    /// The execution's id.
    ExecutionId,
    /// The attempt's number.
    Attempt,
    /// The value of this name.
    Param(String),
}

/// A distance between dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// How many; negative goes back. -99,999 to 99,999; of business days -999 to 999.
    pub amount: i32,
    /// Of what.
    pub unit: Unit,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+}{}", self.amount, self.unit.letter())
    }
}

/// What a distance between dates counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `d`.
    Day,
    /// `w`, seven days.
    Week,
    /// `m`; a day that the month lacks becomes its last one.
    Month,
    /// `y`, twelve months.
    Year,
    /// `f`, the first day of the month that is so many months away.
    MonthStart,
    /// `e`, the last day of the month that is so many months away.
    MonthEnd,
    /// `b`, a day on which business is done.
    BusinessDay,
    /// `-0b`, the day itself if business is done on it, else the last one before it.
    BusinessDayUntil,
    /// `+0b`, the day itself if business is done on it, else the first one after it.
    BusinessDayFrom,
}

impl Unit {
    const WRITTEN: [Self; 7] = [
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Year,
        Self::MonthStart,
        Self::MonthEnd,
        Self::BusinessDay,
    ];

    const fn letter(self) -> char {
        match self {
            Self::Day => 'd',
            Self::Week => 'w',
            Self::Month => 'm',
            Self::Year => 'y',
            Self::MonthStart => 'f',
            Self::MonthEnd => 'e',
            Self::BusinessDay | Self::BusinessDayUntil | Self::BusinessDayFrom => 'b',
        }
    }

    /// Whether any executor can count it: those of older versions know these, and none knows the flow's calendar.
    const fn is_plain(self) -> bool {
        matches!(self, Self::Day | Self::Week | Self::Month | Self::Year)
    }

    /// Digits that may stand before it. Business days are counted one by one.
    const fn most_digits(self) -> usize {
        match self {
            Self::BusinessDay => 3,
            _ => 5,
        }
    }
}

/// Distances in business days, one after the other: each may take a thousand steps.
const MOST_BUSINESS: usize = 8;

/// Days that one distance can tell.
const MOST_AWAY: i64 = 99_999;

/// Which dates there are in a run, and how they are written.
#[derive(Clone, Copy, Debug)]
pub struct Dates<'a> {
    /// The date that the run is for.
    pub data_date: DataDate,
    /// How dates are written whose placeholders do not say so; `None` for `%Y-%m-%d`.
    pub format: Option<&'a DateFormat>,
    /// Which days are business days; `None` for Monday to Friday.
    pub business: Option<&'a BusinessDays>,
}

impl From<DataDate> for Dates<'_> {
    fn from(data_date: DataDate) -> Self {
        Self {
            data_date,
            format: None,
            business: None,
        }
    }
}

impl<'a> From<&'a RunOrder> for Dates<'a> {
    fn from(order: &'a RunOrder) -> Self {
        Self {
            data_date: order.data_date,
            format: order.date_format.as_ref(),
            business: order.calendar.as_deref().map(|it| &it.days),
        }
    }
}

/// What placeholders are replaced by.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Dates.
    pub dates: Dates<'a>,
    /// The flow's name.
    pub flow: &'a str,
    /// The job's name.
    pub job: &'a str,
    /// The execution.
    pub execution: ExecutionId,
    /// The attempt's number.
    pub attempt: u32,
    /// Values by name.
    pub values: &'a BTreeMap<String, String>,
    /// Names of those that are taken as they are: no placeholder in them is one.
    pub literal: &'a BTreeSet<String>,
}

impl<'a> From<&'a RunOrder> for Context<'a> {
    fn from(order: &'a RunOrder) -> Self {
        Self {
            dates: order.into(),
            flow: &order.flow,
            job: &order.job,
            execution: order.execution,
            attempt: order.number,
            values: &order.values,
            literal: &order.literal,
        }
    }
}

/// A placeholder that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct TemplateError {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// What is wrong with it.
    pub fault: TemplateFault,
}

/// What is wrong with a placeholder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TemplateFault {
    #[error(
        "{text:?} is no distance from a date; it takes a sign, at most five digits and one of d, w, m, y, f, e; or at most three and b"
    )]
    Offset { text: String },
    #[error(
        "{format:?} is no format of a date; it takes %Y, %m, %d and their kin, and no time of day"
    )]
    Format { format: String },
    #[error("{name:?} is no name of a param")]
    ParamName { name: String },
    #[error("no param is named {name:?}")]
    UnknownParam { name: String },
    #[error("the date lies outside of the years 1 to 9999")]
    OutOfRange,
    #[error("the value of {name:?}, which goes here: {fault}")]
    InValue { name: String, fault: Box<Self> },
}

/// The placeholders of a text, in order.
///
/// # Errors
/// The first one that is ours by its beginning and wrong in the rest.
///
/// # Examples
/// ```
/// use hcndc_exec::executor::template::{Subject, placeholders};
/// let found = placeholders("load ${param.table} ${HOME}")?;
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].subject, Subject::Param("table".into()));
/// assert!(placeholders("${date-1x}").is_err());
/// # Ok::<(), hcndc_exec::executor::template::TemplateError>(())
/// ```
pub fn placeholders(text: &str) -> Result<Vec<Placeholder>, TemplateError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(dollar) = text[at..].find('$').map(|i| at + i) {
        let rest = &text[dollar..];
        if rest.starts_with("$${") {
            at = dollar + 3;
            continue;
        }
        let Some(inner) = rest.strip_prefix("${") else {
            at = dollar + 1;
            continue;
        };
        let Some(length) = inner.find('}') else { break };
        let range = dollar..dollar + 2 + length + 1;
        match parse(&inner[..length]) {
            Ok(Some(subject)) => {
                at = range.end;
                found.push(Placeholder { range, subject });
            }
            // The shell's own braces may hold placeholders of ours: `${X:-${date}}`.
            Ok(None) => at = dollar + 2,
            Err(fault) => return Err(TemplateError { range, fault }),
        }
    }
    Ok(found)
}

/// The text with its placeholders replaced.
///
/// # Errors
/// The first placeholder that is wrong, names no value, or leads out of the calendar.
pub fn expand(text: &str, context: Context<'_>) -> Result<String, TemplateError> {
    replace(text, |subject| match subject {
        Subject::Param(name) => match context.values.get(name) {
            None => Err(TemplateFault::UnknownParam { name: name.clone() }),
            Some(value) if context.literal.contains(name) => Ok(Some(value.clone())),
            Some(value) => {
                expand_value(value, context)
                    .map(Some)
                    .map_err(|error| TemplateFault::InValue {
                        name: name.clone(),
                        fault: Box::new(error.fault),
                    })
            }
        },
        other => own(other, context),
    })
}

/// A value with its placeholders replaced once; other params in it stay as they are.
///
/// # Errors
/// As for [`expand`].
pub fn expand_value(value: &str, context: Context<'_>) -> Result<String, TemplateError> {
    replace(value, |subject| own(subject, context))
}

/// The text with its dates as anyone can tell them who knows the data date and nothing else: placeholders that name no format
/// have the one that is given; business days, and first and last days of months, are counted in days. A text with a wrong placeholder stays as it is, and comes to
/// nothing either way.
///
/// ```
/// use hcndc_core::time::DataDate;
/// use hcndc_exec::executor::template::{Dates, settle_dates};
/// let (monday, format): (DataDate, _) = ("2026-11-23".parse()?, "%Y%m%d".parse()?);
/// let dates = Dates { format: Some(&format), ..Dates::from(monday) };
/// let text = settle_dates("load ${date-1d} ${date-1b:%Y} ${date:-today}", dates);
/// assert_eq!(text, "load ${date-1d:%Y%m%d} ${date-3d:%Y} ${date:-today}");
/// # Ok::<(), hcndc_core::time::TimeError>(())
/// ```
#[must_use]
pub fn settle_dates(text: &str, dates: Dates<'_>) -> String {
    let mut settled = String::with_capacity(text.len());
    let mut copied = 0;
    for Placeholder { range, subject } in placeholders(text).unwrap_or_default() {
        let Subject::Date { offsets, format } = subject else {
            continue;
        };
        let counted = offsets.iter().rposition(|it| !it.unit.is_plain());
        if counted.is_none() && (format.is_some() || dates.format.is_none()) {
            continue;
        }
        let (counted, rest) = offsets.split_at(counted.map_or(0, |at| at + 1));
        let mut distance = match counted {
            [] => String::new(),
            counted => days_to(
                shift(dates.data_date, counted, dates.business),
                dates.data_date,
            ),
        };
        distance.extend(rest.iter().map(Offset::to_string));
        let format = format
            .as_deref()
            .or_else(|| dates.format.map(DateFormat::as_str));
        // `${date:-x}` and the like are the shell's.
        if distance.is_empty() && format.is_some_and(|it| it.starts_with(SHELLS)) {
            distance.push_str("+0d");
        }
        settled.push_str(&text[copied..range.start]);
        settled.push_str("${date");
        settled.push_str(&distance);
        if let Some(format) = format {
            settled.push(':');
            settled.push_str(format);
        }
        settled.push('}');
        copied = range.end;
    }
    settled.push_str(&text[copied..]);
    settled
}

/// The way from one date to another, as placeholders write it; to none, one that leads out of the calendar.
fn days_to(date: Option<DataDate>, from: DataDate) -> String {
    let Some(date) = date else {
        return "-99999y".to_owned();
    };
    let mut left = (date.to_naive() - from.to_naive()).num_days();
    let mut way = String::new();
    while left != 0 || way.is_empty() {
        let step = left.clamp(-MOST_AWAY, MOST_AWAY);
        way += &format!("{step:+}d");
        left -= step;
    }
    way
}

fn replace(
    text: &str,
    with: impl Fn(&Subject) -> Result<Option<String>, TemplateFault>,
) -> Result<String, TemplateError> {
    let mut expanded = String::with_capacity(text.len());
    let mut copied = 0;
    for Placeholder { range, subject } in placeholders(text)? {
        let Some(value) = with(&subject).map_err(|fault| TemplateError {
            range: range.clone(),
            fault,
        })?
        else {
            continue;
        };
        expanded.push_str(&text[copied..range.start]);
        expanded.push_str(&value);
        copied = range.end;
    }
    expanded.push_str(&text[copied..]);
    Ok(expanded)
}

/// What stands for anything but a param; `None` for a param.
fn own(subject: &Subject, context: Context<'_>) -> Result<Option<String>, TemplateFault> {
    Ok(Some(match subject {
        Subject::Date { offsets, format } => {
            let dates = context.dates;
            let date = shift(dates.data_date, offsets, dates.business);
            let date = date.ok_or(TemplateFault::OutOfRange)?;
            match (format, dates.format) {
                (Some(format), _) => write_date(date, format)?,
                (None, Some(format)) => format.write(date),
                (None, None) => date.to_string(),
            }
        }
        Subject::FlowName => context.flow.to_owned(),
        Subject::JobName => context.job.to_owned(),
        Subject::ExecutionId => context.execution.to_string(),
        Subject::Attempt => context.attempt.to_string(),
        Subject::Param(_) => return Ok(None),
    }))
}

fn shift(date: DataDate, offsets: &[Offset], business: Option<&BusinessDays>) -> Option<DataDate> {
    offsets.iter().try_fold(date, |date, offset| {
        let months = |months: i32| {
            let by = Months::new(months.unsigned_abs());
            let naive = date.to_naive();
            let moved = if months < 0 {
                naive.checked_sub_months(by)
            } else {
                naive.checked_add_months(by)
            };
            moved.and_then(DataDate::new)
        };
        match offset.unit {
            Unit::Day => date.plus_days(offset.amount),
            Unit::Week => date.plus_days(offset.amount * 7),
            Unit::Month => months(offset.amount),
            Unit::Year => months(offset.amount * 12),
            Unit::MonthStart => first_of_month(months(offset.amount)?),
            Unit::MonthEnd => last_of_month(months(offset.amount)?),
            Unit::BusinessDay | Unit::BusinessDayUntil | Unit::BusinessDayFrom => match business {
                Some(days) => business_day(date, *offset, days),
                None => business_day(date, *offset, &BusinessDays::default()),
            },
        }
    })
}

fn business_day(date: DataDate, offset: Offset, days: &BusinessDays) -> Option<DataDate> {
    match offset.unit {
        Unit::BusinessDayUntil | Unit::BusinessDayFrom if days.is_business(date) => Some(date),
        Unit::BusinessDayUntil => days.prev(date),
        Unit::BusinessDayFrom => days.next(date),
        _ => (0..offset.amount.unsigned_abs()).try_fold(date, |date, _| {
            if offset.amount < 0 {
                days.prev(date)
            } else {
                days.next(date)
            }
        }),
    }
}

fn first_of_month(date: DataDate) -> Option<DataDate> {
    date.to_naive().with_day(1).and_then(DataDate::new)
}

fn last_of_month(date: DataDate) -> Option<DataDate> {
    let date = date.to_naive();
    let days = u32::from(date.num_days_in_month());
    date.with_day(days).and_then(DataDate::new)
}

fn write_date(date: DataDate, format: &str) -> Result<String, TemplateFault> {
    let mut text = String::new();
    // Formats with a time of day parse, and fail only when a date is written.
    write!(text, "{}", date.to_naive().format(format)).map_err(|_| TemplateFault::Format {
        format: format.to_owned(),
    })?;
    Ok(text)
}

/// What stands between the braces; `None` if it is not ours.
fn parse(inner: &str) -> Result<Option<Subject>, TemplateFault> {
    Ok(match inner {
        "flow_name" => Some(Subject::FlowName),
        "job_name" => Some(Subject::JobName),
        "exec_id" => Some(Subject::ExecutionId),
        "attempt" => Some(Subject::Attempt),
        _ => {
            if let Some(name) = inner.strip_prefix("param.") {
                if !is_param_name(name) {
                    return Err(TemplateFault::ParamName {
                        name: name.to_owned(),
                    });
                }
                Some(Subject::Param(name.to_owned()))
            } else if let Some(rest) = inner.strip_prefix("date") {
                parse_date(rest)?
            } else {
                None
            }
        }
    })
}

/// What follows the colon where `${date:…}` is the shell's.
const SHELLS: [char; 4] = ['-', '=', '?', '+'];

fn parse_date(rest: &str) -> Result<Option<Subject>, TemplateFault> {
    let (distance, format) = match rest.split_once(':') {
        Some((distance, format)) => (distance, Some(format)),
        None => (rest, None),
    };
    // The shell's `${date-text}`, `${date:-text}`, `${date%.*}` and `${dated}`.
    let ours = match distance.as_bytes() {
        [] => format.is_none_or(|format| !format.starts_with(SHELLS)),
        [b'+' | b'-', b'0'..=b'9', ..] => true,
        _ => false,
    };
    if !ours {
        return Ok(None);
    }
    let offsets = parse_offsets(distance).ok_or_else(|| TemplateFault::Offset {
        text: distance.to_owned(),
    })?;
    let format = match format {
        None => None,
        Some(format) => {
            if format.is_empty() || StrftimeItems::new(format).any(|item| item == Item::Error) {
                return Err(TemplateFault::Format {
                    format: format.to_owned(),
                });
            }
            write_date(a_date(), format)?;
            Some(format.to_owned())
        }
    };
    Ok(Some(Subject::Date { offsets, format }))
}

/// Any date, to try formats on.
fn a_date() -> DataDate {
    DataDate::new(chrono::NaiveDate::default()).expect("1970 is a year between 1 and 9999")
}

fn parse_offsets(mut text: &str) -> Option<Vec<Offset>> {
    let mut offsets = Vec::new();
    while !text.is_empty() {
        let negative = match text.as_bytes().first()? {
            b'-' => true,
            b'+' => false,
            _ => return None,
        };
        text = &text[1..];
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let letter = char::from(*text.as_bytes().get(digits)?);
        let mut units = Unit::WRITTEN.into_iter();
        let unit = units.find(|it| it.letter() == letter && digits <= it.most_digits())?;
        // No digits, or too many for a number, are none.
        let amount: i32 = text[..digits].parse().ok()?;
        text = &text[digits + 1..];
        let amount = if negative { -amount } else { amount };
        if unit == Unit::BusinessDay && amount == 0 {
            let unit = if negative {
                Unit::BusinessDayUntil
            } else {
                Unit::BusinessDayFrom
            };
            offsets.push(Offset { amount, unit });
        } else {
            offsets.push(Offset { amount, unit });
        }
        let is_business = |it: &&Offset| it.unit.letter() == 'b';
        if offsets.iter().filter(is_business).count() > MOST_BUSINESS {
            return None;
        }
    }
    Some(offsets)
}

fn is_param_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use chrono::Weekday;
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn dates<'a>(date: &str, format: Option<&'a DateFormat>) -> Dates<'a> {
        let data_date = date.parse().unwrap();
        Dates {
            data_date,
            format,
            business: None,
        }
    }

    fn expanded_on(date: &str, text: &str) -> Result<String, TemplateFault> {
        expanded_as(date, None, text)
    }

    fn expanded_as(
        date: &str,
        date_format: Option<&DateFormat>,
        text: &str,
    ) -> Result<String, TemplateFault> {
        let values = BTreeMap::from([
            ("table".to_owned(), "orders_${date:%Y%m}".to_owned()),
            ("day".to_owned(), "d${date-1d}".to_owned()),
            ("loop".to_owned(), "${param.loop}".to_owned()),
            ("bad".to_owned(), "${date:%Q}".to_owned()),
            ("raw".to_owned(), "${date:%Q} ${param.table}".to_owned()),
        ]);
        let context = Context {
            dates: dates(date, date_format),
            flow: "retail",
            job: "load",
            execution: ExecutionId(7),
            attempt: 2,
            values: &values,
            literal: &BTreeSet::from(["raw".to_owned()]),
        };
        expand(text, context).map_err(|error| error.fault)
    }

    fn expanded(text: &str) -> String {
        expanded_on("2026-03-31", text).unwrap()
    }

    #[test]
    fn what_another_job_has_put_out_is_taken_as_it_is() {
        assert_eq!(expanded("${param.raw}"), "${date:%Q} ${param.table}");
    }

    #[test]
    fn each_placeholder_is_replaced() {
        assert_eq!(
            expanded("${flow_name}/${job_name} ${exec_id} ${attempt} ${date} ${param.table}"),
            "retail/load 7 2 2026-03-31 orders_202603"
        );
    }

    #[test]
    fn dates_move_and_are_formatted() {
        assert_eq!(expanded("${date-1d}"), "2026-03-30");
        assert_eq!(expanded("${date+2w:%Y%m%d}"), "20260414");
        assert_eq!(expanded("${date-1m+1d:%d.%m.}"), "01.03.");
    }

    #[test]
    fn dates_without_a_format_are_written_as_the_execution_says() {
        let format = "%d/%m/%y".parse().unwrap();
        let text = "${date} ${date-1m+1d} ${date:%Y} ${param.day} ${param.table} ${param.raw}";
        assert_eq!(
            expanded_as("2026-03-31", Some(&format), text).unwrap(),
            "31/03/26 01/03/26 2026 d30/03/26 orders_202603 ${date:%Q} ${param.table}"
        );
    }

    proptest! {
        /// Executors are told formats so.
        #[test]
        fn a_text_with_the_format_in_it_comes_to_the_same(
            pieces in vec(select(&[
                "${date}", "${date-1d}", "${date+2m-1d}", "${date:%Y}", "${date-9999y}", "$${date}", "${date",
                "${X:-${date}}", "${date:-x}", "${date%-*}", "}", "$", "日", "${param.table}", "${param.raw}",
                "${param.none}", "${date:%Q}", "${date-1x}", "${flow_name}", "${date-1b}", "${date+0b-1m:%d}", "${date+1m-0b+1d}",
                "${date-2000y+1b}", "${date-3000y+1b}", "${date+0e}", "${date+1f-1d}",
            ][..]), 0..6),
            format in select(&["%Y%m%d", "-%d", "=%d", "?", "+%m", "$%Y", "${date", "%d:%m", "日%j"][..]),
        ) {
            let text = pieces.concat();
            let format: DateFormat = format.parse().unwrap();
            prop_assert_eq!(
                expanded_on("2026-03-31", &settle_dates(&text, dates("2026-03-31", Some(&format)))),
                expanded_as("2026-03-31", Some(&format), &text)
            );
        }
    }

    #[test]
    fn months_and_years_are_held_to_the_end_of_the_month() {
        assert_eq!(expanded("${date-1m}"), "2026-02-28");
        assert_eq!(expanded("${date+1m}"), "2026-04-30");
        assert_eq!(
            expanded_on("2024-02-29", "${date+1y}").unwrap(),
            "2025-02-28"
        );
    }

    #[test]
    fn months_have_a_first_and_a_last_day() {
        for (text, expected) in [
            ("${date+0e}", "2026-03-31"),
            ("${date+0f}", "2026-03-01"),
            ("${date-1e:%Y%m%d}", "20260228"),
            ("${date+1f}", "2026-04-01"),
            ("${date-3e}", "2025-12-31"),
            ("${date-1d+0e}", "2026-03-31"),
            ("${date+1d+0e}", "2026-04-30"),
            ("${date+0f-1d}", "2026-02-28"),
        ] {
            assert_eq!(expanded(text), expected, "{text}");
        }
        assert_eq!(
            expanded_on("2024-01-31", "${date+1e}").unwrap(),
            "2024-02-29"
        );
        assert_eq!(
            expanded_on("9999-12-15", "${date+0e}").unwrap(),
            "9999-12-31"
        );
        assert_eq!(
            expanded_on("9999-12-15", "${date+1f}"),
            Err(TemplateFault::OutOfRange)
        );
    }

    #[test]
    fn business_days_are_counted_by_a_calendar() {
        let day = |text: &str| text.parse().unwrap();
        let golden_week = BusinessDays {
            holidays: (1..=7).map(|it| day(&format!("2026-10-{it:02}"))).collect(),
            workdays: [day("2026-09-27"), day("2026-10-10")].into(),
            ..BusinessDays::default()
        };
        for (date, text, by_week, by_calendar) in [
            ("2026-10-08", "${date-1b}", "2026-10-07", "2026-09-30"),
            ("2026-10-08", "${date-4b:%m%d}", "1002", "0927"),
            ("2026-09-30", "${date+1b}", "2026-10-01", "2026-10-08"),
            ("2026-10-09", "${date+1b}", "2026-10-12", "2026-10-10"),
            ("2026-10-04", "${date-0b}", "2026-10-02", "2026-09-30"),
            ("2026-10-04", "${date+0b}", "2026-10-05", "2026-10-08"),
            (
                "2026-10-08",
                "${date-0b} ${date+0b}",
                "2026-10-08 2026-10-08",
                "2026-10-08 2026-10-08",
            ),
            ("2026-10-20", "${date+0f+0b}", "2026-10-01", "2026-10-08"),
            ("2026-10-20", "${date-1e-0b-1d}", "2026-09-29", "2026-09-29"),
        ] {
            assert_eq!(
                expanded_on(date, text).unwrap(),
                by_week,
                "{text} of {date}"
            );
            let dates = Dates {
                business: Some(&golden_week),
                ..dates(date, None)
            };
            let settled = settle_dates(text, dates);
            let found = placeholders(&settled).unwrap().into_iter();
            for Placeholder { subject, .. } in found {
                let is_plain = |it: &Offset| it.unit.is_plain();
                assert!(
                    matches!(subject, Subject::Date { offsets, .. } if offsets.iter().all(is_plain))
                );
            }
            assert_eq!(
                expanded_on(date, &settled).unwrap(),
                by_calendar,
                "{text} of {date}"
            );
        }
        let never = BusinessDays {
            weekend: (0..7).map(|it| Weekday::try_from(it).unwrap()).collect(),
            ..BusinessDays::default()
        };
        let dates = Dates {
            business: Some(&never),
            ..dates("2026-10-08", None)
        };
        let settled = settle_dates("${date-1b}", dates);
        assert_eq!(
            expanded_on("2026-10-08", &settled),
            Err(TemplateFault::OutOfRange)
        );
        assert!(placeholders("${date-1000b}").is_err());
        assert!(placeholders("${date+1b+1b+1b+1b+1b+1b+1b+1b+1d}").is_ok());
        assert!(placeholders("${date+1b+1b+1b+1b+1b+1b+1b+1b+0b}").is_err());

        // Nothing beyond the day that is asked for has to be known.
        let listed = BusinessDays {
            workdays: [day("2026-12-31")].into(),
            ..never.clone()
        };
        for text in ["${date+0e-0b}", "${date+0e+0b}"] {
            let december = Dates {
                business: Some(&listed),
                ..Dates::from("2026-12-04".parse::<DataDate>().unwrap())
            };
            let settled = settle_dates(text, december);
            assert_eq!(expanded_on("2026-12-04", &settled).unwrap(), "2026-12-31");
        }
        assert!(placeholders("${date-100000d}").is_err());
    }

    #[test]
    fn what_is_the_shells_stays() {
        for text in [
            "$HOME ${HOME} ${x:-1} ${date:-today} ${date-default} ${dates} $$ $",
            "$${date} ${date",
            "${date%-*} ${param} ${#date} 100$",
        ] {
            assert_eq!(expanded(text), text);
        }
    }

    #[test]
    fn ours_inside_the_shells_braces_is_replaced() {
        assert_eq!(expanded("${DAY:-${date}}"), "${DAY:-2026-03-31}");
    }

    #[test]
    fn a_value_brings_in_no_other_value() {
        assert_eq!(expanded("${param.loop}"), "${param.loop}");
    }

    #[test]
    fn faults_name_what_is_wrong_and_where() {
        assert_eq!(
            placeholders("ü ${date-1x}"),
            Err(TemplateError {
                range: 3..13,
                fault: TemplateFault::Offset {
                    text: "-1x".to_owned()
                }
            })
        );
        assert_eq!(
            placeholders("${date:%H}").map_err(|e| e.fault),
            Err(TemplateFault::Format {
                format: "%H".to_owned()
            })
        );
        assert_eq!(
            expanded_on("2026-03-31", "${param.nobody}"),
            Err(TemplateFault::UnknownParam {
                name: "nobody".to_owned()
            })
        );
        assert_eq!(
            expanded_on("9999-12-31", "${date+1d}"),
            Err(TemplateFault::OutOfRange)
        );
        assert!(matches!(
            expanded_on("2026-03-31", "${param.bad}"),
            Err(TemplateFault::InValue { .. })
        ));
    }

    proptest::proptest! {
        #[test]
        fn any_text_parses_or_is_refused_and_never_panics(text in "[$ {}a-z0-9:%+.ü-]{0,40}") {
            if let Ok(found) = placeholders(&text) {
                for one in found {
                    assert!(text[one.range].starts_with("${"));
                }
            }
        }

        #[test]
        fn dates_move_without_panic(amount in -99_999i32..=99_999, unit in "[dwmyfe]") {
            let _ = expanded_on("2026-03-31", &format!("${{date{amount:+}{unit}}}"));
        }
    }
}
