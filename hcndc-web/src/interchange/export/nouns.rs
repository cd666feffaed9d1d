//! What stands beside flows, jobs and executors.

use std::{collections::BTreeSet, sync::Arc};

use hcndc_core::{
    engine::Engine,
    id::AlertChannelId,
    model::{
        AlertChannel, AlertChannelKind, AlertEvent, AlertRule, Calendar, ContextValue, DataSource,
        DataSourceKind, Deadline, Definition, FileEvent, FilePer, FileServer, FileServerKind,
        HookScheme, HookTest, Missed, Overlap, ParamKind, Pool, Schedule, SharedParam, Trigger,
        ValueType, Webhook,
    },
    time::{DataDate, Timestamp},
    trigger::{
        Timing,
        calendar::{DayFilter, DayRule},
        cron::Dialect,
    },
};

use super::{params, said, span, texts};
use crate::interchange::{
    MeshAlertChannel, MeshAlertEvent, MeshAlertKind, MeshAlertRule, MeshCalendar, MeshContext,
    MeshContextValue, MeshDataSource, MeshDataSourceKind, MeshDate, MeshDayFilter, MeshDayRule,
    MeshDeadline, MeshDialect, MeshEscalation, MeshFile, MeshFileEvent, MeshFilePer,
    MeshFileServer, MeshFileServerKind, MeshHookCondition, MeshHookScheme, MeshHookTest,
    MeshMissed, MeshOverlap, MeshParam, MeshPool, MeshQuery, MeshSchedule, MeshTrigger,
    MeshValueType, MeshWebhook, MeshWeekday, MeshWindow, TimeOfDay,
};

/// Adds all of them to a file.
pub(super) fn add(engine: &Engine, file: &mut MeshFile) {
    file.pools = engine.pools().map(|it| pool(it)).collect();
    file.calendars = engine.calendars().map(|it| calendar(it)).collect();
    file.data_sources = engine.data_sources().map(|it| data_source(it)).collect();
    let shared = engine.params();
    file.shared_params = shared.map(|it| shared_param(engine, it)).collect();
    file.file_servers = engine.file_servers().map(|it| file_server(it)).collect();
    let events = engine.file_events();
    file.file_events = events.map(|it| file_event(engine, it)).collect();
    let channels = engine.alert_channels();
    file.alert_channels = channels.map(|it| alert_channel(it)).collect();
    let rules = engine.alert_rules();
    file.alert_rules = rules.map(|it| alert_rule(engine, it)).collect();
    let hooks = engine.webhooks();
    file.webhooks = hooks.map(|it| webhook(engine, it)).collect();
    let schedules = engine.schedules();
    file.schedules = schedules.map(|it| schedule(engine, it)).collect();
}

/// One of them, as it stands in a file: without secrets, and without what is as usual.
pub(in crate::interchange) fn one(
    engine: &Engine,
    definition: &Definition,
) -> serde_json::Map<String, serde_json::Value> {
    let value = match definition {
        Definition::Schedule(it) => serde_json::to_value(schedule(engine, it)),
        Definition::Calendar(it) => serde_json::to_value(calendar(it)),
        Definition::Pool(it) => serde_json::to_value(pool(it)),
        Definition::Param(it) => serde_json::to_value(shared_param(engine, it)),
        Definition::DataSource(it) => serde_json::to_value(data_source(it)),
        Definition::FileServer(it) => serde_json::to_value(file_server(it)),
        Definition::FileEvent(it) => serde_json::to_value(file_event(engine, it)),
        Definition::AlertChannel(it) => serde_json::to_value(alert_channel(it)),
        Definition::AlertRule(it) => serde_json::to_value(alert_rule(engine, it)),
        Definition::Webhook(it) => serde_json::to_value(webhook(engine, it)),
    };
    match value {
        Ok(serde_json::Value::Object(fields)) => fields,
        // Made of texts, lists and maps, they can be written, and are maps.
        Ok(_) | Err(_) => serde_json::Map::new(),
    }
}

/// The name of what an id stands for; what is needed by another definition is there.
fn name<T>(found: Option<&Arc<T>>, name: impl FnOnce(&T) -> &String) -> String {
    found.map(|it| name(it).clone()).unwrap_or_default()
}

fn pool(it: &Pool) -> MeshPool {
    MeshPool {
        name: it.name.clone(),
        description: said(&it.description),
        directory: it.directory.clone(),
        slots: it.slots,
    }
}

