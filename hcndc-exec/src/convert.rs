//! Between the wire and the core's words. What comes from the wire may be nonsense, and is refused then.

mod dates;

use std::time::Duration;

use hcndc_core::{
    engine::{End, EndCause, Held, HostFigures, Offer, RunOrder, SourceAccess},
    id::{AttemptId, ExecutionId, JobRunId},
    model::{
        DataSourceKind, HttpCall, JobKind, KettleLevel, KettleRun, KettleTool, Param, Secret,
        SqlScript,
    },
    port::{Fence, Introduction, LogEntry, LogRead, Stream},
    time::{TimeError, Timestamp},
};

use crate::{
    link::{Down, Identity, PROTOCOL, Protocol, Refusal, Up},
    wire::{self, end::Cause, from_executor, refused::Reason, run_order::Work, to_executor},
};

/// A message that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// Something that must be there is not; it may be of a newer protocol.
    #[error("a message comes without {field}")]
    Missing {
        /// What.
        field: &'static str,
    },
    /// A figure is none.
    #[error("{field} is not a number")]
    NotANumber {
        /// Which.
        field: &'static str,
    },
    /// A date is none.
    #[error(transparent)]
    Date(#[from] TimeError),
}

const fn missing(field: &'static str) -> ConvertError {
    ConvertError::Missing { field }
}

