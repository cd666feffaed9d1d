//! One definition of each kind beside flows, jobs and executors, with every field set to something.

use alloc::{collections::BTreeSet, string::String, vec, vec::Vec};
use core::time::Duration;

use chrono_tz::Tz;

use super::{at, date, map, param, revision};
use crate::{
    id::{
        AlertChannelId, AlertRuleId, CalendarId, DataSourceId, FileEventId, FileServerId, FlowId,
        ParamId, PoolId, ScheduleId, WebhookId,
    },
    model::{
        AlertChannel, AlertChannelKind, AlertEvent, AlertRule, Calendar, ContextValue, DataSource,
        DataSourceKind, Deadline, Definition, Escalation, FileEvent, FilePer, FileServer,
        FileServerKind, HookCondition, HookScheme, HookTest, Missed, Overlap, ParamKind, Pool,
        Schedule, Secret, SharedParam, Trigger, ValueType, Webhook, Window,
    },
    trigger::{
        TimeOfDay, Timing, Weekdays,
        calendar::{BusinessDays, DayFilter, DayRule},
        cron::{Cron, Dialect},
    },
};

fn time_of_day(hour: u32, minute: u32, second: u32) -> TimeOfDay {
    TimeOfDay::new(hour, minute, second).expect("the samples write times that exist")
}

/// A pool with nothing but a name.
#[must_use]
pub fn pool(id: u64, name: &str) -> Pool {
    Pool {
        id: PoolId(id),
        name: name.into(),
        directory: String::from("/"),
        description: String::new(),
        slots: 1,
        revision: revision(1),
    }
}

/// A schedule that fires by a day rule.
#[must_use]
pub fn schedule(id: u64, flow: u64, name: &str) -> Schedule {
    Schedule {
        id: ScheduleId(id),
        name: name.into(),
        directory: String::from("/"),
        description: String::new(),
        owner: String::new(),
        flow: FlowId(flow),
        downstream: false,
        trigger: Trigger::Time(Timing::Calendar {
            rule: DayRule::MONTH_END,
            at: BTreeSet::from([time_of_day(23, 59, 58)]),
        }),
        zone: Tz::UTC,
        paused: false,
        calendar: None,
        filter: None,
        misfire_grace: Duration::from_secs(3_600),
        missed: Missed::Coalesce,
        max_instances: 1,
        overlap: Overlap::Queue,
        not_before: None,
        not_after: None,
        date_offset: -1,
        params: Vec::new(),
        start_by: None,
        finish_by: None,
        alerts: Vec::new(),
        revision: revision(1),
    }
}

/// A param that is a text.
#[must_use]
pub fn shared_param(id: u64, name: &str) -> SharedParam {
    SharedParam {
        id: ParamId(id),
        name: name.into(),
        directory: String::from("/"),
        description: String::new(),
        kind: ParamKind::Static {
            value: String::from("${date} $x"),
        },
        revision: revision(1),
    }
}

/// At least one of each kind, sorted by kind and id, which run from 71 on.
pub(super) fn all() -> Vec<Definition> {
    let mut all: Vec<Definition> = schedules().into_iter().map(Definition::from).collect();
    all.push(calendar().into());
    all.push(
        Pool {
            directory: String::from("/仓库"),
            description: String::from("bears seven"),
            slots: 100_000,
            ..pool(76, "仓库")
        }
        .into(),
    );
    all.extend(params().into_iter().map(Definition::from));
    all.extend([
        data_source().into(),
        file_server().into(),
        file_event().into(),
    ]);
    all.extend([
        alert_channel().into(),
        alert_rule().into(),
        webhook().into(),
    ]);
    all
}

fn schedules() -> Vec<Schedule> {
    let cron = Cron::parse(Dialect::Quartz, "0 30 2 ? * 2#1").expect("an expression");
    let nightly = Schedule {
        directory: String::from("/零售"),
        description: String::from("after the tills close"),
        owner: String::from("data-platform"),
        downstream: true,
        trigger: Trigger::Time(Timing::Cron(cron)),
        zone: Tz::Asia__Shanghai,
        paused: true,
        calendar: Some(CalendarId(75)),
        filter: Some(DayFilter::AllBut {
            dates: BTreeSet::from([date("2027-02-06"), date("2027-02-07")]),
        }),
        misfire_grace: Duration::from_millis(90_500),
        missed: Missed::CatchUp,
        max_instances: 3,
        overlap: Overlap::Skip,
        not_before: Some(at(1)),
        not_after: Some(at(2)),
        date_offset: 0,
        params: vec![param("zone", "华东")],
        start_by: Some(Deadline {
            days: 0,
            at: time_of_day(3, 0, 0),
        }),
        finish_by: Some(Deadline {
            days: 1,
            at: time_of_day(6, 30, 59),
        }),
        alerts: vec![AlertRuleId(83)],
        ..schedule(71, 1, "每晚 'nightly'")
    };
    let by_file = Schedule {
        trigger: Trigger::File(FileEventId(81)),
        ..schedule(72, 1, "by file")
    };
    let by_date = Schedule {
        trigger: Trigger::DataDate(vec![FlowId(1)]),
        ..schedule(73, 2, "by date")
    };
    vec![nightly, by_file, by_date, schedule(74, 2, "month end")]
}

