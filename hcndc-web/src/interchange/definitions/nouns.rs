//! What stands beside flows, jobs and executors.

use std::{collections::HashMap, sync::Arc};

use chrono_tz::Tz;
use hcndc_core::{
    engine::Engine,
    id::{
        AlertChannelId, AlertRuleId, CalendarId, DataSourceId, FileEventId, FileServerId, ParamId,
        PoolId, ScheduleId, WebhookId,
    },
    model::{
        AlertChannelDraft, AlertChannelKind, AlertEvent, AlertRuleDraft, CalendarDraft,
        ContextValue, DataSourceDraft, DataSourceKind, Deadline, Edit, Escalation, FileEventDraft,
        FilePer, FileServerDraft, FileServerKind, HookCondition, HookScheme, HookTest, Missed,
        Named, Overlap, ParamKindDraft, PoolDraft, Ref, ScheduleDraft, Secret, SharedParamDraft,
        TriggerDraft, ValueType, WebhookDraft, Window,
    },
    time::{DataDate, Timestamp},
    trigger::{
        Timing, Weekdays,
        calendar::{BusinessDays, DayFilter, DayRule},
        cron::{Cron, Dialect},
        interval::Interval,
    },
};

use super::{to_map, to_params};
use crate::interchange::{
    MeshAlertChannel, MeshAlertEvent, MeshAlertKind, MeshAlertRule, MeshCalendar, MeshContext,
    MeshContextValue, MeshDataSource, MeshDataSourceKind, MeshDate, MeshDayFilter, MeshDayRule,
    MeshDeadline, MeshFile, MeshFileEvent, MeshFilePer, MeshFileServer, MeshFileServerKind,
    MeshHookScheme, MeshHookTest, MeshMissed, MeshOverlap, MeshParam, MeshPool, MeshSchedule,
    MeshTrigger, MeshValueType, MeshWebhook, MeshWeekday, Moment,
};

/// Ids by name of what an engine has beside flows, jobs and executors.
#[derive(Clone, Debug, Default)]
pub(in crate::interchange) struct ExistingNouns {
    schedules: HashMap<String, ScheduleId>,
    calendars: HashMap<String, CalendarId>,
    pools: HashMap<String, PoolId>,
    params: HashMap<String, ParamId>,
    data_sources: HashMap<String, DataSourceId>,
    file_servers: HashMap<String, FileServerId>,
    file_events: HashMap<String, FileEventId>,
    alert_channels: HashMap<String, AlertChannelId>,
    alert_rules: HashMap<String, AlertRuleId>,
    webhooks: HashMap<String, WebhookId>,
}

impl ExistingNouns {
    pub(super) fn of(engine: &Engine) -> Self {
        Self {
            schedules: ids(engine.schedules()),
            calendars: ids(engine.calendars()),
            pools: ids(engine.pools()),
            params: ids(engine.params()),
            data_sources: ids(engine.data_sources()),
            file_servers: ids(engine.file_servers()),
            file_events: ids(engine.file_events()),
            alert_channels: ids(engine.alert_channels()),
            alert_rules: ids(engine.alert_rules()),
            webhooks: ids(engine.webhooks()),
        }
    }
}

fn ids<'a, T: Named + 'a>(all: impl Iterator<Item = &'a Arc<T>>) -> HashMap<String, T::Id> {
    all.map(|it| (it.name().to_owned(), it.id())).collect()
}

/// Puts all of them. A checked file names zones that there are.
pub(in crate::interchange) fn edits(file: &MeshFile, existing: &ExistingNouns) -> Vec<Edit> {
    let zone = zone_of(&file.zone);
    let mut edits: Vec<Edit> = Vec::new();
    let pools = file.pools.iter();
    edits.extend(pools.map(|it| pool(it, existing).into()));
    let calendars = file.calendars.iter();
    edits.extend(calendars.map(|it| calendar(it, existing).into()));
    let sources = file.data_sources.iter();
    edits.extend(sources.map(|it| data_source(it, existing).into()));
    let params = file.shared_params.iter();
    edits.extend(params.map(|it| shared_param(it, existing).into()));
    let servers = file.file_servers.iter();
    edits.extend(servers.map(|it| file_server(it, existing).into()));
    let events = file.file_events.iter();
    edits.extend(events.map(|it| file_event(it, zone, existing).into()));
    let channels = file.alert_channels.iter();
    edits.extend(channels.map(|it| alert_channel(it, existing).into()));
    let rules = file.alert_rules.iter();
    edits.extend(rules.map(|it| alert_rule(it, existing).into()));
    let hooks = file.webhooks.iter();
    edits.extend(hooks.map(|it| webhook(it, zone, existing).into()));
    let schedules = file.schedules.iter();
    edits.extend(schedules.map(|it| schedule(it, zone, existing).into()));
    edits
}

