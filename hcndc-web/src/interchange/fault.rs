//! What may be wrong with a file, as values; the sentences are in
//! [`fault_text`](super::fault_text).

use std::fmt;
use std::sync::Arc;

use hcndc_core::{model::DefinitionError, trigger::cron::CronError};

use super::fault_text;
use super::node::Position;
use super::sheet::SheetProblem;
use super::span::Span;
use crate::connect::settings::{SettingFault, SettingProblem};

/// One thing that is wrong in a file, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Name of the file as it was given.
    pub file: Arc<str>,
    /// Place in the text; `None` when there is none (the file cannot be opened, the value was never
    /// written).
    pub position: Option<Position>,
    /// Place in the document, such as `flows[2].jobs[0].retry.max`; empty for the document as a
    /// whole.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

/// Language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Fault {
    /// Stable name of the kind of fault, in kebab-case.
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }

    /// What is wrong, in one sentence without a full stop.
    pub fn message(&self, lang: Lang) -> String {
        fault_text::message(&self.problem, lang)
    }

    /// What to do about it, in one sentence without a full stop.
    pub fn remedy(&self, lang: Lang) -> String {
        fault_text::remedy(&self.problem, lang)
    }
}

/// `file:line:column: path: message`, and the remedy on a second line.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(
            f,
            ": {}\n  remedy: {}",
            self.message(Lang::En),
            self.remedy(Lang::En)
        )
    }
}

impl std::error::Error for Fault {}

/// What a value should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A finite number.
    Number,
    /// A string.
    Text,
    /// A string, number or boolean.
    Scalar,
    /// A list.
    List,
    /// A map.
    Map,
    /// A span of time such as `10m`, or a number of seconds.
    Duration,
    /// A job's name, or a map with `job` and `on`.
    Dependency,
    /// A string, number or boolean, `{shared: true}`, or `{output: JOB}`.
    ParamValue,
    /// A date.
    Date,
    /// A time of day.
    TimeOfDay,
    /// An instant with its offset.
    Moment,
    /// A cron expression, or a map of one kind of trigger.
    Trigger,
    /// Words for days, or a map of one kind.
    DayRule,
    /// Words for days, or a map with `only` or `except`.
    DayFilter,
    /// A time of day, or a map with `days` and `at`.
    Deadline,
    /// An id, or a name.
    Reference,
    /// Anything at all, but what is here is no sound value.
    Value,
}

/// What a value was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing, `~` or `null`.
    Null,
    /// A boolean, as written.
    Boolean(String),
    /// A number, as written.
    Number(String),
    /// A string, shortened when long.
    Text(String),
    /// A list of that many items.
    List(usize),
    /// A map of that many entries.
    Map(usize),
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// The mesh itself.
    Mesh,
    /// A flow.
    Flow,
    /// A job.
    Job,
    /// An executor.
    Executor,
    /// A schedule.
    Schedule,
    /// A calendar.
    Calendar,
    /// A pool.
    Pool,
    /// A param that jobs share.
    SharedParam,
    /// A data source.
    DataSource,
    /// A file server.
    FileServer,
    /// A file event.
    FileEvent,
    /// An alert channel.
    AlertChannel,
    /// An alert rule.
    AlertRule,
    /// A webhook.
    Webhook,
    /// A role.
    Role,
    /// A user.
    User,
    /// A param.
    Param,
    /// An environment variable.
    Env,
    /// A task of a traced workflow.
    Task,
}

impl Noun {
    /// The list of the file that such definitions stand in; empty for what has none.
    pub(super) const fn list(self) -> &'static str {
        match self {
            Self::Flow => "flows",
            Self::Job => "jobs",
            Self::Executor => "executors",
            Self::Schedule => "schedules",
            Self::Calendar => "calendars",
            Self::Pool => "pools",
            Self::SharedParam => "shared_params",
            Self::DataSource => "data_sources",
            Self::FileServer => "file_servers",
            Self::FileEvent => "file_events",
            Self::AlertChannel => "alert_channels",
            Self::AlertRule => "alert_rules",
            Self::Webhook => "webhooks",
            Self::Role => "roles",
            Self::User => "users",
            Self::Mesh | Self::Param | Self::Env | Self::Task => "",
        }
    }
}

