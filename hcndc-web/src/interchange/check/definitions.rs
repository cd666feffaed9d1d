//! Values of what stands beside flows and executors: ranges, texts and times.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono_tz::Tz;
use hcndc_core::model::Escalation;
use hcndc_core::time::DateFormat;
use hcndc_core::trigger::cron::{Cron, Dialect};
use hcndc_core::trigger::interval::Interval;

use super::places::{Faults, Mesh};
use super::{check_directory, check_no_zero, check_range, check_zone};
use crate::connect::settings::SettingFault;
use crate::connect::{alert, file};
use crate::hook::are_secrets;
use crate::interchange::de::shorten;
use crate::interchange::definitions::nouns::{self, ExistingNouns};
use crate::interchange::fault::Problem;
use crate::interchange::mesh_file::{
    MeshAlertRule, MeshCalendar, MeshContextValue, MeshDayFilter, MeshDayRule, MeshDialect,
    MeshFileEvent, MeshParam, MeshSchedule, MeshTrigger, MeshWebhook,
};
use crate::interchange::node::{Node, Value, field_path, item_path};
use crate::interchange::span::Span;

/// Days after the fire time that a deadline may lie at most.
const MAX_DEADLINE_DAYS: i64 = 366;

pub(super) fn check(mesh: &Mesh<'_>, faults: &mut Faults<'_>) {
    let file = mesh.file;
    let none = ExistingNouns::default();
    for pool in mesh.list("pools", &file.pools) {
        let path = pool.path();
        check_directory(&pool.item.directory, &path, faults);
        let slots = field_path(&path, "slots");
        check_range(pool.item.slots, 1, 100_000, &slots, faults);
    }
    for calendar in mesh.list("calendars", &file.calendars) {
        check_calendar(calendar.item, &calendar.path(), faults);
    }
    for source in mesh.list("data_sources", &file.data_sources) {
        let path = source.path();
        check_directory(&source.item.directory, &path, faults);
        check_port(source.item.port, &path, faults);
    }
    for param in mesh.list("shared_params", &file.shared_params) {
        check_param(param.item, param.node, &param.path(), faults);
    }
    for server in mesh.list("file_servers", &file.file_servers) {
        let path = server.path();
        check_directory(&server.item.directory, &path, faults);
        check_port(server.item.port, &path, faults);
        let draft = nouns::file_server(server.item, &none);
        let wrong = file::check(draft.kind, &draft.options);
        check_settings(wrong, &field_path(&path, "options"), faults);
    }
    for event in mesh.list("file_events", &file.file_events) {
        check_event(event.item, &event.path(), faults);
    }
    for channel in mesh.list("alert_channels", &file.alert_channels) {
        let path = channel.path();
        check_directory(&channel.item.directory, &path, faults);
        let draft = nouns::alert_channel(channel.item, &none);
        // One that is not written is kept.
        let secret = draft.secret.as_ref();
        let wrong = alert::check(draft.kind, &draft.settings, secret);
        check_settings(wrong, &field_path(&path, "settings"), faults);
    }
    for rule in mesh.list("alert_rules", &file.alert_rules) {
        check_rule(rule.item, &rule.path(), faults);
    }
    for hook in mesh.list("webhooks", &file.webhooks) {
        check_webhook(hook.item, &hook.path(), faults);
    }
    for schedule in mesh.list("schedules", &file.schedules) {
        check_schedule(schedule.item, &schedule.path(), faults);
    }
}

/// What is wrong with settings, each at its own place. One that could not be read only seems to be missing.
fn check_settings(wrong: Vec<SettingFault>, settings: &str, faults: &mut Faults<'_>) {
    for fault in wrong {
        let path = field_path(settings, &fault.setting);
        if !faults.is_faulty(settings) && !faults.is_faulty(&path) {
            faults.tell(&path, Problem::Setting(fault));
        }
    }
}

fn check_port(port: Option<u16>, path: &str, faults: &mut Faults<'_>) {
    if let Some(port) = port {
        check_range(port, 1, 65_535, &field_path(path, "port"), faults);
    }
}

fn check_calendar(calendar: &MeshCalendar, path: &str, faults: &mut Faults<'_>) {
    check_directory(&calendar.directory, path, faults);
    let holidays: BTreeSet<_> = calendar.holidays.iter().collect();
    let list = field_path(path, "workdays");
    for (index, date) in faults.indexes(&list).into_iter().zip(&calendar.workdays) {
        if holidays.contains(date) {
            let date = date.to_string();
            let path = item_path(&list, index);
            faults.tell(&path, Problem::HolidayAndWorkday { date });
        }
    }
}