const fn version(major: u32, minor: u32) -> Protocol {
    Protocol { major, minor }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl From<Down> for wire::ToExecutor {
    fn from(message: Down) -> Self {
        use to_executor::Message;
        let message = match message {
            Down::Hello {
                realm,
                fence,
                scheduler,
                protocol,
            } => Message::Hello(wire::SchedulerHello {
                realm,
                fence: fence.0,
                scheduler,
                protocol: protocol.major,
                protocol_minor: protocol.minor,
            }),
            Down::Run(order) => Message::Run((*order).into()),
            Down::Kill { attempt, grace } => Message::Kill(wire::Kill {
                attempt: attempt.0,
                grace_us: micros(grace),
            }),
            Down::Ack { attempt } => Message::Ack(wire::Ack { attempt: attempt.0 }),
            Down::Drain => Message::Drain(wire::Drain {}),
        };
        Self {
            message: Some(message),
        }
    }
}

impl TryFrom<wire::ToExecutor> for Down {
    type Error = ConvertError;

    fn try_from(message: wire::ToExecutor) -> Result<Self, ConvertError> {
        use to_executor::Message;
        Ok(match message.message.ok_or(missing("an order"))? {
            Message::Hello(hello) => Self::Hello {
                realm: hello.realm,
                fence: Fence(hello.fence),
                scheduler: hello.scheduler,
                protocol: version(hello.protocol, hello.protocol_minor),
            },
            Message::Run(order) => Self::Run(Box::new(order.try_into()?)),
            Message::Kill(kill) => Self::Kill {
                attempt: AttemptId(kill.attempt),
                grace: Duration::from_micros(kill.grace_us),
            },
            Message::Ack(ack) => Self::Ack {
                attempt: AttemptId(ack.attempt),
            },
            Message::Drain(wire::Drain {}) => Self::Drain,
        })
    }
}

impl From<RunOrder> for wire::RunOrder {
    fn from(mut order: RunOrder) -> Self {
        dates::write_into_texts(&mut order);
        Self {
            attempt: order.attempt.0,
            execution: order.execution.0,
            job_run: order.job_run.0,
            number: order.number,
            flow: order.flow,
            job: order.job,
            data_date: order.data_date.to_string(),
            command: order.command,
            args: order
                .args
                .into_iter()
                .map(|Param { name, value }| wire::Param { name, value })
                .collect(),
            values: order.values,
            env: order.env,
            workdir: order.workdir,
            timeout_us: order.timeout.map(micros),
            grace_us: micros(order.grace),
            literal: order.literal.into_iter().collect(),
            work: work(order.kind),
        }
    }
}

impl TryFrom<wire::RunOrder> for RunOrder {
    type Error = ConvertError;

    fn try_from(order: wire::RunOrder) -> Result<Self, ConvertError> {
        Ok(Self {
            kind: match order.work {
                None => JobKind::Shell,
                Some(work) => kind(work)?,
            },
            attempt: AttemptId(order.attempt),
            execution: ExecutionId(order.execution),
            job_run: JobRunId(order.job_run),
            number: order.number,
            flow: order.flow,
            job: order.job,
            data_date: order.data_date.parse()?,
            // Both stand in the placeholders.
            date_format: None,
            calendar: None,
            command: order.command,
            args: order
                .args
                .into_iter()
                .map(|wire::Param { name, value }| Param { name, value })
                .collect(),
            values: order.values,
            env: order.env,
            workdir: order.workdir,
            timeout: order.timeout_us.map(Duration::from_micros),
            grace: Duration::from_micros(order.grace_us),
            literal: order.literal.into_iter().collect(),
        })
    }
}

/// What an order does instead of running a command.
fn work(kind: JobKind<SourceAccess>) -> Option<Work> {
    Some(match kind {
        JobKind::Shell => return None,
        JobKind::Http(call) => Work::Http(wire::HttpCall {
            method: call.method,
            url: call.url,
            headers: call.headers,
            body: call.body,
            expect: call.expect,
        }),
        JobKind::Sql(script) => {
            let source = script.data_source;
            Work::Sql(wire::SqlScript {
                source: Some(wire::DataSource {
                    name: source.name,
                    kind: source.kind.as_str().to_owned(),
                    host: source.host,
                    port: source.port.map(u32::from),
                    database: source.database,
                    user: source.user,
                    password: source.password.reveal().to_owned(),
                    options: source.options,
                }),
                statement: script.statement,
                transaction: script.transaction,
            })
        }
        JobKind::Kettle(run) => Work::Kettle(wire::KettleRun {
            pan: run.tool == KettleTool::Pan,
            home: run.home,
            file: run.file,
            repository: run.repository,
            user: run.user,
            password: run.password,
            directory: run.directory,
            name: run.name,
            level: run
                .level
                .map_or_else(String::new, |it| it.as_str().to_owned()),
            params: run.params,
        }),
    })
}

fn kind(work: Work) -> Result<JobKind<SourceAccess>, ConvertError> {
    Ok(match work {
        Work::Http(call) => JobKind::Http(Box::new(HttpCall {
            method: call.method,
            url: call.url,
            headers: call.headers,
            body: call.body,
            expect: call.expect,
        })),
        Work::Sql(script) => {
            let source = script.source.ok_or(missing("a data source"))?;
            let mut kinds = STATEMENTS.into_iter();
            let kind = kinds.find(|kind| kind.as_str() == source.kind);
            let port = source.port.map(u16::try_from).transpose();
            JobKind::Sql(SqlScript {
                data_source: SourceAccess {
                    name: source.name,
                    kind: kind.ok_or(missing("a kind of data source that it knows"))?,
                    host: source.host,
                    port: port.map_err(|_| ConvertError::NotANumber { field: "port" })?,
                    database: source.database,
                    user: source.user,
                    password: Secret::new(source.password),
                    options: source.options,
                },
                statement: script.statement,
                transaction: script.transaction,
            })
        }
        Work::Kettle(run) => JobKind::Kettle(Box::new(KettleRun {
            tool: match run.pan {
                true => KettleTool::Pan,
                false => KettleTool::Kitchen,
            },
            home: run.home,
            file: run.file,
            repository: run.repository,
            user: run.user,
            password: run.password,
            directory: run.directory,
            name: run.name,
            // One that is not known leaves it to Kettle.
            level: LEVELS.into_iter().find(|it| it.as_str() == run.level),
            params: run.params,
        })),
    })
}

const STATEMENTS: [DataSourceKind; 3] = [
    DataSourceKind::Mysql,
    DataSourceKind::Postgresql,
    DataSourceKind::Sqlite,
];

const LEVELS: [KettleLevel; 7] = [
    KettleLevel::Nothing,
    KettleLevel::Error,
    KettleLevel::Minimal,
    KettleLevel::Basic,
    KettleLevel::Detailed,
    KettleLevel::Debug,
    KettleLevel::Rowlevel,
];

impl From<Up> for wire::FromExecutor {
    fn from(message: Up) -> Self {
        use from_executor::Message;
        let message = match message {
            Up::Hello {
                identity,
                protocol,
                held,
            } => Message::Hello(wire::ExecutorHello {
                name: identity.name,
                version: identity.version,
                protocol: protocol.major,
                protocol_minor: protocol.minor,
                labels: identity.labels,
                slots: identity.slots,
                held: held.into_iter().map(Into::into).collect(),
            }),
            Up::Started { attempt, pid, at } => Message::Started(wire::Started {
                attempt: attempt.0,
                process: Some(process((pid, at))),
            }),
            Up::Finished { attempt, end } => Message::Finished(wire::Finished {
                attempt: attempt.0,
                end: Some(end.into()),
            }),
            Up::Heartbeat(figures) => Message::Heartbeat(figures.into()),
            Up::Refused(refusal) => Message::Refused(refusal.into()),
        };
        Self {
            message: Some(message),
        }
    }
}

impl TryFrom<wire::FromExecutor> for Up {
    type Error = ConvertError;

    fn try_from(message: wire::FromExecutor) -> Result<Self, ConvertError> {
        use from_executor::Message;
        Ok(match message.message.ok_or(missing("a report"))? {
            Message::Hello(hello) => Self::Hello {
                identity: Identity {
                    name: hello.name,
                    version: hello.version,
                    labels: hello.labels,
                    slots: hello.slots,
                },
                protocol: version(hello.protocol, hello.protocol_minor),
                held: hello
                    .held
                    .into_iter()
                    .map(TryInto::try_into)
                    .collect::<Result<_, _>>()?,
            },
            Message::Started(started) => {
                let process = started.process.ok_or(missing("the process"))?;
                Self::Started {
                    attempt: AttemptId(started.attempt),
                    pid: process.pid,
                    at: Timestamp::from_micros(process.started_at_us),
                }
            }
            Message::Finished(finished) => Self::Finished {
                attempt: AttemptId(finished.attempt),
                end: finished.end.ok_or(missing("the end"))?.try_into()?,
            },
            Message::Heartbeat(figures) => Self::Heartbeat(figures.try_into()?),
            Message::Refused(refused) => Self::Refused(refused.try_into()?),
        })
    }
}

impl From<HostFigures> for wire::Heartbeat {
    fn from(figures: HostFigures) -> Self {
        Self {
            cores: figures.cores,
            load_1m: figures.load_1m,
            memory_total_bytes: figures.memory_total_bytes,
            memory_available_bytes: figures.memory_available_bytes,
            disk_total_bytes: figures.disk_total_bytes,
            disk_available_bytes: figures.disk_available_bytes,
            os: figures.os,
            hostname: figures.hostname,
            running: figures.running,
        }
    }
}

impl TryFrom<wire::Heartbeat> for HostFigures {
    type Error = ConvertError;

    fn try_from(figures: wire::Heartbeat) -> Result<Self, ConvertError> {
        if !figures.load_1m.is_finite() {
            return Err(ConvertError::NotANumber { field: "load_1m" });
        }
        Ok(Self {
            cores: figures.cores,
            load_1m: figures.load_1m,
            memory_total_bytes: figures.memory_total_bytes,
            memory_available_bytes: figures.memory_available_bytes,
            disk_total_bytes: figures.disk_total_bytes,
            disk_available_bytes: figures.disk_available_bytes,
            os: figures.os,
            hostname: figures.hostname,
            running: figures.running,
        })
    }
}

/// Who an executor is, and the protocol that it speaks.
pub(crate) fn introduction(
    identity: Identity,
    figures: HostFigures,
    protocol: Protocol,
) -> Introduction {
    Introduction {
        name: identity.name,
        version: identity.version,
        protocol: protocol.to_string(),
        offer: Offer {
            labels: identity.labels,
            slots: identity.slots,
        },
        figures,
    }
}

/// The same over the wire; the protocol for whoever has to understand it.
pub(crate) fn introduced(
    reply: wire::IntroduceReply,
) -> Result<(Introduction, Protocol), ConvertError> {
    let identity = Identity {
        name: reply.name,
        version: reply.version,
        labels: reply.labels,
        slots: reply.slots,
    };
    let protocol = version(reply.protocol, reply.protocol_minor);
    let figures = reply.figures.unwrap_or_default().try_into()?;
    Ok((introduction(identity, figures, protocol), protocol))
}

/// What goes over the wire of who we are.
pub(crate) fn introduce(identity: Identity, figures: HostFigures) -> wire::IntroduceReply {
    wire::IntroduceReply {
        name: identity.name,
        version: identity.version,
        protocol: PROTOCOL.major,
        protocol_minor: PROTOCOL.minor,
        labels: identity.labels,
        slots: identity.slots,
        figures: Some(figures.into()),
    }
}

const fn process((pid, at): (u32, Timestamp)) -> wire::Process {
    wire::Process {
        pid,
        started_at_us: at.as_micros(),
    }
}

impl From<Held> for wire::Held {
    fn from(held: Held) -> Self {
        Self {
            attempt: held.attempt.0,
            process: held.started.map(process),
            end: held.end.map(Into::into),
        }
    }
}

impl TryFrom<wire::Held> for Held {
    type Error = ConvertError;

    fn try_from(held: wire::Held) -> Result<Self, ConvertError> {
        Ok(Self {
            attempt: AttemptId(held.attempt),
            started: held
                .process
                .map(|process| (process.pid, Timestamp::from_micros(process.started_at_us))),
            end: held.end.map(TryInto::try_into).transpose()?,
        })
    }
}

/// The signal with which a system ends what uses up its memory.
const SIGKILL: i32 = 9;

impl From<End> for wire::End {
    fn from(end: End) -> Self {
        // An end of an earlier minor skips what is more than a signal.
        let core_dumped = matches!(end.cause, EndCause::CoreDumped(_));
        let out_of_memory = end.cause == EndCause::OutOfMemory;
        let cause = match end.cause {
            EndCause::Exited(code) => Cause::Exited(code),
            EndCause::Signaled(signal) | EndCause::CoreDumped(signal) => Cause::Signaled(signal),
            EndCause::OutOfMemory => Cause::Signaled(SIGKILL),
            EndCause::TimedOut => Cause::TimedOut(wire::TimedOut {}),
            EndCause::Killed => Cause::Killed(wire::Killed {}),
            EndCause::NotStarted(reason) => Cause::NotStarted(reason),
            EndCause::Lost(reason) => Cause::Lost(reason),
        };
        Self {
            cause: Some(cause),
            started_at_us: end.started_at.map(Timestamp::as_micros),
            ended_at_us: end.ended_at.as_micros(),
            peak_memory_bytes: end.peak_memory_bytes,
            cpu_time_us: micros(end.cpu_time),
            log_bytes: end.log_bytes,
            core_dumped,
            out_of_memory,
            outputs: end.outputs,
        }
    }
}

impl TryFrom<wire::End> for End {
    type Error = ConvertError;

    fn try_from(end: wire::End) -> Result<Self, ConvertError> {
        let cause = match end.cause.ok_or(missing("the cause of an end"))? {
            Cause::Exited(code) => EndCause::Exited(code),
            Cause::Signaled(_) if end.out_of_memory => EndCause::OutOfMemory,
            Cause::Signaled(signal) if end.core_dumped => EndCause::CoreDumped(signal),
            Cause::Signaled(signal) => EndCause::Signaled(signal),
            Cause::TimedOut(wire::TimedOut {}) => EndCause::TimedOut,
            Cause::Killed(wire::Killed {}) => EndCause::Killed,
            Cause::NotStarted(reason) => EndCause::NotStarted(reason),
            Cause::Lost(reason) => EndCause::Lost(reason),
        };
        Ok(Self {
            cause,
            started_at: end.started_at_us.map(Timestamp::from_micros),
            ended_at: Timestamp::from_micros(end.ended_at_us),
            peak_memory_bytes: end.peak_memory_bytes,
            cpu_time: Duration::from_micros(end.cpu_time_us),
            log_bytes: end.log_bytes,
            outputs: end.outputs,
        })
    }
}

impl From<Refusal> for wire::Refused {
    fn from(refusal: Refusal) -> Self {
        let reason = match refusal {
            Refusal::FenceTooLow { given, seen } => {
                Reason::FenceTooLow(wire::FenceTooLow { given, seen })
            }
            Refusal::Protocol { given, speaks } => Reason::WrongProtocol(wire::WrongProtocol {
                given: given.major,
                given_minor: given.minor,
                speaks: speaks.major,
                speaks_minor: speaks.minor,
            }),
            Refusal::Superseded => Reason::Superseded(wire::Superseded {}),
            Refusal::HelloFirst => Reason::HelloFirst(wire::HelloFirst {}),
            Refusal::OtherRealm {
                given,
                serves,
                alive,
            } => Reason::OtherRealm(wire::OtherRealm {
                given,
                serves,
                alive,
            }),
        };
        Self {
            reason: Some(reason),
        }
    }
}

impl TryFrom<wire::Refused> for Refusal {
    type Error = ConvertError;

    fn try_from(refused: wire::Refused) -> Result<Self, ConvertError> {
        Ok(
            match refused.reason.ok_or(missing("the reason of a refusal"))? {
                Reason::FenceTooLow(wire::FenceTooLow { given, seen }) => {
                    Self::FenceTooLow { given, seen }
                }
                Reason::WrongProtocol(wrong) => Self::Protocol {
                    given: version(wrong.given, wrong.given_minor),
                    speaks: version(wrong.speaks, wrong.speaks_minor),
                },
                Reason::Superseded(wire::Superseded {}) => Self::Superseded,
                Reason::HelloFirst(wire::HelloFirst {}) => Self::HelloFirst,
                Reason::OtherRealm(wire::OtherRealm {
                    given,
                    serves,
                    alive,
                }) => Self::OtherRealm {
                    given,
                    serves,
                    alive,
                },
            },
        )
    }
}

impl From<LogRead> for wire::ReadLogReply {
    fn from(read: LogRead) -> Self {
        let entries = read.entries.into_iter().map(|entry| wire::LogEntry {
            at_us: entry.at.as_micros(),
            stream: match entry.stream {
                Stream::Stdout => wire::Stream::Stdout,
                Stream::Stderr => wire::Stream::Stderr,
                Stream::Executor => wire::Stream::Executor,
            }
            .into(),
            bytes: entry.bytes,
        });
        Self {
            entries: entries.collect(),
            next: read.next,
            complete: read.complete,
        }
    }
}

impl TryFrom<wire::ReadLogReply> for LogRead {
    type Error = ConvertError;

    fn try_from(reply: wire::ReadLogReply) -> Result<Self, ConvertError> {
        let entries = reply.entries.into_iter().map(|entry| {
            Ok(LogEntry {
                at: Timestamp::from_micros(entry.at_us),
                stream: match entry.stream() {
                    wire::Stream::Stdout => Stream::Stdout,
                    wire::Stream::Stderr => Stream::Stderr,
                    wire::Stream::Executor => Stream::Executor,
                    wire::Stream::Unspecified => return Err(missing("the stream of an entry")),
                },
                bytes: entry.bytes,
            })
        });
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
            next: reply.next,
            complete: reply.complete,
        })
    }
}

#[cfg(test)]
mod tests;
