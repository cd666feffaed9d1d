//! The sentences in English.

use hcndc_core::trigger::cron::CronError;

use super::{character, cycle_text, labels_text};
use crate::interchange::fault::{Expected, Found, Lang, NameRule, Noun, Problem};
use crate::interchange::node::Position;

pub(super) fn message(problem: &Problem) -> String {
    match problem {
        Problem::Unreadable { reason } => format!("the file cannot be read: {reason}"),
        Problem::TooLarge { limit } => format!("the file is larger than {} MiB", limit >> 20),
        Problem::NotUtf8 { byte } => format!("byte 0x{byte:02X} is not UTF-8"),
        Problem::EmptyFile => "the file is empty".to_owned(),
        Problem::ControlCharacter { code } => format!("control character U+{code:04X}"),
        Problem::Syntax { detail } => format!("syntax error: {detail}"),
        Problem::TooDeep { limit } => {
            format!("lists and maps are nested deeper than {limit} levels")
        }
        Problem::AliasesTooLarge { limit } => {
            format!("aliases expand to more than {} MiB", limit >> 20)
        }
        Problem::AliasOfItself => "the alias stands inside the value that it names".to_owned(),
        Problem::ManyDocuments => "a second document starts here".to_owned(),
        Problem::DuplicateKey { key, first } => {
            format!("key `{key}` stands twice; first {}", at(first))
        }
        Problem::KeyNotText => "the key is a list or a map".to_owned(),
        Problem::UnsupportedTag { tag } => {
            format!("tag `{tag}` is unknown or does not fit the value")
        }
        Problem::WrongType { expected, found } => {
            format!(
                "expected {}, found {}",
                expected_text(*expected),
                found_text(found)
            )
        }
        Problem::OutOfRange { min, max, found } => format!("{found} is outside {min} to {max}"),
        Problem::UnknownField { field, .. } => format!("unknown field `{field}`"),
        Problem::UnknownWord { word, .. } => format!("unknown word `{word}`"),
        Problem::MissingField { field } => format!("field `{field}` is missing"),
        Problem::TooManyFaults { limit } => {
            format!("more than {limit} faults in one item; the rest is not told")
        }
        Problem::UnknownVersion { found } => format!("version {found} of the format is unknown"),
        Problem::EmptyMesh => "the mesh has no flows".to_owned(),
        Problem::BadName { noun, name, rule } => {
            format!("{} name {name:?} {}", noun_text(*noun), name_rule(*rule))
        }
        Problem::EmptyCommand => "the command is empty".to_owned(),
        Problem::SeveralKinds => "the job says more than one thing to do".to_owned(),
        Problem::BadHookSecret => "this is no secret of a webhook, nor two".to_owned(),
        Problem::Definition(error) | Problem::Webhook(error) => error.to_string(),
        Problem::Setting(fault) => fault.sentence(Lang::En),
        Problem::TextTooLong { length, max } => {
            format!(
                "the text has {length} bytes; the system passes no more than {max} to a program"
            )
        }
        Problem::NulCharacter => "the text holds the character NUL".to_owned(),
        Problem::ZeroDuration => "the duration is zero".to_owned(),
        Problem::BadBackoff { found, max } => {
            format!("backoff {found} is not a number from 1 to {max} with at most three decimals")
        }
        Problem::NoSuccessCodes => "no exit code means success".to_owned(),
        Problem::ExecutorAndLabels => "both an executor and labels are given".to_owned(),
        Problem::UnknownZone { zone, .. } => format!("time zone `{zone}` is unknown"),
        Problem::BadPasswordHash => "this is no hash of a password".to_owned(),
        Problem::BadAddress { address } => format!("address `{address}` is not host:port"),
        Problem::BadDirectory { directory } => {
            format!("directory `{directory}` is not a slash path")
        }
        Problem::DuplicateName { noun, name, first } => {
            format!(
                "{} `{name}` is defined twice{}",
                noun_text(*noun),
                first_text(*first)
            )
        }
        Problem::UnknownParent { name, .. } => format!("parent `{name}` is no flow of this mesh"),
        Problem::OwnParent => "the flow is its own parent".to_owned(),
        Problem::Repeated { name, first } => format!("`{name}` stands twice{}", first_text(*first)),
        Problem::UnknownDependency { name, .. } => {
            format!("dependency `{name}` is no job of this mesh")
        }
        Problem::OwnDependency => "the job depends on itself".to_owned(),
        Problem::BadOutputName { name, secret: true } => {
            format!("the name `{name}` says that the value is secret, and outputs are shown")
        }
        Problem::BadOutputName { name, .. } => format!("`{name}` is no name of an output"),
        Problem::NotUpstream { job, upstream } => {
            format!("job `{job}` takes an output of `{upstream}`, and does not depend on it")
        }
        Problem::UnknownExecutor { name, .. } => {
            format!("executor `{name}` is not in the file's `executors`")
        }
        Problem::NoExecutorMatches { labels } => format!(
            "no executor of the file has the labels {}",
            labels_text(labels)
        ),
        Problem::UnknownName { noun, name, .. } => format!(
            "{} `{name}` is not in the file's `{}`",
            noun_text(*noun),
            noun.list()
        ),
        Problem::BadCron { expression, error } => {
            format!(
                "cron expression `{expression}`: {}",
                cron_text(expression, error)
            )
        }
        Problem::EmptyList => "the list is empty".to_owned(),
        Problem::EmptyText => "the text is empty".to_owned(),
        Problem::TooMany { count, max } => {
            format!("{count} dependencies on other flows or other dates, but {max} may be")
        }
        Problem::NotOneOf { fields, found } if found.is_empty() => {
            format!("none of {} is given", fields.join(", "))
        }
        Problem::NotOneOf { found, .. } => format!("{} are given together", found.join(" and ")),
        Problem::SpanOutOfRange { min, max, found } => {
            format!("{found} is outside {min} to {max}")
        }
        Problem::BadDayOfMonth { found } => format!("no month has a day {found}"),
        Problem::BadDateForm { form } => format!("`{form}` is no form of a date"),
        Problem::HolidayAndWorkday { date } => {
            format!("{date} is both a holiday and a workday")
        }
        Problem::OwnDataDate => {
            "the schedule waits for the data date of the flow that it starts".to_owned()
        }
        Problem::EndsBeforeStart => "it ends before it starts".to_owned(),
        Problem::PoolTooSmall { pool, slots } => {
            format!("pool `{pool}` has {slots} slots, so the job could never run")
        }
        Problem::Cycle { stations } => format!(
            "dependency cycle: {} (each waits for the next)",
            cycle_text(stations)
        ),
        Problem::NothingEnabled => "no flow is enabled, so there is nothing to run".to_owned(),
        Problem::DisabledDependency { flow, job } => {
            format!("waits for `{flow}/{job}`, whose flow is not enabled")
        }
        Problem::OtherDate { flow, job } => {
            format!("waits for `{flow}/{job}` of another date, which is no part of this run")
        }
        Problem::UnknownParam { name, .. } => format!("param `{name}` is not defined"),
        Problem::BadPlaceholder { placeholder } => {
            format!("placeholder `{placeholder}` is malformed")
        }
        Problem::WfVersion { found } => format!("WfFormat {found} is not supported"),
        Problem::WfUnknownTask { name } => format!("task `{name}` does not exist"),
        Problem::Sheet(problem) => problem.message(Lang::En),
        Problem::WfBadRuntime { found } => {
            format!("runtime {found} is not a number of seconds, zero or more")
        }
    }
}

