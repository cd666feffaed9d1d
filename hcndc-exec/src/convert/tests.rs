use std::fmt::Debug;

use chrono::NaiveDate;
use hcndc_core::time::DataDate;
use proptest::{
    collection::{btree_map, btree_set, vec},
    option,
    prelude::*,
};
use prost::Message as _;

use super::*;

/// Through bytes, as on the wire, and back.
fn round_trip<T, W>(value: T)
where
    T: Clone + Debug + PartialEq + Into<W> + TryFrom<W, Error = ConvertError>,
    W: prost::Message + Default,
{
    let wire: W = value.clone().into();
    let decoded = W::decode(wire.encode_to_vec().as_slice()).unwrap();
    assert_eq!(T::try_from(decoded), Ok(value));
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

fn duration() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_micros)
}

fn kind() -> impl Strategy<Value = JobKind<SourceAccess>> {
    let texts = || btree_map(any::<String>(), any::<String>(), 0..3);
    let http = (any::<(String, String, String, String)>(), texts()).prop_map(
        |((method, url, body, expect), headers)| {
            JobKind::Http(Box::new(HttpCall {
                method,
                url,
                headers,
                body,
                expect,
            }))
        },
    );
    let sql = (any::<([String; 6], Option<u16>, usize, bool)>(), texts()).prop_map(
        |(
            ([name, host, database, user, password, statement], port, kind, transaction),
            options,
        )| {
            JobKind::Sql(SqlScript {
                data_source: SourceAccess {
                    name,
                    kind: STATEMENTS[kind % 3],
                    host,
                    port,
                    database,
                    user,
                    password: Secret::new(password),
                    options,
                },
                statement,
                transaction,
            })
        },
    );
    let kettle = (any::<([String; 7], bool, usize)>(), texts()).prop_map(
        |(([home, file, repository, user, password, directory, name], pan, level), params)| {
            JobKind::Kettle(Box::new(KettleRun {
                tool: if pan {
                    KettleTool::Pan
                } else {
                    KettleTool::Kitchen
                },
                home,
                file,
                repository,
                user,
                password,
                directory,
                name,
                level: LEVELS.get(level % 8).copied(),
                params,
            }))
        },
    );
    prop_oneof![Just(JobKind::Shell), http, sql, kettle]
}

prop_compose! {
    fn order()(
        ids in any::<(u64, u64, u64, u32)>(),
        texts in any::<(String, String, String, String)>(),
        day in 1i32..3_000_000,
        args in vec(any::<(String, String)>(), 0..3),
        kind in kind(),
        values in btree_map(any::<String>(), any::<String>(), 0..3),
        env in btree_map(any::<String>(), any::<String>(), 0..3),
        literal in btree_set(any::<String>(), 0..3),
        timeout in option::of(duration()),
        grace in duration(),
    ) -> RunOrder {
        RunOrder {
            attempt: AttemptId(ids.0),
            execution: ExecutionId(ids.1),
            job_run: JobRunId(ids.2),
            number: ids.3,
            flow: texts.0,
            job: texts.1,
            data_date: NaiveDate::from_num_days_from_ce_opt(day).and_then(DataDate::new).unwrap(),
            date_format: None,
            calendar: None,
            kind,
            command: texts.2,
            args: args.into_iter().map(|(name, value)| Param { name, value }).collect(),
            values,
            literal,
            env,
            workdir: texts.3,
            timeout,
            grace,
        }
    }
}

fn protocol() -> impl Strategy<Value = Protocol> {
    any::<(u32, u32)>().prop_map(|(major, minor)| Protocol { major, minor })
}

fn down() -> impl Strategy<Value = Down> {
    prop_oneof![
        (any::<(String, u64, String)>(), protocol()).prop_map(
            |((realm, fence, scheduler), protocol)| {
                Down::Hello {
                    realm,
                    fence: Fence(fence),
                    scheduler,
                    protocol,
                }
            }
        ),
        order().prop_map(|order| Down::Run(Box::new(order))),
        (any::<u64>(), duration()).prop_map(|(attempt, grace)| Down::Kill {
            attempt: AttemptId(attempt),
            grace
        }),
        any::<u64>().prop_map(|attempt| Down::Ack {
            attempt: AttemptId(attempt)
        }),
        Just(Down::Drain),
    ]
}

fn cause() -> impl Strategy<Value = EndCause> {
    prop_oneof![
        any::<i32>().prop_map(EndCause::Exited),
        any::<i32>().prop_map(EndCause::Signaled),
        Just(EndCause::TimedOut),
        Just(EndCause::Killed),
        any::<String>().prop_map(EndCause::NotStarted),
        any::<String>().prop_map(EndCause::Lost),
    ]
}

