//! Failures, and the one place where they become responses: `application/problem+json` (RFC 9457).
//!
//! A handler returns a [`Problem`], which holds values; [`render`] makes sentences of it in the caller's language when
//! the response leaves.

use hcndc_core::{
    engine::Rejected,
    model::{self, DefinitionError, DefinitionKind, Subject},
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::{
    http::{HeaderValue, StatusCode, header},
    reply::Response,
};

use super::{cron::in_characters, denial::Denial, text};
use crate::{
    definition_text::user,
    hook::Reason,
    interchange::{self, ExportError, Lang, Position},
};

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Problem {
    /// No route has this path.
    UnknownRoute,
    /// The path has other methods.
    MethodNotAllowed {
        /// Which, as the `Allow` header lists them.
        allow: String,
    },
    /// Nothing of this kind has this id.
    Unknown {
        /// The kind.
        what: What,
        /// The id, or the number of an attempt.
        id: u64,
    },
    /// The request is for a host that is not this server.
    ForeignHost {
        /// The host that it names.
        host: String,
    },
    /// A page of somebody else's wants to change something.
    ForeignOrigin {
        /// Its origin.
        origin: String,
    },
    /// It matters who asks, and this one may not.
    Denied(Denial),
    /// The caller asks for more than it may at once.
    TooManyRequests {
        /// When to ask again.
        seconds: u64,
    },
    /// The body's media type is not one that the route takes.
    UnsupportedMediaType {
        /// Those that it takes.
        expected: &'static str,
    },
    /// The body is larger than the route takes.
    BodyTooLarge {
        /// Bytes that it takes.
        limit: usize,
    },
    /// The body did not come to its end in time.
    BodyTimeout,
    /// The connection failed while the body was read.
    BodyBroken,
    /// The query, or a header, is wrong.
    BadQuery(Vec<Blame>),
    /// The body is wrong by itself.
    BadBody(Vec<Blame>),
    /// The mesh file is wrong.
    BadMesh(Vec<Blame>),
    /// The sheet is wrong.
    BadSheet(Vec<Blame>),
    /// No mesh file can say what the definitions are.
    NotExportable(ExportError),
    /// Something else would be done by now than what was planned.
    PlanChanged,
    /// The definitions of a mesh file are stored, and somebody changed its roles or users meanwhile so that they are not.
    AccountsNotPut,
    /// The scheduler refused the command.
    Refused(Rejected),
    /// A delivery to a webhook cannot be used.
    BadDelivery(Reason),
    /// The same idempotency key came with another request.
    KeyReused,
    /// The store does not answer.
    StoreUnavailable,
    /// The scheduler stopped.
    SchedulerStopped,
    /// The scheduler does not answer in time.
    SchedulerSlow,
    /// Another server leads, or should, and cannot be reached.
    NoLeader,
    /// The connection to the server that leads broke after the request was sent, which may have been done.
    OutcomeUnknown,
    /// An executor does not give the output out.
    LogUnavailable {
        /// Why not, in the transport's words.
        reason: String,
    },
    /// The server cannot do its work.
    NotReady(Vec<Blame>),
    /// There are no figures: the recorder of this process is somebody else's.
    NoMetrics,
    /// Something that should not be; it is in the server's log.
    Internal,
}

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Flow,
    Job,
    Executor,
    Execution,
    JobRun,
    Attempt,
    User,
    Role,
    Token,
    Backfill,
    Alert,
    /// A definition of another kind.
    Definition(DefinitionKind),
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blame {
    /// The definition, for faults of definitions.
    pub(crate) subject: Option<Subject>,
    /// The field: of the definition, the body or the query.
    pub(crate) field: String,
    /// Where it stands in the body.
    pub(crate) position: Option<Position>,
    /// What is wrong.
    pub(crate) error: BlameError,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum BlameError {
    /// The shape of a value.
    Shape(interchange::Problem),
    /// A definition, or a reference to one.
    Definition(DefinitionError),
    /// Not a date.
    BadDate { text: String },
    /// Not a time, or none within the range that is taken here.
    BadTime { text: String },
    /// Not a place in this list.
    BadCursor,
    /// Not a position in this output.
    BadPosition,
    /// The text is too long.
    TooLong { limit: usize },
    /// The store does not answer; why not.
    StoreSilent { reason: String },
    /// The store has been busy with one commit for so long.
    StoreSlow { seconds: u64 },
    /// The scheduler does not answer.
    SchedulerSilent,
    /// It is not known who leads.
    LeaderUnknown,
    /// The server that leads does not answer.
    LeaderSilent { leader: String },
    /// The secret was given for another place.
    SecretDiverted,
    /// What is given looks as if it were sealed.
    SecretSealed,
}

impl Blame {
    /// A fault of a field of the query or the body.
    pub(crate) fn of(field: impl Into<String>, error: BlameError) -> Self {
        Self {
            subject: None,
            field: field.into(),
            position: None,
            error,
        }
    }

    /// Faults that a body's reading found.
    pub(crate) fn of_faults(faults: Vec<interchange::Fault>) -> Vec<Self> {
        let blame = |fault: interchange::Fault| Self {
            subject: None,
            field: fault.path,
            position: fault.position,
            error: BlameError::Shape(fault.problem),
        };
        faults.into_iter().map(blame).collect()
    }
}

impl From<model::Fault> for Blame {
    fn from(fault: model::Fault) -> Self {
        Self {
            field: match (&fault.subject, fault.field.as_str()) {
                // What a shared param is made of stands one step deeper in its body.
                (
                    Subject::Param { .. },
                    field @ ("query" | "timeout" | "column" | "data_source"),
                ) => {
                    format!("sql.{field}")
                }
                (Subject::Param { .. }, field @ ("offset_days" | "format")) => {
                    format!("context.{field}")
                }
                (_, field) => api_field(field),
            },
            subject: Some(fault.subject),
            position: None,
            error: BlameError::Definition(fault.error),
        }
    }
}

/// A field of a draft, as bodies call it.
pub(crate) fn api_field(field: &str) -> String {
    match field {
        "dependencies" => "depends_on".to_owned(),
        "retry.backoff_permille" => "retry.backoff".to_owned(),
        "trigger.event" => "trigger.file".to_owned(),
        "trigger.flows" => "trigger.data_date_of".to_owned(),
        "trigger.n" | "trigger.dates" => "trigger.days".to_owned(),
        "days.holidays" => "holidays".to_owned(),
        "days.workdays" => "workdays".to_owned(),
        other => other.to_owned(),
    }
}

impl Problem {
    /// The stable name of its kind.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::UnknownRoute => "unknown_route",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::Unknown { what, .. } => what.unknown_code(),
            Self::ForeignHost { .. } => "foreign_host",
            Self::ForeignOrigin { .. } => "foreign_origin",
            Self::Denied(denial) => denial.code(),
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::UnsupportedMediaType { .. } => "unsupported_media_type",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::BodyBroken => "body_broken",
            Self::BadQuery(_) => "bad_query",
            Self::BadBody(_) => "bad_body",
            Self::BadMesh(_) => "bad_mesh",
            Self::BadSheet(_) => "bad_sheet",
            Self::NotExportable(_) => "not_exportable",
            Self::PlanChanged => "plan_changed",
            Self::AccountsNotPut => "accounts_not_put",
            Self::Refused(rejected) => refused(rejected).1,
            Self::BadDelivery(Reason::Disabled) => "webhook_disabled",
            Self::BadDelivery(_) => "delivery_refused",
            Self::KeyReused => "idempotency_key_reused",
            Self::StoreUnavailable => "store_unavailable",
            Self::SchedulerStopped => "scheduler_stopped",
            Self::SchedulerSlow => "scheduler_slow",
            Self::NoLeader => "no_leader",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::LogUnavailable { .. } => "log_unavailable",
            Self::NotReady(_) => "not_ready",
            Self::NoMetrics => "no_metrics",
            Self::Internal => "internal",
        }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownRoute | Self::Unknown { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::ForeignHost { .. } | Self::ForeignOrigin { .. } => StatusCode::FORBIDDEN,
            Self::Denied(denial) => denial.status(),
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::UnsupportedMediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyBroken | Self::BadQuery(_) | Self::BadBody(_) => StatusCode::BAD_REQUEST,
            Self::BadDelivery(Reason::Disabled) => StatusCode::CONFLICT,
            Self::BadMesh(_) | Self::BadSheet(_) | Self::BadDelivery(_) | Self::KeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NotExportable(_) | Self::PlanChanged | Self::AccountsNotPut => {
                StatusCode::CONFLICT
            }
            Self::Refused(rejected) => refused(rejected).0,
            Self::StoreUnavailable
            | Self::SchedulerStopped
            | Self::SchedulerSlow
            | Self::NoLeader
            | Self::LogUnavailable { .. }
            | Self::NotReady(_)
            | Self::NoMetrics => StatusCode::SERVICE_UNAVAILABLE,
            Self::OutcomeUnknown => StatusCode::BAD_GATEWAY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// All that is at fault.
    pub(crate) fn blames(&self) -> Vec<Blame> {
        match self {
            Self::BadQuery(blames)
            | Self::BadBody(blames)
            | Self::BadMesh(blames)
            | Self::BadSheet(blames)
            | Self::NotReady(blames) => blames.clone(),
            Self::Refused(Rejected::Definition { faults }) => {
                faults.iter().cloned().map(Blame::from).collect()
            }
            _ => Vec::new(),
        }
    }

    /// As it is told.
    pub(crate) fn to_dto(&self, lang: Lang) -> ProblemDto {
        let faults = self.blames();
        ProblemDto {
            r#type: format!("urn:hcndc:problem:{}", self.code()),
            code: self.code().to_owned(),
            title: text::title(self, lang),
            status: self.status().as_u16(),
            detail: text::detail(self, lang),
            faults: faults.iter().map(|blame| blame.to_dto(lang)).collect(),
        }
    }
}

/// Status and code of a refusal.
fn refused(rejected: &Rejected) -> (StatusCode, &'static str) {
    let (conflict, unprocessable) = (StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY);
    match rejected {
        Rejected::Definition { faults } => {
            // What the caller must do first decides: read anew, take users away, mend.
            let has = |matches: fn(&DefinitionError) -> bool| {
                faults.iter().any(|fault| matches(&fault.error))
            };
            if has(|error| matches!(error, DefinitionError::Stale { .. })) {
                (conflict, "stale")
            } else if has(|error| matches!(error, DefinitionError::InUse { .. })) {
                (conflict, "in_use")
            } else if has(|error| matches!(error, DefinitionError::NameTaken)) {
                (conflict, "name_taken")
            } else if has(|error| matches!(error, DefinitionError::AddressTaken { .. })) {
                (conflict, "address_taken")
            } else {
                (unprocessable, "bad_definition")
            }
        }
        Rejected::UnknownFlow { .. } => (unprocessable, "unknown_flow"),
        Rejected::FlowDisabled { .. } => (conflict, "flow_disabled"),
        Rejected::NoFlows => (unprocessable, "no_flows"),
        Rejected::UnknownJob { .. } => (unprocessable, "unknown_job"),
        Rejected::NoJobs => (unprocessable, "no_jobs"),
        Rejected::WrongJobRunState { .. } => (conflict, "wrong_job_run_state"),
        Rejected::JoinedRun { .. } => (conflict, "joined_run"),
        Rejected::UnknownExecution { .. } => (StatusCode::NOT_FOUND, "unknown_execution"),
        Rejected::WrongState { .. } => (conflict, "wrong_state"),
        Rejected::UnknownJobRun { .. } => (unprocessable, "unknown_job_run"),
        Rejected::NoJobRuns => (unprocessable, "no_job_runs"),
        Rejected::NewerDependency { .. } => (unprocessable, "newer_dependency"),
        Rejected::UnknownSchedule { .. } => (StatusCode::NOT_FOUND, "unknown_schedule"),
        Rejected::UnknownFileEvent { .. } => (StatusCode::NOT_FOUND, "unknown_file_event"),
        Rejected::UnknownAlert { .. } => (StatusCode::NOT_FOUND, "unknown_alert"),
        Rejected::UnreadableAlert { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "unreadable_alert"),
        Rejected::BadFileKey => (unprocessable, "bad_file_key"),
        Rejected::UnknownBackfill { .. } => (StatusCode::NOT_FOUND, "unknown_backfill"),
        Rejected::WrongBackfillState { .. } => (conflict, "wrong_backfill_state"),
        Rejected::BackfillRange { .. } => (unprocessable, "backfill_range"),
        Rejected::BackfillParallel { .. } => (unprocessable, "backfill_parallel"),
        Rejected::BadSnapshot { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "unreadable_execution"),
        // It cannot come of a request; the enum may also grow.
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

impl What {
    const fn unknown_code(self) -> &'static str {
        match self {
            Self::Flow => "unknown_flow",
            Self::Job => "unknown_job",
            Self::Executor => "unknown_executor",
            Self::Execution => "unknown_execution",
            Self::JobRun => "unknown_job_run",
            Self::Attempt => "unknown_attempt",
            Self::User => "unknown_user",
            Self::Role => "unknown_role",
            Self::Token => "unknown_token",
            Self::Backfill => "unknown_backfill",
            Self::Alert => "unknown_alert",
            Self::Definition(kind) => match kind {
                DefinitionKind::Flow => "unknown_flow",
                DefinitionKind::Job => "unknown_job",
                DefinitionKind::Executor => "unknown_executor",
                DefinitionKind::Schedule => "unknown_schedule",
                DefinitionKind::Calendar => "unknown_calendar",
                DefinitionKind::Pool => "unknown_pool",
                DefinitionKind::Param => "unknown_param",
                DefinitionKind::DataSource => "unknown_data_source",
                DefinitionKind::FileServer => "unknown_file_server",
                DefinitionKind::FileEvent => "unknown_file_event",
                DefinitionKind::AlertChannel => "unknown_alert_channel",
                DefinitionKind::AlertRule => "unknown_alert_rule",
                DefinitionKind::Webhook => "unknown_webhook",
            },
        }
    }
}

impl Blame {
    fn to_dto(&self, lang: Lang) -> FaultDto {
        let cycle = match &self.error {
            BlameError::Definition(DefinitionError::Cycle { path }) => path.clone(),
            _ => Vec::new(),
        };
        let (users, current_version) = match &self.error {
            BlameError::Definition(DefinitionError::InUse { users }) => {
                let users = users.iter().map(|it| user(it, lang));
                (users.collect(), None)
            }
            BlameError::Definition(DefinitionError::Stale { current, .. }) => {
                (Vec::new(), Some(*current))
            }
            _ => (Vec::new(), None),
        };
        let range = match &self.error {
            BlameError::Shape(interchange::Problem::BadCron { expression, error }) => {
                Some(in_characters(expression, &error.range))
            }
            _ => None,
        };
        FaultDto {
            subject: self.subject.as_ref().map(SubjectDto::from),
            field: self.field.clone(),
            code: text::blame_code(&self.error),
            message: text::blame(&self.error, lang),
            remedy: match &self.error {
                BlameError::Shape(problem) => Some(problem.remedy(lang)),
                _ => None,
            },
            start: range.as_ref().map(|range| range.start),
            end: range.map(|range| range.end),
            line: self.position.map(|position| position.line),
            column: self.position.map(|position| position.column),
            users,
            cycle,
            current_version,
        }
    }
}

/// Why a request was not done (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDto {
    /// `urn:hcndc:problem:` and the code.
    #[schema(example = "urn:hcndc:problem:stale")]
    r#type: String,
    /// Stable name of the kind of problem; programs decide by it.
    #[schema(example = "stale")]
    code: String,
    /// The kind of problem, in the caller's language.
    title: String,
    /// The response's status.
    #[schema(example = 409)]
    status: u16,
    /// What is wrong this time, in the caller's language.
    detail: String,
    /// What is at fault; empty when the request as a whole is.
    faults: Vec<FaultDto>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fault)]
pub(crate) struct FaultDto {
    /// The definition at fault; none when the body or the query itself is.
    subject: Option<SubjectDto>,
    /// The field at fault, such as `retry.max`; empty for the whole.
    #[schema(example = "depends_on")]
    field: String,
    /// Stable name of what is wrong.
    #[schema(example = "unknown")]
    code: String,
    /// What is wrong, in the caller's language.
    message: String,
    /// What to do about it, in the caller's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// Line of the body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// For `bad_cron`: where in the expression the fault begins, in characters from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<usize>,
    /// For `bad_cron`: where it ends; the same as where it begins if something is missing there.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<usize>,
    /// For `in_use`: what needs the definition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<String>,
    /// For `cycle`: its jobs as `flow/job` and its flows, the first once more at the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cycle: Vec<String>,
    /// For `stale`: the version that it is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<u32>,
}

/// The definition that a fault is about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = Subject)]
enum SubjectDto {
    /// A flow.
    Flow { name: String },
    /// A job.
    Job { flow: String, name: String },
    /// An executor.
    Executor { name: String },
    /// A schedule.
    Schedule { name: String },
    /// A calendar.
    Calendar { name: String },
    /// A pool.
    Pool { name: String },
    /// A shared param.
    Param { name: String },
    /// A data source.
    DataSource { name: String },
    /// A file server.
    FileServer { name: String },
    /// A file event.
    FileEvent { name: String },
    /// An alert channel.
    AlertChannel { name: String },
    /// An alert rule.
    AlertRule { name: String },
    /// A webhook.
    Webhook { name: String },
    /// All definitions together: a cycle.
    Mesh,
}

impl From<&Subject> for SubjectDto {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Flow { name } => Self::Flow { name: name.clone() },
            Subject::Job { flow, name } => Self::Job {
                flow: flow.clone(),
                name: name.clone(),
            },
            Subject::Executor { name } => Self::Executor { name: name.clone() },
            Subject::Schedule { name } => Self::Schedule { name: name.clone() },
            Subject::Calendar { name } => Self::Calendar { name: name.clone() },
            Subject::Pool { name } => Self::Pool { name: name.clone() },
            Subject::Param { name } => Self::Param { name: name.clone() },
            Subject::DataSource { name } => Self::DataSource { name: name.clone() },
            Subject::FileServer { name } => Self::FileServer { name: name.clone() },
            Subject::FileEvent { name } => Self::FileEvent { name: name.clone() },
            Subject::AlertChannel { name } => Self::AlertChannel { name: name.clone() },
            Subject::AlertRule { name } => Self::AlertRule { name: name.clone() },
            Subject::Webhook { name } => Self::Webhook { name: name.clone() },
            Subject::Mesh => Self::Mesh,
        }
    }
}

/// A response that [`render`] will fill.
impl warp::Reply for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

/// Fills a problem's response with its text; leaves others as they are.
pub(super) fn render(mut response: Response, lang: Lang) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    // The shape is ours: it always serializes.
    let mut body = serde_json::to_vec(&problem.to_dto(lang)).unwrap_or_default();
    body.push(b'\n');
    *response.body_mut() = body.into();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    let language = match lang {
        Lang::En => "en",
        Lang::Zh => "zh-CN",
    };
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    if let Problem::Denied(
        Denial::TooManyAttempts { seconds } | Denial::TooManyDeliveries { seconds },
    )
    | Problem::TooManyRequests { seconds } = &problem
    {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    if let Problem::Denied(Denial::SignedOut) = &problem {
        let scheme = HeaderValue::from_static("Bearer");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    if problem.status() == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Problem::MethodNotAllowed { allow } = &problem
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        headers.insert(header::ALLOW, allow);
    }
    response
}