pub(super) fn remedy(problem: &Problem) -> String {
    match problem {
        Problem::Unreadable { .. } => "check that the path names a file and that you may read it".to_owned(),
        Problem::TooLarge { .. } => "split the mesh into several files".to_owned(),
        Problem::NotUtf8 { .. } => "save the file as UTF-8".to_owned(),
        Problem::EmptyFile => "write at least `hcndc: 1` and `flows:` with one flow".to_owned(),
        Problem::ControlCharacter { .. } => "remove it, or write it as an escape in double quotes".to_owned(),
        Problem::Syntax { .. } => {
            "mend the text here or just before: indentation, quotes, brackets, a missing `:`".to_owned()
        }
        Problem::TooDeep { .. } => "flatten the structure".to_owned(),
        Problem::AliasesTooLarge { .. } => "write the values out, or use fewer aliases of aliases".to_owned(),
        Problem::AliasOfItself => "let the alias name a value that ends before it".to_owned(),
        Problem::ManyDocuments => "put each mesh into a file of its own and remove the `---`".to_owned(),
        Problem::DuplicateKey { .. } => "remove one of the two, or rename it".to_owned(),
        Problem::KeyNotText => "write a plain text as the key".to_owned(),
        Problem::UnsupportedTag { .. } => "remove the tag".to_owned(),
        Problem::WrongType { expected, found } => wrong_type_remedy(*expected, found),
        Problem::OutOfRange { min, max, .. } => format!("write a whole number from {min} to {max}"),
        Problem::UnknownField { known, near, .. } => {
            or_known(near.as_deref(), &format!("remove it; known here: {}", known.join(", ")))
        }
        Problem::UnknownWord { known, .. } => format!("write one of: {}", known.join(", ")),
        Problem::MissingField { field } => format!("add `{field}: …` here"),
        Problem::TooManyFaults { .. } => "mend those told, then check again".to_owned(),
        Problem::UnknownVersion { .. } => "write `hcndc: 1`, or use the release that knows this version".to_owned(),
        Problem::EmptyMesh => "add a flow under `flows`".to_owned(),
        Problem::BadName { rule, .. } => match rule {
            NameRule::NotEmpty => "give it a name".to_owned(),
            NameRule::AtMost(_) => "shorten it".to_owned(),
            NameRule::NoControl | NameRule::NoOuterSpace | NameRule::NoSlash => "remove or replace them".to_owned(),
            NameRule::ParamPattern => {
                "start with a letter or `_`; go on with letters, digits, `_`, `.` or `-`".to_owned()
            }
            NameRule::EnvPattern => "start with a letter or `_`; go on with letters, digits or `_`".to_owned(),
            NameRule::AccountPattern => "write 1 to 64 characters in lower case, without spaces and slashes".to_owned(),
        },
        Problem::SeveralKinds => "write one of command, http, sql and kettle".to_owned(),
        Problem::Definition(_) => {
            "docs/JOBS.md says what jobs of each kind can have".to_owned()
        }
        Problem::BadHookSecret => "give one secret, or two with a space between while one takes the place of the other: each of 16 to 1000 characters, with base64 after whsec_ if it begins so".to_owned(),
        Problem::Webhook(_) => "docs/CONNECTORS.md says what webhooks can have".to_owned(),
        Problem::Setting(_) => "docs/CONNECTORS.md lists the settings of each kind".to_owned(),
        Problem::EmptyCommand => "write the command to run; `true` does nothing and succeeds".to_owned(),
        Problem::TextTooLong { .. } => "put it into a file, and name the file".to_owned(),
        Problem::NulCharacter => "remove it".to_owned(),
        Problem::ZeroDuration => "write a duration above zero, or leave the field out".to_owned(),
        Problem::BadBackoff { .. } => "write a factor such as 1, 1.5 or 2".to_owned(),
        Problem::NoSuccessCodes => "list at least one exit code, or leave the field out for 0".to_owned(),
        Problem::ExecutorAndLabels => "keep one of `executor` and `labels`".to_owned(),
        Problem::UnknownZone { near, .. } => {
            or_known(near.as_deref(), "write an IANA name such as Asia/Shanghai, Europe/Berlin or UTC")
        }
        Problem::BadPasswordHash => "write the PHC string of argon2id that was exported, or leave it out".to_owned(),
        Problem::BadAddress { .. } => "write it like 10.0.0.5:7890, etl-1.example.com:7890 or [::1]:7890".to_owned(),
        Problem::BadDirectory { .. } => "write it like /retail/nightly: from `/`, no empty part, no `.` or `..`".to_owned(),
        Problem::DuplicateName { .. } => "rename one of the two".to_owned(),
        Problem::UnknownParent { near, .. } => or_known(near.as_deref(), "name a flow of this file"),
        Problem::OwnParent | Problem::OwnDependency | Problem::OwnDataDate => "remove it".to_owned(),
        Problem::Repeated { .. } => "remove one of the two".to_owned(),
        Problem::UnknownDependency { near, .. } => {
            or_known(near.as_deref(), "name a job of the same flow, or another flow's as flow/job")
        }
        Problem::BadOutputName { secret: true, .. } => "hand it over by a place that is made for secrets".to_owned(),
        Problem::BadOutputName { .. } => "write a letter or _, then letters, digits, _ and -, 64 characters at most".to_owned(),
        Problem::NotUpstream { .. } => "add that dependency for the same data date, directly or through other jobs".to_owned(),
        Problem::UnknownExecutor { near, .. } => or_known(near.as_deref(), "add it under `executors`"),
        Problem::NoExecutorMatches { .. } => "change the labels, or give them to an executor".to_owned(),
        Problem::UnknownName { noun, near, .. } => {
            or_known(near.as_deref(), &format!("add it under `{}`", noun.list()))
        }
        Problem::BadCron { .. } => {
            "mend it, or name its `dialect`: unix, quartz or apscheduler; `hcndc cron explain` tells what an expression means"
                .to_owned()
        }
        Problem::EmptyList => "write at least one item".to_owned(),
        Problem::EmptyText => "write a text".to_owned(),
        Problem::TooMany { .. } => "let a job between collect some of them".to_owned(),
        Problem::NotOneOf { fields, .. } => format!("write one of {}", fields.join(", ")),
        Problem::SpanOutOfRange { min, max, .. } => format!("write a span from {min} to {max}"),
        Problem::BadDayOfMonth { .. } => "write 1 to 31, or -1 to -31 to count from the end".to_owned(),
        Problem::BadDateForm { .. } => "write fields of dates such as %Y%m%d or %Y-%m".to_owned(),
        Problem::HolidayAndWorkday { .. } => "remove it from one of the two".to_owned(),
        Problem::EndsBeforeStart => "exchange the two, or leave one out".to_owned(),
        Problem::PoolTooSmall { slots, .. } => {
            format!("write at most {slots} here, or give the pool more slots")
        }
        Problem::Cycle { .. } => "remove one of these dependencies".to_owned(),
        Problem::NothingEnabled => "set `enabled: true` on a flow".to_owned(),
        Problem::DisabledDependency { flow, .. } => {
            format!("enable flow `{flow}`, disable this job or its flow, or remove the dependency")
        }
        Problem::OtherDate { .. } => {
            "run the mesh under `hcndc serve`, where other dates have runs too, or remove the dependency".to_owned()
        }
        Problem::UnknownParam { name, near } => or_known(
            near.as_deref(),
            &format!("define `{name}` under `params` of the mesh, the flow or the job, or by `--set {name}=…`"),
        ),
        Problem::BadPlaceholder { placeholder } if placeholder.starts_with("${param") => {
            "write it like ${param.NAME}".to_owned()
        }
        Problem::BadPlaceholder { .. } => {
            "write it like ${date}, ${date-1d} or ${date+2w:%Y%m%d} (units d, w, m, y, f and e for the first and last day of a month, b for business days; a strftime format of dates)"
                .to_owned()
        }
        Problem::WfVersion { .. } => "convert the trace to WfFormat 1.5 with the tools of the WfCommons project".to_owned(),
        Problem::WfUnknownTask { .. } => "add the task, or remove it from this list".to_owned(),
        Problem::Sheet(problem) => problem.remedy(Lang::En),
        Problem::WfBadRuntime { .. } => "mend the trace, or remove the field to count the task as instant".to_owned(),
    }
}