/// A rule that a name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// At least one character.
    NotEmpty,
    /// At most this many characters.
    AtMost(usize),
    /// No control characters.
    NoControl,
    /// No space at either end.
    NoOuterSpace,
    /// No slash.
    NoSlash,
    /// `[A-Za-z_][A-Za-z0-9_.-]*`.
    ParamPattern,
    /// `[A-Za-z_][A-Za-z0-9_]*`.
    EnvPattern,
    /// 1 to 64 characters in lower case, no spaces, slashes and control characters.
    AccountPattern,
}

/// A station of a cycle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Station {
    /// A flow as a whole.
    Flow(String),
    /// A job, with its flow.
    Job(String, String),
}

/// What is wrong. Values only; [`Fault::message`] makes sentences of them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be opened or read.
    Unreadable {
        /// What the system says.
        reason: String,
    },
    /// The file is larger than any file that is read.
    TooLarge {
        /// Bytes that are read at most.
        limit: u64,
    },
    /// The file holds bytes that are not UTF-8.
    NotUtf8 {
        /// The first such byte.
        byte: u8,
    },
    /// The file holds nothing.
    EmptyFile,
    /// The file holds a control character.
    ControlCharacter {
        /// Its code point.
        code: u32,
    },
    /// The text is not well-formed.
    Syntax {
        /// What the parser says.
        detail: String,
    },
    /// Lists and maps stand too deep in one another.
    TooDeep {
        /// Levels that are read at most.
        limit: usize,
    },
    /// Aliases make the document too large.
    AliasesTooLarge {
        /// Bytes that aliases may add.
        limit: usize,
    },
    /// An alias stands inside the value that it names.
    AliasOfItself,
    /// The file holds more than one document.
    ManyDocuments,
    /// A key stands twice in a map.
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it stood first.
        first: Position,
    },
    /// A key is a list or a map.
    KeyNotText,
    /// A tag means nothing here, or does not fit its value.
    UnsupportedTag {
        /// The tag.
        tag: String,
    },
    /// A value is of the wrong kind.
    WrongType {
        /// The kind it should be of.
        expected: Expected,
        /// What it is.
        found: Found,
    },
    /// A number is outside its range.
    OutOfRange {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// The number, as written.
        found: String,
    },
    /// A field has a name that means nothing there.
    UnknownField {
        /// The name.
        field: String,
        /// The names that are known, in their order.
        known: Vec<String>,
        /// The known name that is nearest.
        near: Option<String>,
    },
    /// A word is none of those that may stand there.
    UnknownWord {
        /// The word.
        word: String,
        /// The words that may stand there.
        known: Vec<String>,
    },
    /// A field that must be there is not.
    MissingField {
        /// Its name.
        field: String,
    },
    /// One item has more faults than are told; the rest of it was not looked at.
    TooManyFaults {
        /// How many were told.
        limit: usize,
    },
    /// The file is of a version of the format that this program does not know.
    UnknownVersion {
        /// The version it names.
        found: u32,
    },
    /// There is no flow.
    EmptyMesh,
    /// A name breaks a rule.
    BadName {
        /// What the name is of.
        noun: Noun,
        /// The name, shortened when long.
        name: String,
        /// The rule.
        rule: NameRule,
    },
    /// A command has nothing in it.
    EmptyCommand,
    /// A job says more than one thing that it does.
    SeveralKinds,
    /// What a job does in the place of a command cannot be done.
    Definition(DefinitionError),
    /// What a webhook looks at in a delivery cannot be.
    Webhook(DefinitionError),
    /// A setting of a connector is wrong, unknown or missing.
    Setting(SettingFault),
    /// A text is no secret of a webhook, nor two.
    BadHookSecret,
    /// A text that is handed to a process holds the character NUL.
    NulCharacter,
    /// A text has more bytes than the system passes to a program.
    TextTooLong {
        /// Its bytes.
        length: usize,
        /// Bytes that it may have.
        max: usize,
    },
    /// A span of time is zero where it must not be.
    ZeroDuration,
    /// A backoff is not a number from 1 up to the limit, or has more than three decimals.
    BadBackoff {
        /// The number.
        found: f64,
        /// Largest value.
        max: f64,
    },
    /// No exit code means success.
    NoSuccessCodes,
    /// A job names an executor and labels too.
    ExecutorAndLabels,
    /// A zone is not in the IANA database.
    UnknownZone {
        /// The zone.
        zone: String,
        /// The known zone that is nearest.
        near: Option<String>,
    },
    /// A hash of a password is no PHC string of argon2id.
    BadPasswordHash,
    /// An address is not `host:port`.
    BadAddress {
        /// The address.
        address: String,
    },
    /// A directory is not a slash path.
    BadDirectory {
        /// The path.
        directory: String,
    },
    /// Two things of a kind have one name.
    DuplicateName {
        /// What they are.
        noun: Noun,
        /// The name.
        name: String,
        /// Where it stood first, if that is known.
        first: Option<Position>,
    },
    /// A parent is no flow of the mesh.
    UnknownParent {
        /// The name.
        name: String,
        /// The flow's name that is nearest.
        near: Option<String>,
    },
    /// A flow is its own parent.
    OwnParent,
    /// A parent or a dependency stands twice.
    Repeated {
        /// What is repeated.
        name: String,
        /// Where it stood first, if that is known.
        first: Option<Position>,
    },
    /// A dependency names no job of the mesh.
    UnknownDependency {
        /// The name.
        name: String,
        /// The job's name that is nearest, written as a dependency.
        near: Option<String>,
    },
    /// A job depends on itself.
    OwnDependency,
    /// A param takes an output of a name that no job can put out.
    BadOutputName {
        /// The name.
        name: String,
        /// Whether it says that the value is secret.
        secret: bool,
    },
    /// A param takes an output of a job that its own does not depend on.
    NotUpstream {
        /// The job that the param belongs to, as flow/job.
        job: String,
        /// The other, as flow/job.
        upstream: String,
    },
    /// A job names no executor of the mesh.
    UnknownExecutor {
        /// The name.
        name: String,
        /// The executor's name that is nearest.
        near: Option<String>,
    },
    /// No executor of the file has the labels that a job asks for.
    NoExecutorMatches {
        /// The labels.
        labels: Vec<(String, String)>,
    },
    /// A name is that of no such definition of the file.
    UnknownName {
        /// What is named.
        noun: Noun,
        /// The name.
        name: String,
        /// The known name that is nearest.
        near: Option<String>,
    },
    /// A cron expression that its dialect does not allow.
    BadCron {
        /// The expression.
        expression: String,
        /// What is wrong with it, and where.
        error: CronError,
    },
    /// A list that must not be empty.
    EmptyList,
    /// A text that must not be empty.
    EmptyText,
    /// A list is longer than it may be.
    TooMany {
        /// How many there are.
        count: usize,
        /// How many may be.
        max: usize,
    },
    /// Of these fields exactly one must be there.
    NotOneOf {
        /// The fields.
        fields: Vec<String>,
        /// Those that are there.
        found: Vec<String>,
    },
    /// A span of time is outside its range.
    SpanOutOfRange {
        /// Shortest.
        min: Span,
        /// Longest.
        max: Span,
        /// The span.
        found: Span,
    },
    /// A month has no such day.
    BadDayOfMonth {
        /// Its number.
        found: i64,
    },
    /// A form of dates that cannot be printed.
    BadDateForm {
        /// The form.
        form: String,
    },
    /// A date is both a holiday and a workday.
    HolidayAndWorkday {
        /// The date.
        date: String,
    },
    /// A schedule waits for the data date of the flow that it starts.
    OwnDataDate,
    /// Something ends before it starts.
    EndsBeforeStart,
    /// A job takes more slots of its pool than the pool has.
    PoolTooSmall {
        /// The pool.
        pool: String,
        /// Its slots.
        slots: u32,
    },
    /// Each station waits for the next one, and the last for the first.
    Cycle {
        /// The stations; the first is not repeated at the end.
        stations: Vec<Station>,
    },
    /// No flow of the mesh is enabled, so there is nothing to run.
    NothingEnabled,
    /// A job that would run waits for a job of a flow that is not enabled.
    DisabledDependency {
        /// The flow that is not enabled.
        flow: String,
        /// Its job.
        job: String,
    },
    /// A job that would run waits for a run of another data date.
    OtherDate {
        /// The flow of the job that it waits for.
        flow: String,
        /// That job.
        job: String,
    },
    /// A placeholder names a param that is defined nowhere.
    UnknownParam {
        /// The name.
        name: String,
        /// The known param that is nearest.
        near: Option<String>,
    },
    /// A placeholder breaks its grammar.
    BadPlaceholder {
        /// The placeholder as written.
        placeholder: String,
    },
    /// A traced workflow is of another version of its format.
    WfVersion {
        /// The version it names.
        found: String,
    },
    /// A traced task names a task that is not there.
    WfUnknownTask {
        /// The name.
        name: String,
    },
    /// A recorded time is negative or no number.
    WfBadRuntime {
        /// The time as written.
        found: String,
    },
    /// Something is wrong with a sheet, or with a cell of it.
    Sheet(SheetProblem),
}