fn calendar(it: &Calendar) -> MeshCalendar {
    MeshCalendar {
        name: it.name.clone(),
        description: said(&it.description),
        directory: it.directory.clone(),
        weekend: it.days.weekend.iter().map(weekday).collect(),
        holidays: it.days.holidays.iter().copied().map(MeshDate).collect(),
        workdays: it.days.workdays.iter().copied().map(MeshDate).collect(),
    }
}

const fn weekday(day: chrono::Weekday) -> MeshWeekday {
    match day {
        chrono::Weekday::Mon => MeshWeekday::Monday,
        chrono::Weekday::Tue => MeshWeekday::Tuesday,
        chrono::Weekday::Wed => MeshWeekday::Wednesday,
        chrono::Weekday::Thu => MeshWeekday::Thursday,
        chrono::Weekday::Fri => MeshWeekday::Friday,
        chrono::Weekday::Sat => MeshWeekday::Saturday,
        chrono::Weekday::Sun => MeshWeekday::Sunday,
    }
}

fn dates(dates: &BTreeSet<DataDate>) -> Vec<MeshDate> {
    dates.iter().copied().map(MeshDate).collect()
}

fn data_source(it: &DataSource) -> MeshDataSource {
    MeshDataSource {
        name: it.name.clone(),
        description: said(&it.description),
        directory: it.directory.clone(),
        kind: match it.kind {
            DataSourceKind::Mysql => MeshDataSourceKind::Mysql,
            DataSourceKind::Postgresql => MeshDataSourceKind::Postgresql,
            DataSourceKind::Sqlite => MeshDataSourceKind::Sqlite,
            DataSourceKind::SqlServer => MeshDataSourceKind::SqlServer,
            DataSourceKind::Mongodb => MeshDataSourceKind::Mongodb,
            DataSourceKind::Hive => MeshDataSourceKind::Hive,
            DataSourceKind::Impala => MeshDataSourceKind::Impala,
            DataSourceKind::Clickhouse => MeshDataSourceKind::Clickhouse,
            DataSourceKind::Odbc => MeshDataSourceKind::Odbc,
        },
        host: said(&it.host),
        port: it.port,
        database: said(&it.database),
        user: said(&it.user),
        password: None,
        options: texts(&it.options),
    }
}

fn shared_param(engine: &Engine, it: &SharedParam) -> MeshParam {
    let mut param = MeshParam {
        name: it.name.clone(),
        description: said(&it.description),
        directory: it.directory.clone(),
        value: None,
        sql: None,
        context: None,
    };
    match &it.kind {
        ParamKind::Static { value } => param.value = Some(value.clone()),
        ParamKind::Sql {
            data_source,
            query,
            timeout,
            column,
            value_type,
        } => {
            param.sql = Some(MeshQuery {
                data_source: name(engine.data_source(*data_source), |it| &it.name),
                query: query.clone(),
                timeout: span(*timeout),
                column: column.clone(),
                value_type: match value_type {
                    ValueType::Text => MeshValueType::Text,
                    ValueType::Integer => MeshValueType::Integer,
                    ValueType::Number => MeshValueType::Number,
                    ValueType::Date => MeshValueType::Date,
                    ValueType::Timestamp => MeshValueType::Timestamp,
                    ValueType::Boolean => MeshValueType::Boolean,
                },
            });
        }
        ParamKind::Context { value } => param.context = Some(context(value)),
    }
    param
}

fn context(value: &ContextValue) -> MeshContext {
    let plain = |of| MeshContext {
        of,
        offset_days: 0,
        format: None,
    };
    match value {
        ContextValue::DataDate {
            offset_days,
            format,
        } => MeshContext {
            of: MeshContextValue::DataDate,
            offset_days: *offset_days,
            format: Some(format.clone()),
        },
        ContextValue::FlowName => plain(MeshContextValue::FlowName),
        ContextValue::JobName => plain(MeshContextValue::JobName),
        ContextValue::ExecutionId => plain(MeshContextValue::ExecutionId),
        ContextValue::ScheduleName => plain(MeshContextValue::ScheduleName),
    }
}

fn file_server(it: &FileServer) -> MeshFileServer {
    MeshFileServer {
        name: it.name.clone(),
        description: said(&it.description),
        directory: it.directory.clone(),
        kind: match it.kind {
            FileServerKind::Local => MeshFileServerKind::Local,
            FileServerKind::Ftp => MeshFileServerKind::Ftp,
            FileServerKind::Ftps => MeshFileServerKind::Ftps,
            FileServerKind::Sftp => MeshFileServerKind::Sftp,
            FileServerKind::S3 => MeshFileServerKind::S3,
        },
        host: said(&it.host),
        port: it.port,
        user: said(&it.user),
        password: None,
        options: texts(&it.options),
    }
}