/// What is wrong with an expression, and the character where it is.
fn cron_text(expression: &str, error: &CronError) -> String {
    format!("{error} (at character {})", character(expression, error))
}

fn at(position: &Position) -> String {
    format!("at line {}, column {}", position.line, position.column)
}

fn first_text(first: Option<Position>) -> String {
    first
        .map(|first| format!("; first {}", at(&first)))
        .unwrap_or_default()
}

fn or_known(near: Option<&str>, otherwise: &str) -> String {
    near.map_or_else(
        || otherwise.to_owned(),
        |near| format!("did you mean `{near}`? Otherwise {otherwise}"),
    )
}

fn expected_text(expected: Expected) -> &'static str {
    match expected {
        Expected::Boolean => "true or false",
        Expected::Integer => "a whole number",
        Expected::Number => "a number",
        Expected::Text => "a text",
        Expected::Scalar => "a text, number or boolean",
        Expected::List => "a list",
        Expected::Map => "a map",
        Expected::Duration => "a duration",
        Expected::Dependency => "a job's name or a map",
        Expected::ParamValue => {
            "a text, number or boolean, a shared param, or another job's output"
        }
        Expected::Date => "a date",
        Expected::TimeOfDay => "a time of day",
        Expected::Moment => "an instant with its offset",
        Expected::Trigger => "a cron expression or a map of one kind of trigger",
        Expected::DayRule => "a rule for days",
        Expected::DayFilter => "a filter of days",
        Expected::Deadline => "a time of day or a map",
        Expected::Reference => "an id or a name",
        Expected::Value => "another value",
    }
}