/// A list that must hold something. One of which every item was faulty is not empty in the file.
fn check_not_empty<T>(list: &[T], path: &str, faults: &mut Faults<'_>) {
    if list.is_empty() {
        faults.tell_if(path, |node| node.items().is_empty(), || Problem::EmptyList);
    }
}

fn check_text(text: &str, path: &str, faults: &mut Faults<'_>) {
    if text.trim().is_empty() {
        faults.tell_written(path, Problem::EmptyText);
    } else if text.contains('\0') {
        faults.tell(path, Problem::NulCharacter);
    }
}

fn check_param(param: &MeshParam, node: &Node, path: &str, faults: &mut Faults<'_>) {
    check_directory(&param.directory, path, faults);
    let kinds = ["value", "sql", "context"];
    // A faulty one has been told, and is there all the same.
    let found: Vec<_> = kinds
        .into_iter()
        .filter(|kind| {
            let entry = node.entry(kind);
            entry.is_some_and(|entry| entry.node.value != Value::Null)
        })
        .map(str::to_owned)
        .collect();
    if found.len() != 1 {
        let fields = kinds.map(str::to_owned).to_vec();
        faults.tell(path, Problem::NotOneOf { fields, found });
    }
    if let Some(value) = &param.value {
        let path = field_path(path, "value");
        let (length, max) = (value.len(), hcndc_core::model::LONGEST_TEXT);
        if value.contains('\0') {
            faults.tell(&path, Problem::NulCharacter);
        }
        if length > max {
            faults.tell(&path, Problem::TextTooLong { length, max });
        }
    }
    if let Some(sql) = &param.sql {
        let path = field_path(path, "sql");
        check_text(&sql.query, &field_path(&path, "query"), faults);
        check_no_zero(Some(sql.timeout), &field_path(&path, "timeout"), faults);
        if let Some(column) = &sql.column {
            check_text(column, &field_path(&path, "column"), faults);
        }
    }
    if let Some(context) = &param.context {
        let path = field_path(path, "context");
        let offset = field_path(&path, "offset_days");
        check_range(context.offset_days, -3_660, 3_660, &offset, faults);
        if context.of != MeshContextValue::DataDate {
            let others = [
                ("offset_days", context.offset_days != 0),
                ("format", context.format.is_some()),
            ];
            for (field, _) in others.into_iter().filter(|(_, given)| *given) {
                let field_name = field.to_owned();
                let problem = Problem::UnknownField {
                    field: field_name,
                    known: vec!["of".to_owned()],
                    near: None,
                };
                faults.tell(&field_path(&path, field), problem);
            }
        } else if let Some(form) = &context.format {
            check_date_form(form, &field_path(&path, "format"), faults);
        }
    }
}

/// A form of dates that executors can print.
fn check_date_form(form: &str, path: &str, faults: &mut Faults<'_>) {
    if form.parse::<DateFormat>().is_err() {
        let form = shorten(form);
        faults.tell(path, Problem::BadDateForm { form });
    }
}

fn check_event(event: &MeshFileEvent, path: &str, faults: &mut Faults<'_>) {
    check_directory(&event.directory, path, faults);
    check_text(&event.path, &field_path(path, "path"), faults);
    if let Some(zone) = &event.zone {
        check_zone(zone, &field_path(path, "zone"), faults);
    }
    let shortest = Span::from_millis(1_000).unwrap_or_default();
    let longest = Span::from_millis(86_400_000).unwrap_or_default();
    let interval = field_path(path, "interval");
    check_span(event.interval, shortest, longest, &interval, faults);
    if let Some(marker) = &event.marker {
        check_text(marker, &field_path(path, "marker"), faults);
    }
    if let Some(pattern) = &event.date_pattern {
        check_text(pattern, &field_path(path, "date_pattern"), faults);
    }
}

/// A limit of the core's as files write it.
fn limit(span: Duration) -> Span {
    let millis = u64::try_from(span.as_millis()).ok();
    millis.and_then(Span::from_millis).unwrap_or_default()
}

fn check_span(found: Span, min: Span, max: Span, path: &str, faults: &mut Faults<'_>) {
    if !(min..=max).contains(&found) {
        faults.tell(path, Problem::SpanOutOfRange { min, max, found });
    }
}

fn check_rule(rule: &MeshAlertRule, path: &str, faults: &mut Faults<'_>) {
    check_directory(&rule.directory, path, faults);
    check_not_empty(&rule.events, &field_path(path, "events"), faults);
    if let Some(escalation) = &rule.escalation {
        let path = field_path(path, "escalation");
        let (least, most) = (
            limit(Escalation::LEAST_AFTER),
            limit(Escalation::MOST_AFTER),
        );
        let after = field_path(&path, "after");
        check_span(escalation.after, least, most, &after, faults);
        check_not_empty(&escalation.channels, &field_path(&path, "channels"), faults);
    }
}