fn file_event(engine: &Engine, it: &FileEvent) -> MeshFileEvent {
    MeshFileEvent {
        name: it.name.clone(),
        description: said(&it.description),
        directory: it.directory.clone(),
        server: name(engine.file_server(it.server), |it| &it.name),
        path: it.path.clone(),
        window: it.window.map(|window| MeshWindow {
            from: TimeOfDay(window.from),
            to: TimeOfDay(window.to),
        }),
        zone: zone(it.zone),
        interval: span(it.interval),
        min_age: span(it.min_age),
        marker: it.marker.clone(),
        per: match it.per {
            FilePer::Date => MeshFilePer::Date,
            FilePer::File => MeshFilePer::File,
        },
        date_pattern: it.date_pattern.clone(),
        enabled: it.enabled,
    }
}

/// That of the file is UTC.
fn zone(zone: chrono_tz::Tz) -> Option<String> {
    (zone != chrono_tz::Tz::UTC).then(|| zone.name().to_owned())
}

fn alert_channel(it: &AlertChannel) -> MeshAlertChannel {
    MeshAlertChannel {
        name: it.name.clone(),
        description: said(&it.description),
        directory: it.directory.clone(),
        enabled: it.enabled,
        kind: match it.kind {
            AlertChannelKind::Email => MeshAlertKind::Email,
            AlertChannelKind::DingTalk => MeshAlertKind::DingTalk,
            AlertChannelKind::WeCom => MeshAlertKind::WeCom,
            AlertChannelKind::Feishu => MeshAlertKind::Feishu,
            AlertChannelKind::Slack => MeshAlertKind::Slack,
            AlertChannelKind::Teams => MeshAlertKind::Teams,
            AlertChannelKind::Webhook => MeshAlertKind::Webhook,
            AlertChannelKind::Sms => MeshAlertKind::Sms,
        },
        settings: texts(&it.settings),
        secret: None,
    }
}

fn alert_rule(engine: &Engine, it: &AlertRule) -> MeshAlertRule {
    let named = |ids: &[AlertChannelId]| -> Vec<String> {
        let channels = ids.iter();
        let names = channels.map(|id| name(engine.alert_channel(*id), |it| &it.name));
        names.collect()
    };
    MeshAlertRule {
        name: it.name.clone(),
        description: said(&it.description),
        directory: it.directory.clone(),
        enabled: it.enabled,
        events: it.events.iter().copied().map(alert_event).collect(),
        channels: named(&it.channels),
        escalation: it.escalation.as_ref().map(|it| MeshEscalation {
            after: span(it.after),
            channels: named(&it.channels),
        }),
        default: it.default,
    }
}

fn webhook(engine: &Engine, it: &Webhook) -> MeshWebhook {
    let flows = it.flows.iter();
    let flows = flows.map(|id| name(engine.flow(*id), |it| &it.name));
    let filter = it.filter.iter().map(|it| MeshHookCondition {
        at: it.at.clone(),
        is: match it.is {
            HookTest::Equals => MeshHookTest::Equals,
            HookTest::Differs => MeshHookTest::Differs,
            HookTest::Matches => MeshHookTest::Matches,
            HookTest::Exists => MeshHookTest::Exists,
            HookTest::Absent => MeshHookTest::Absent,
        },
        values: it.values.clone(),
    });
    MeshWebhook {
        name: it.name.clone(),
        description: said(&it.description),
        directory: it.directory.clone(),
        enabled: it.enabled,
        flows: flows.collect(),
        downstream: it.downstream,
        scheme: match it.scheme {
            HookScheme::Standard => MeshHookScheme::Standard,
            HookScheme::Body => MeshHookScheme::Body,
        },
        secret: None,
        signature_header: it.signature_header.clone(),
        delivery_header: it.delivery_header.clone(),
        filter: filter.collect(),
        date_at: it.date_at.clone(),
        date_format: it.date_format.clone(),
        zone: zone(it.zone),
        date_offset: it.date_offset,
        params: params(&it.params),
    }
}