impl Problem {
    /// What is wrong, in one sentence without a full stop.
    pub fn message(&self, lang: Lang) -> String {
        fault_text::message(self, lang)
    }

    /// What to do about it, in one sentence without a full stop.
    pub fn remedy(&self, lang: Lang) -> String {
        fault_text::remedy(self, lang)
    }

    /// Stable name of the kind of problem, in kebab-case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::TooLarge { .. } => "too-large",
            Self::NotUtf8 { .. } => "not-utf8",
            Self::EmptyFile => "empty-file",
            Self::ControlCharacter { .. } => "control-character",
            Self::Syntax { .. } => "syntax",
            Self::TooDeep { .. } => "too-deep",
            Self::AliasesTooLarge { .. } => "aliases-too-large",
            Self::AliasOfItself => "alias-of-itself",
            Self::ManyDocuments => "many-documents",
            Self::DuplicateKey { .. } => "duplicate-key",
            Self::KeyNotText => "key-not-text",
            Self::UnsupportedTag { .. } => "unsupported-tag",
            Self::WrongType { .. } => "wrong-type",
            Self::OutOfRange { .. } => "out-of-range",
            Self::UnknownField { .. } => "unknown-field",
            Self::UnknownWord { .. } => "unknown-word",
            Self::MissingField { .. } => "missing-field",
            Self::TooManyFaults { .. } => "too-many-faults",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::EmptyMesh => "empty-mesh",
            Self::BadName { .. } => "bad-name",
            Self::EmptyCommand => "empty-command",
            Self::SeveralKinds => "several-kinds",
            Self::Definition(_) => "bad-work",
            Self::Webhook(_) => "bad-webhook",
            Self::Setting(fault) => match fault.problem {
                SettingProblem::Missing => "missing-setting",
                SettingProblem::Unknown { .. } => "unknown-setting",
                SettingProblem::Form { .. } | SettingProblem::Unreadable(_) => "bad-setting",
            },
            Self::BadHookSecret => "bad-secret",
            Self::NulCharacter => "nul-character",
            Self::TextTooLong { .. } => "text-too-long",
            Self::ZeroDuration => "zero-duration",
            Self::BadBackoff { .. } => "bad-backoff",
            Self::NoSuccessCodes => "no-success-codes",
            Self::ExecutorAndLabels => "executor-and-labels",
            Self::UnknownZone { .. } => "unknown-zone",
            Self::BadPasswordHash => "bad-password-hash",
            Self::BadAddress { .. } => "bad-address",
            Self::BadDirectory { .. } => "bad-directory",
            Self::DuplicateName { .. } => "duplicate-name",
            Self::UnknownParent { .. } => "unknown-parent",
            Self::OwnParent => "own-parent",
            Self::Repeated { .. } => "repeated",
            Self::UnknownDependency { .. } => "unknown-dependency",
            Self::OwnDependency => "own-dependency",
            Self::BadOutputName { .. } => "bad-output-name",
            Self::NotUpstream { .. } => "not-upstream",
            Self::UnknownExecutor { .. } => "unknown-executor",
            Self::NoExecutorMatches { .. } => "no-executor-matches",
            Self::UnknownName { .. } => "unknown-name",
            Self::BadCron { .. } => "bad-cron",
            Self::EmptyList => "empty-list",
            Self::EmptyText => "empty-text",
            Self::TooMany { .. } => "too-many",
            Self::NotOneOf { .. } => "not-one-of",
            Self::SpanOutOfRange { .. } => "span-out-of-range",
            Self::BadDayOfMonth { .. } => "bad-day-of-month",
            Self::BadDateForm { .. } => "bad-date-form",
            Self::HolidayAndWorkday { .. } => "holiday-and-workday",
            Self::OwnDataDate => "own-data-date",
            Self::EndsBeforeStart => "ends-before-start",
            Self::PoolTooSmall { .. } => "pool-too-small",
            Self::Cycle { .. } => "cycle",
            Self::NothingEnabled => "nothing-enabled",
            Self::DisabledDependency { .. } => "disabled-dependency",
            Self::OtherDate { .. } => "other-date",
            Self::UnknownParam { .. } => "unknown-param",
            Self::BadPlaceholder { .. } => "bad-placeholder",
            Self::WfVersion { .. } => "wf-version",
            Self::WfUnknownTask { .. } => "wf-unknown-task",
            Self::WfBadRuntime { .. } => "wf-bad-runtime",
            Self::Sheet(problem) => problem.code(),
        }
    }
}