fn zone_of(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

fn names<Id>(names: &[String]) -> Vec<Ref<Id>> {
    names.iter().cloned().map(Ref::Name).collect()
}

fn pool(it: &MeshPool, existing: &ExistingNouns) -> PoolDraft {
    PoolDraft {
        id: existing.pools.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        ..PoolDraft::new(&it.name, it.slots)
    }
}

fn calendar(it: &MeshCalendar, existing: &ExistingNouns) -> CalendarDraft {
    let days = BusinessDays {
        weekend: it
            .weekend
            .iter()
            .copied()
            .map(weekday)
            .collect::<Weekdays>(),
        holidays: dates(&it.holidays),
        workdays: dates(&it.workdays),
    };
    CalendarDraft {
        id: existing.calendars.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        ..CalendarDraft::new(&it.name, days)
    }
}

const fn weekday(day: MeshWeekday) -> chrono::Weekday {
    match day {
        MeshWeekday::Monday => chrono::Weekday::Mon,
        MeshWeekday::Tuesday => chrono::Weekday::Tue,
        MeshWeekday::Wednesday => chrono::Weekday::Wed,
        MeshWeekday::Thursday => chrono::Weekday::Thu,
        MeshWeekday::Friday => chrono::Weekday::Fri,
        MeshWeekday::Saturday => chrono::Weekday::Sat,
        MeshWeekday::Sunday => chrono::Weekday::Sun,
    }
}

fn dates<C: FromIterator<DataDate>>(dates: &[MeshDate]) -> C {
    dates.iter().map(|date| date.0).collect()
}

/// The kind that a data source has in a file.
pub(crate) const fn data_source_kind(kind: MeshDataSourceKind) -> DataSourceKind {
    match kind {
        MeshDataSourceKind::Mysql => DataSourceKind::Mysql,
        MeshDataSourceKind::Postgresql => DataSourceKind::Postgresql,
        MeshDataSourceKind::Sqlite => DataSourceKind::Sqlite,
        MeshDataSourceKind::SqlServer => DataSourceKind::SqlServer,
        MeshDataSourceKind::Mongodb => DataSourceKind::Mongodb,
        MeshDataSourceKind::Hive => DataSourceKind::Hive,
        MeshDataSourceKind::Impala => DataSourceKind::Impala,
        MeshDataSourceKind::Clickhouse => DataSourceKind::Clickhouse,
        MeshDataSourceKind::Odbc => DataSourceKind::Odbc,
    }
}

fn data_source(it: &MeshDataSource, existing: &ExistingNouns) -> DataSourceDraft {
    DataSourceDraft {
        id: existing.data_sources.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        port: it.port,
        database: it.database.clone().unwrap_or_default(),
        user: it.user.clone().unwrap_or_default(),
        password: it.password.clone().map(Secret::new),
        options: to_map(&it.options),
        ..DataSourceDraft::new(
            &it.name,
            data_source_kind(it.kind),
            it.host.as_deref().unwrap_or_default(),
        )
    }
}

fn shared_param(it: &MeshParam, existing: &ExistingNouns) -> SharedParamDraft {
    let kind = match (&it.sql, &it.context) {
        (Some(sql), _) => ParamKindDraft::Sql {
            data_source: Ref::Name(sql.data_source.clone()),
            query: sql.query.clone(),
            timeout: sql.timeout.duration(),
            column: sql.column.clone(),
            value_type: match sql.value_type {
                MeshValueType::Text => ValueType::Text,
                MeshValueType::Integer => ValueType::Integer,
                MeshValueType::Number => ValueType::Number,
                MeshValueType::Date => ValueType::Date,
                MeshValueType::Timestamp => ValueType::Timestamp,
                MeshValueType::Boolean => ValueType::Boolean,
            },
        },
        (None, Some(it)) => ParamKindDraft::Context { value: context(it) },
        // A checked file has one of the three.
        (None, None) => ParamKindDraft::Static {
            value: it.value.clone().unwrap_or_default(),
        },
    };
    SharedParamDraft {
        id: existing.params.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        ..SharedParamDraft::new(&it.name, kind)
    }
}

fn context(it: &MeshContext) -> ContextValue {
    match it.of {
        MeshContextValue::DataDate => ContextValue::DataDate {
            offset_days: it.offset_days,
            format: it.format.as_deref().unwrap_or("%Y-%m-%d").to_owned(),
        },
        MeshContextValue::FlowName => ContextValue::FlowName,
        MeshContextValue::JobName => ContextValue::JobName,
        MeshContextValue::ExecutionId => ContextValue::ExecutionId,
        MeshContextValue::ScheduleName => ContextValue::ScheduleName,
    }
}

pub(in crate::interchange) fn file_server(
    it: &MeshFileServer,
    existing: &ExistingNouns,
) -> FileServerDraft {
    let kind = match it.kind {
        MeshFileServerKind::Local => FileServerKind::Local,
        MeshFileServerKind::Ftp => FileServerKind::Ftp,
        MeshFileServerKind::Ftps => FileServerKind::Ftps,
        MeshFileServerKind::Sftp => FileServerKind::Sftp,
        MeshFileServerKind::S3 => FileServerKind::S3,
    };
    FileServerDraft {
        id: existing.file_servers.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        port: it.port,
        user: it.user.clone().unwrap_or_default(),
        password: it.password.clone().map(Secret::new),
        options: to_map(&it.options),
        ..FileServerDraft::new(&it.name, kind, it.host.as_deref().unwrap_or_default())
    }
}

fn file_event(it: &MeshFileEvent, zone: Tz, existing: &ExistingNouns) -> FileEventDraft {
    FileEventDraft {
        id: existing.file_events.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        enabled: it.enabled,
        window: it.window.map(|window| Window {
            from: window.from.0,
            to: window.to.0,
        }),
        zone: it.zone.as_deref().map_or(zone, zone_of),
        interval: it.interval.duration(),
        min_age: it.min_age.duration(),
        marker: it.marker.clone(),
        per: match it.per {
            MeshFilePer::Date => FilePer::Date,
            MeshFilePer::File => FilePer::File,
        },
        date_pattern: it.date_pattern.clone(),
        ..FileEventDraft::new(&it.name, Ref::Name(it.server.clone()), &it.path)
    }
}

/// A webhook as it is to be put; by itself, for those who check it.
pub(in crate::interchange) fn webhook(
    it: &MeshWebhook,
    zone: Tz,
    existing: &ExistingNouns,
) -> WebhookDraft {
    let filter = it.filter.iter().map(|it| HookCondition {
        at: it.at.clone(),
        is: match it.is {
            MeshHookTest::Equals => HookTest::Equals,
            MeshHookTest::Differs => HookTest::Differs,
            MeshHookTest::Matches => HookTest::Matches,
            MeshHookTest::Exists => HookTest::Exists,
            MeshHookTest::Absent => HookTest::Absent,
        },
        values: it.values.clone(),
    });
    WebhookDraft {
        id: existing.webhooks.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        enabled: it.enabled,
        downstream: it.downstream,
        scheme: match it.scheme {
            MeshHookScheme::Standard => HookScheme::Standard,
            MeshHookScheme::Body => HookScheme::Body,
        },
        secret: it.secret.clone().map(Secret::new),
        signature_header: it.signature_header.clone(),
        delivery_header: it.delivery_header.clone(),
        filter: filter.collect(),
        date_at: it.date_at.clone(),
        date_format: it.date_format.clone(),
        zone: it.zone.as_deref().map_or(zone, zone_of),
        date_offset: it.date_offset,
        params: to_params(&it.params),
        ..WebhookDraft::new(&it.name, names(&it.flows))
    }
}

pub(in crate::interchange) fn alert_channel(
    it: &MeshAlertChannel,
    existing: &ExistingNouns,
) -> AlertChannelDraft {
    let kind = match it.kind {
        MeshAlertKind::Email => AlertChannelKind::Email,
        MeshAlertKind::DingTalk => AlertChannelKind::DingTalk,
        MeshAlertKind::WeCom => AlertChannelKind::WeCom,
        MeshAlertKind::Feishu => AlertChannelKind::Feishu,
        MeshAlertKind::Slack => AlertChannelKind::Slack,
        MeshAlertKind::Teams => AlertChannelKind::Teams,
        MeshAlertKind::Webhook => AlertChannelKind::Webhook,
        MeshAlertKind::Sms => AlertChannelKind::Sms,
    };
    AlertChannelDraft {
        id: existing.alert_channels.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        enabled: it.enabled,
        settings: to_map(&it.settings),
        secret: it.secret.clone().map(Secret::new),
        ..AlertChannelDraft::new(&it.name, kind)
    }
}

fn alert_rule(it: &MeshAlertRule, existing: &ExistingNouns) -> AlertRuleDraft {
    let events = it.events.iter().copied().map(alert_event);
    AlertRuleDraft {
        id: existing.alert_rules.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        enabled: it.enabled,
        escalation: it.escalation.as_ref().map(|it| Escalation {
            after: it.after.duration(),
            channels: names(&it.channels),
        }),
        default: it.default,
        ..AlertRuleDraft::new(&it.name, events, names(&it.channels))
    }
}

const fn alert_event(event: MeshAlertEvent) -> AlertEvent {
    match event {
        MeshAlertEvent::ExecutionSucceeded => AlertEvent::ExecutionSucceeded,
        MeshAlertEvent::ExecutionFailed => AlertEvent::ExecutionFailed,
        MeshAlertEvent::JobFailed => AlertEvent::JobFailed,
        MeshAlertEvent::JobRetried => AlertEvent::JobRetried,
        MeshAlertEvent::NotStartedBy => AlertEvent::NotStartedBy,
        MeshAlertEvent::NotFinishedBy => AlertEvent::NotFinishedBy,
        MeshAlertEvent::ExecutorLost => AlertEvent::ExecutorLost,
        MeshAlertEvent::DataSourceDown => AlertEvent::DataSourceDown,
        MeshAlertEvent::LongerThanUsual => AlertEvent::LongerThanUsual,
    }
}

fn schedule(it: &MeshSchedule, zone: Tz, existing: &ExistingNouns) -> ScheduleDraft {
    let flow = Ref::Name(it.flow.clone());
    ScheduleDraft {
        id: existing.schedules.get(&it.name).copied(),
        directory: it.directory.clone(),
        description: it.description.clone().unwrap_or_default(),
        owner: it.owner.clone().unwrap_or_default(),
        downstream: it.downstream,
        zone: it.zone.as_deref().map_or(zone, zone_of),
        paused: it.paused,
        calendar: it.calendar.clone().map(Ref::Name),
        filter: it.filter.as_ref().map(day_filter),
        misfire_grace: it.misfire_grace.duration(),
        missed: match it.missed {
            MeshMissed::Coalesce => Missed::Coalesce,
            MeshMissed::CatchUp => Missed::CatchUp,
        },
        max_instances: it.max_instances,
        overlap: match it.overlap {
            MeshOverlap::Skip => Overlap::Skip,
            MeshOverlap::Queue => Overlap::Queue,
        },
        not_before: it.not_before.map(Moment::timestamp),
        not_after: it.not_after.map(Moment::timestamp),
        date_offset: it.date_offset,
        params: to_params(&it.params),
        start_by: it.start_by.map(deadline),
        finish_by: it.finish_by.map(deadline),
        alerts: names(&it.alerts),
        ..ScheduleDraft::new(&it.name, flow, trigger(&it.trigger))
    }
}

const fn deadline(MeshDeadline { days, at }: MeshDeadline) -> Deadline {
    Deadline { days, at: at.0 }
}

/// A filter, as the engine takes it.
pub(crate) fn day_filter(filter: &MeshDayFilter) -> DayFilter {
    match filter {
        MeshDayFilter::Business => DayFilter::OnlyBusiness,
        MeshDayFilter::NotBusiness => DayFilter::NotBusiness,
        MeshDayFilter::Only(only) => DayFilter::Only { dates: dates(only) },
        MeshDayFilter::Except(except) => DayFilter::AllBut {
            dates: dates(except),
        },
    }
}

/// A checked file holds expressions and intervals that can be made. What could not be, as in a file that nobody checked,
/// becomes a trigger that never fires, which the engine refuses.
fn trigger(trigger: &MeshTrigger) -> TriggerDraft {
    let never = || Timing::Calendar {
        rule: DayRule::Business,
        at: std::collections::BTreeSet::new(),
    };
    TriggerDraft::Time(match trigger {
        MeshTrigger::File(event) => return TriggerDraft::File(Ref::Name(event.clone())),
        MeshTrigger::DataDate(flows) => return TriggerDraft::DataDate(names(flows)),
        MeshTrigger::Cron {
            expression,
            dialect,
        } => {
            Cron::parse(Dialect::from(*dialect), expression).map_or_else(|_| never(), Timing::Cron)
        }
        MeshTrigger::Interval { every, from } => {
            let anchor = from.map_or(Timestamp::from_micros(0), Moment::timestamp);
            Interval::new(every.duration(), anchor).map_or_else(|_| never(), Timing::Interval)
        }
        MeshTrigger::Days { days, at } => Timing::Calendar {
            rule: rule(days),
            at: at.iter().map(|at| at.0).collect(),
        },
    })
}

fn rule(days: &MeshDayRule) -> DayRule {
    match days {
        MeshDayRule::Business => DayRule::Business,
        MeshDayRule::NotBusiness => DayRule::NonBusiness,
        MeshDayRule::MonthEnd => DayRule::MONTH_END,
        MeshDayRule::BusinessDay(n) => DayRule::NthBusiness { n: *n },
        MeshDayRule::Day(n) => DayRule::NthDay { n: *n },
        MeshDayRule::Dates(listed) => DayRule::Listed {
            dates: dates(listed),
        },
    }
}