const fn alert_event(event: AlertEvent) -> MeshAlertEvent {
    match event {
        AlertEvent::ExecutionSucceeded => MeshAlertEvent::ExecutionSucceeded,
        AlertEvent::ExecutionFailed => MeshAlertEvent::ExecutionFailed,
        AlertEvent::JobFailed => MeshAlertEvent::JobFailed,
        AlertEvent::JobRetried => MeshAlertEvent::JobRetried,
        AlertEvent::NotStartedBy => MeshAlertEvent::NotStartedBy,
        AlertEvent::NotFinishedBy => MeshAlertEvent::NotFinishedBy,
        AlertEvent::ExecutorLost => MeshAlertEvent::ExecutorLost,
        AlertEvent::DataSourceDown => MeshAlertEvent::DataSourceDown,
        AlertEvent::LongerThanUsual => MeshAlertEvent::LongerThanUsual,
    }
}

fn schedule(engine: &Engine, it: &Schedule) -> MeshSchedule {
    let flow = name(engine.flow(it.flow), |it| &it.name);
    let calendar = it.calendar.and_then(|id| engine.calendar(id));
    let alerts = it.alerts.iter();
    let alerts = alerts.map(|id| name(engine.alert_rule(*id), |it| &it.name));
    MeshSchedule {
        description: said(&it.description),
        directory: it.directory.clone(),
        owner: said(&it.owner),
        downstream: it.downstream,
        zone: zone(it.zone),
        paused: it.paused,
        calendar: calendar.map(|it| it.name.clone()),
        filter: it.filter.as_ref().map(filter),
        misfire_grace: span(it.misfire_grace),
        missed: match it.missed {
            Missed::Coalesce => MeshMissed::Coalesce,
            Missed::CatchUp => MeshMissed::CatchUp,
        },
        max_instances: it.max_instances,
        overlap: match it.overlap {
            Overlap::Skip => MeshOverlap::Skip,
            Overlap::Queue => MeshOverlap::Queue,
        },
        not_before: it.not_before.map(Into::into),
        not_after: it.not_after.map(Into::into),
        date_offset: it.date_offset,
        params: params(&it.params),
        start_by: it.start_by.map(deadline),
        finish_by: it.finish_by.map(deadline),
        alerts: alerts.collect(),
        ..MeshSchedule::new(&it.name, flow, trigger(engine, &it.trigger))
    }
}

const fn deadline(Deadline { days, at }: Deadline) -> MeshDeadline {
    MeshDeadline {
        days,
        at: TimeOfDay(at),
    }
}

fn filter(filter: &DayFilter) -> MeshDayFilter {
    match filter {
        DayFilter::OnlyBusiness => MeshDayFilter::Business,
        DayFilter::NotBusiness => MeshDayFilter::NotBusiness,
        DayFilter::Only { dates: only } => MeshDayFilter::Only(dates(only)),
        DayFilter::AllBut { dates: except } => MeshDayFilter::Except(dates(except)),
    }
}

fn trigger(engine: &Engine, trigger: &Trigger) -> MeshTrigger {
    match trigger {
        Trigger::File(event) => MeshTrigger::File(name(engine.file_event(*event), |it| &it.name)),
        Trigger::DataDate(flows) => {
            let flows = flows.iter();
            let flows = flows.map(|id| name(engine.flow(*id), |it| &it.name));
            MeshTrigger::DataDate(flows.collect())
        }
        Trigger::Time(Timing::Cron(cron)) => MeshTrigger::Cron {
            expression: cron.as_str().to_owned(),
            dialect: match cron.dialect() {
                Dialect::Unix => MeshDialect::Unix,
                Dialect::Quartz => MeshDialect::Quartz,
                Dialect::Apscheduler => MeshDialect::Apscheduler,
            },
        },
        Trigger::Time(Timing::Interval(interval)) => {
            let anchor = interval.anchor();
            MeshTrigger::Interval {
                every: span(interval.every()),
                from: (anchor != Timestamp::from_micros(0)).then(|| anchor.into()),
            }
        }
        Trigger::Time(Timing::Calendar { rule, at }) => MeshTrigger::Days {
            days: day_rule(rule),
            at: at.iter().copied().map(TimeOfDay).collect(),
        },
    }
}

fn day_rule(rule: &DayRule) -> MeshDayRule {
    match rule {
        DayRule::Business => MeshDayRule::Business,
        DayRule::NonBusiness => MeshDayRule::NotBusiness,
        DayRule::NthDay { n } => MeshDayRule::Day(*n),
        DayRule::NthBusiness { n } => MeshDayRule::BusinessDay(*n),
        DayRule::Listed { dates: listed } => MeshDayRule::Dates(dates(listed)),
    }
}