fn check_webhook(hook: &MeshWebhook, path: &str, faults: &mut Faults<'_>) {
    check_directory(&hook.directory, path, faults);
    check_not_empty(&hook.flows, &field_path(path, "flows"), faults);
    if let Some(zone) = &hook.zone {
        check_zone(zone, &field_path(path, "zone"), faults);
    }
    check_date_form(&hook.date_format, &field_path(path, "date_format"), faults);
    let secret = hook.secret.as_deref().filter(|it| !it.is_empty());
    if secret.is_some_and(|it| !are_secrets(it)) {
        faults.tell(&field_path(path, "secret"), Problem::BadHookSecret);
    }
    let offset = field_path(path, "date_offset");
    check_range(hook.date_offset, -366, 366, &offset, faults);
    for (field, error) in nouns::webhook(hook, Tz::UTC, &ExistingNouns::default()).faults() {
        let path = field_path(path, &field);
        // An item that is faulty by itself stands nowhere in what was read, or is told already.
        faults.tell(&path, Problem::Webhook(error));
    }
}

fn check_schedule(schedule: &MeshSchedule, path: &str, faults: &mut Faults<'_>) {
    check_directory(&schedule.directory, path, faults);
    if let Some(zone) = &schedule.zone {
        check_zone(zone, &field_path(path, "zone"), faults);
    }
    check_trigger(&schedule.trigger, &field_path(path, "trigger"), faults);
    if let Some(MeshDayFilter::Only(dates)) = &schedule.filter {
        let only = field_path(&field_path(path, "filter"), "only");
        check_not_empty(dates, &only, faults);
    }
    let instances = field_path(path, "max_instances");
    check_range(schedule.max_instances, 1, 1_000, &instances, faults);
    let offset = field_path(path, "date_offset");
    check_range(schedule.date_offset, -366, 366, &offset, faults);
    if let (Some(first), Some(last)) = (schedule.not_before, schedule.not_after)
        && last.timestamp() < first.timestamp()
    {
        faults.tell(&field_path(path, "not_after"), Problem::EndsBeforeStart);
    }
    for (field, deadline) in [
        ("start_by", schedule.start_by),
        ("finish_by", schedule.finish_by),
    ] {
        if let Some(deadline) = deadline {
            let days = field_path(&field_path(path, field), "days");
            check_range(deadline.days, 0, MAX_DEADLINE_DAYS, &days, faults);
        }
    }
}

fn check_trigger(trigger: &MeshTrigger, path: &str, faults: &mut Faults<'_>) {
    match trigger {
        MeshTrigger::Cron {
            expression,
            dialect,
        } => {
            if let Err(error) = Cron::parse(Dialect::from(*dialect), expression) {
                let expression = expression.clone();
                // In the short form the text itself is the expression.
                let long = field_path(path, "cron");
                let at = if faults.position(&long).is_some() {
                    &long
                } else {
                    path
                };
                let problem = Problem::BadCron { expression, error };
                // What stands in for a trigger that was told is not told again.
                if faults.is_sound(path) {
                    faults.tell(at, problem);
                }
            }
        }
        MeshTrigger::Interval { every, .. } => {
            let (min, max) = (limit(Interval::SHORTEST), limit(Interval::LONGEST));
            check_span(*every, min, max, &field_path(path, "every"), faults);
        }
        MeshTrigger::Days { days, at } => {
            check_not_empty(at, &field_path(path, "at"), faults);
            let path = field_path(path, "days");
            match days {
                MeshDayRule::Business | MeshDayRule::NotBusiness | MeshDayRule::MonthEnd => {}
                MeshDayRule::BusinessDay(n) => {
                    check_day(*n, &field_path(&path, "business_day"), faults);
                }
                MeshDayRule::Day(n) => check_day(*n, &field_path(&path, "day"), faults),
                MeshDayRule::Dates(dates) => {
                    check_not_empty(dates, &field_path(&path, "dates"), faults);
                }
            }
        }
        MeshTrigger::File(_) => {}
        MeshTrigger::DataDate(flows) => {
            check_not_empty(flows, &field_path(path, "data_date_of"), faults);
        }
    }
}

fn check_day(n: i8, path: &str, faults: &mut Faults<'_>) {
    if !(1..=31).contains(&n.unsigned_abs()) {
        faults.tell(path, Problem::BadDayOfMonth { found: n.into() });
    }
}

impl From<MeshDialect> for Dialect {
    fn from(dialect: MeshDialect) -> Self {
        match dialect {
            MeshDialect::Unix => Self::Unix,
            MeshDialect::Quartz => Self::Quartz,
            MeshDialect::Apscheduler => Self::Apscheduler,
        }
    }
}