/// A calendar with a few holidays and a Sunday to work on.
#[must_use]
pub fn calendar() -> Calendar {
    Calendar {
        id: CalendarId(75),
        name: String::from("中国"),
        directory: String::from("/"),
        description: String::from("with 调休"),
        days: BusinessDays {
            weekend: Weekdays::WEEKEND,
            holidays: BTreeSet::from([date("2026-10-01"), date("2026-10-02")]),
            workdays: BTreeSet::from([date("2026-09-27")]),
        },
        revision: revision(1),
    }
}

fn params() -> Vec<SharedParam> {
    let by_query = SharedParam {
        description: String::from("what the tills say"),
        kind: ParamKind::Sql {
            data_source: DataSourceId(79),
            query: String::from("select max(day) from \"till's\""),
            timeout: Duration::from_secs(30),
            column: Some(String::from("day of \"till\"")),
            value_type: ValueType::Date,
        },
        ..shared_param(78, "latest.day")
    };
    let by_context = SharedParam {
        kind: ParamKind::Context {
            value: ContextValue::DataDate {
                offset_days: -1,
                format: String::from("%Y%m%d"),
            },
        },
        ..shared_param(85, "day")
    };
    vec![shared_param(77, "out-dir"), by_query, by_context]
}

fn data_source() -> DataSource {
    DataSource {
        id: DataSourceId(79),
        name: String::from("warehouse"),
        directory: String::from("/"),
        description: String::new(),
        kind: DataSourceKind::Clickhouse,
        host: String::from("dw.example"),
        port: Some(65_535),
        database: String::from("dw"),
        user: String::from("etl"),
        password: Secret::new("s'ealed\n"),
        options: map(&[("tls", "on")]),
        revision: revision(2),
    }
}

fn file_server() -> FileServer {
    FileServer {
        id: FileServerId(80),
        name: String::from("partners"),
        directory: String::from("/"),
        description: String::new(),
        kind: FileServerKind::Sftp,
        host: String::from("sftp.example"),
        port: Some(2_222),
        user: String::from("etl"),
        password: Secret::new("🔑"),
        options: map(&[("key", "ed25519")]),
        revision: revision(1),
    }
}

fn file_event() -> FileEvent {
    FileEvent {
        id: FileEventId(81),
        name: String::from("orders"),
        directory: String::from("/"),
        description: String::new(),
        enabled: false,
        server: FileServerId(80),
        path: String::from("/in/orders-${date:%Y%m%d}*.csv"),
        window: Some(Window {
            from: time_of_day(22, 0, 0),
            to: time_of_day(4, 0, 0),
        }),
        zone: Tz::Europe__Berlin,
        interval: Duration::from_secs(86_400),
        min_age: Duration::from_millis(1_500),
        marker: Some(String::from("_SUCCESS")),
        per: FilePer::File,
        date_pattern: Some(String::from("%Y%m%d")),
        revision: revision(1),
    }
}

fn alert_channel() -> AlertChannel {
    AlertChannel {
        id: AlertChannelId(82),
        name: String::from("值班群"),
        directory: String::from("/"),
        description: String::new(),
        enabled: false,
        kind: AlertChannelKind::DingTalk,
        settings: map(&[("at", "王芳")]),
        secret: Secret::new("token"),
        revision: revision(1),
    }
}

fn alert_rule() -> AlertRule {
    AlertRule {
        id: AlertRuleId(83),
        name: String::from("all that is late"),
        directory: String::from("/"),
        description: String::new(),
        enabled: true,
        events: BTreeSet::from([AlertEvent::NotStartedBy, AlertEvent::NotFinishedBy]),
        channels: vec![AlertChannelId(82)],
        escalation: Some(Escalation {
            after: Duration::from_secs(1_800),
            channels: vec![AlertChannelId(82)],
        }),
        default: true,
        revision: revision(1),
    }
}

fn webhook() -> Webhook {
    Webhook {
        id: WebhookId(84),
        name: String::from("订单"),
        directory: String::from("/零售"),
        description: String::from("orders are complete"),
        enabled: true,
        flows: vec![FlowId(1)],
        downstream: true,
        scheme: HookScheme::Body,
        secret: Secret::new("one two"),
        signature_header: String::from("X-Signature"),
        delivery_header: String::from("X-Delivery"),
        filter: vec![HookCondition {
            at: String::from("/kind"),
            is: HookTest::Matches,
            values: vec![String::from("订单*")],
        }],
        date_at: Some(String::from("/data/date")),
        date_format: String::from("%Y%m%d"),
        zone: Tz::Asia__Shanghai,
        date_offset: 0,
        params: vec![param("BATCH", "/data/batch")],
        revision: revision(2),
    }
}