fn found_text(found: &Found) -> String {
    match found {
        Found::Null => "nothing".to_owned(),
        Found::Boolean(written) => format!("the boolean {written}"),
        Found::Number(written) => format!("the number {written}"),
        Found::Text(text) => format!("the text {text:?}"),
        Found::List(len) => format!("a list of {len}"),
        Found::Map(len) => format!("a map of {len}"),
    }
}

fn wrong_type_remedy(expected: Expected, found: &Found) -> String {
    match (expected, found) {
        (
            Expected::Text | Expected::Dependency,
            Found::Boolean(written) | Found::Number(written),
        ) => {
            format!("put it into quotes: \"{written}\"")
        }
        (Expected::Scalar, Found::Null) => "write \"\" for an empty text".to_owned(),
        (Expected::Boolean, _) => "write true or false".to_owned(),
        (Expected::Integer, _) => "write a whole number such as 5".to_owned(),
        (Expected::Number, _) => "write a number such as 1.5".to_owned(),
        (Expected::Text | Expected::Scalar, _) => "write a single text".to_owned(),
        (Expected::List, _) => "write a list: one `- item` a line, or [a, b]".to_owned(),
        (Expected::Map, _) => "write a map: one `field: value` a line".to_owned(),
        (Expected::Duration, _) => {
            "write it like 500ms, 10s, 1h30m or 2d, or as a number of seconds; at most 36500d"
                .to_owned()
        }
        (Expected::Dependency, _) => {
            "write it like `orders`, `clean/orders` or `{job: orders, on: done}`".to_owned()
        }
        (Expected::ParamValue, Found::Null) => "write \"\" for an empty text".to_owned(),
        (Expected::ParamValue, _) => "write a single text, {shared: true} or {output: JOB}".to_owned(),
        (Expected::Date, _) => "write it like 2026-11-21".to_owned(),
        (Expected::TimeOfDay, _) => "write it like \"06:30\"".to_owned(),
        (Expected::Moment, _) => "write it like 2026-11-21T18:00:00+08:00".to_owned(),
        (Expected::Trigger, _) => {
            "write it like \"0 2 * * *\", {cron: 0 0 2 ? * MON-FRI, dialect: quartz}, {every: 10m}, \
             {days: month_end, at: [\"20:00\"]}, {file: NAME} or {data_date_of: [FLOW]}"
                .to_owned()
        }
        (Expected::DayRule, _) => {
            "write business, not_business, month_end, {business_day: -1}, {day: 15} or {dates: [2026-11-21]}"
                .to_owned()
        }
        (Expected::DayFilter, _) => {
            "write business, not_business, {only: [2026-11-21]} or {except: [2026-11-21]}".to_owned()
        }
        (Expected::Deadline, _) => {
            "write it like \"06:30\" or {days: 1, at: \"06:30\"}".to_owned()
        }
        (Expected::Reference, _) => {
            "write the id as a whole number, or the name as a text".to_owned()
        }
        (Expected::Value, _) => "see `hcndc schema` for what may stand here".to_owned(),
    }
}