prop_compose! {
    fn end()(
        cause in cause(),
        started_at in option::of(timestamp()),
        ended_at in timestamp(),
        cpu_time in duration(),
        figures in any::<(u64, u64)>(),
        outputs in btree_map(any::<String>(), any::<String>(), 0..3),
    ) -> End {
        End {
            cause,
            started_at,
            ended_at,
            peak_memory_bytes: figures.0,
            cpu_time,
            log_bytes: figures.1,
            outputs,
        }
    }
}

fn held() -> impl Strategy<Value = Held> {
    (
        any::<u64>(),
        option::of((any::<u32>(), timestamp())),
        option::of(end()),
    )
        .prop_map(|(attempt, started, end)| Held {
            attempt: AttemptId(attempt),
            started,
            end,
        })
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        any::<(u64, u64)>().prop_map(|(given, seen)| Refusal::FenceTooLow { given, seen }),
        (protocol(), protocol()).prop_map(|(given, speaks)| Refusal::Protocol { given, speaks }),
        Just(Refusal::Superseded),
        Just(Refusal::HelloFirst),
        any::<(String, String, u64)>().prop_map(|(given, serves, alive)| Refusal::OtherRealm {
            given,
            serves,
            alive
        }),
    ]
}

fn up() -> impl Strategy<Value = Up> {
    let labels = btree_map(any::<String>(), any::<String>(), 0..3);
    prop_oneof![
        (
            any::<(String, String, u32)>(),
            protocol(),
            labels,
            vec(held(), 0..3)
        )
            .prop_map(
                |((name, version, slots), protocol, labels, held)| Up::Hello {
                    identity: Identity {
                        name,
                        version,
                        labels,
                        slots
                    },
                    protocol,
                    held
                }
            ),
        (any::<(u64, u32)>(), timestamp()).prop_map(|((attempt, pid), at)| Up::Started {
            attempt: AttemptId(attempt),
            pid,
            at
        }),
        (any::<u64>(), end()).prop_map(|(attempt, end)| Up::Finished {
            attempt: AttemptId(attempt),
            end
        }),
        (
            any::<(u32, u64, u64, u64, u64)>(),
            any::<(String, String, u32)>(),
            0.0..1e6
        )
            .prop_map(|(numbers, (os, hostname, running), load_1m)| Up::Heartbeat(
                HostFigures {
                    cores: numbers.0,
                    load_1m,
                    memory_total_bytes: numbers.1,
                    memory_available_bytes: numbers.2,
                    disk_total_bytes: numbers.3,
                    disk_available_bytes: numbers.4,
                    os,
                    hostname,
                    running
                }
            )),
        refusal().prop_map(Up::Refused),
    ]
}

fn read() -> impl Strategy<Value = LogRead> {
    let stream = prop_oneof![
        Just(Stream::Stdout),
        Just(Stream::Stderr),
        Just(Stream::Executor)
    ];
    let entry = (timestamp(), stream, vec(any::<u8>(), 0..9))
        .prop_map(|(at, stream, bytes)| LogEntry { at, stream, bytes });
    (vec(entry, 0..4), any::<(u64, bool)>()).prop_map(|(entries, (next, complete))| LogRead {
        entries,
        next,
        complete,
    })
}

proptest! {
    #[test]
    fn orders_come_through(message in down()) {
        round_trip::<Down, wire::ToExecutor>(message);
    }

    #[test]
    fn reports_come_through(message in up()) {
        round_trip::<Up, wire::FromExecutor>(message);
    }

    #[test]
    fn logs_come_through(read in read()) {
        round_trip::<LogRead, wire::ReadLogReply>(read);
    }

    #[test]
    fn any_bytes_are_a_message_or_refused(bytes in vec(any::<u8>(), 0..64)) {
        let _ = wire::ToExecutor::decode(bytes.as_slice()).map(Down::try_from);
        let _ = wire::FromExecutor::decode(bytes.as_slice()).map(Up::try_from);
    }
}

#[test]
fn nonsense_is_refused() {
    assert_eq!(
        Down::try_from(wire::ToExecutor { message: None }),
        Err(missing("an order"))
    );
    let order = wire::RunOrder {
        data_date: "yesterday".into(),
        ..wire::RunOrder::default()
    };
    assert!(matches!(
        RunOrder::try_from(order),
        Err(ConvertError::Date(_))
    ));
    let heartbeat = wire::Heartbeat {
        load_1m: f64::NAN,
        ..wire::Heartbeat::default()
    };
    assert_eq!(
        Up::try_from(wire::FromExecutor {
            message: Some(from_executor::Message::Heartbeat(heartbeat))
        }),
        Err(ConvertError::NotANumber { field: "load_1m" })
    );
    assert_eq!(
        End::try_from(wire::End::default()),
        Err(missing("the cause of an end"))
    );
}