fn noun_text(noun: Noun) -> &'static str {
    match noun {
        Noun::Mesh => "mesh",
        Noun::Flow => "flow",
        Noun::Job => "job",
        Noun::Executor => "executor",
        Noun::Schedule => "schedule",
        Noun::Calendar => "calendar",
        Noun::Pool => "pool",
        Noun::SharedParam => "shared param",
        Noun::DataSource => "data source",
        Noun::FileServer => "file server",
        Noun::FileEvent => "file event",
        Noun::AlertChannel => "alert channel",
        Noun::AlertRule => "alert rule",
        Noun::Webhook => "webhook",
        Noun::Role => "role",
        Noun::User => "user",
        Noun::Param => "param",
        Noun::Env => "environment variable",
        Noun::Task => "task",
    }
}

fn name_rule(rule: NameRule) -> String {
    match rule {
        NameRule::NotEmpty => "is empty".to_owned(),
        NameRule::AtMost(limit) => format!("is longer than {limit} characters"),
        NameRule::NoControl => "holds control characters".to_owned(),
        NameRule::NoOuterSpace => "starts or ends with a space".to_owned(),
        NameRule::NoSlash => "holds slashes".to_owned(),
        NameRule::ParamPattern | NameRule::EnvPattern => {
            "holds characters that are not allowed".to_owned()
        }
        NameRule::AccountPattern => "is no account".to_owned(),
    }
}
