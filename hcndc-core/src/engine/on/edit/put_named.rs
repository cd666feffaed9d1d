//! What is put, of the kinds that are handled alike: each draft becomes a definition, or faults.

use alloc::{string::ToString as _, sync::Arc, vec::Vec};
use core::time::Duration;

use super::{
    Plan,
    field::is_key,
    nouns::{Draft, Planned},
};
use crate::{
    engine::table::Noun as _,
    model::{
        AlertChannel, AlertChannelDraft, AlertChannelRef, AlertRule, AlertRuleDraft, Calendar,
        CalendarDraft, ContextValue, DataSource, DataSourceDraft, DataSourceKind, Deadline,
        DefinitionDraft, DefinitionError, Escalation, FileEvent, FileEventDraft, FileServer,
        FileServerDraft, FileServerKind, Named, ParamKind, ParamKindDraft, Pool, PoolDraft,
        Revision, Schedule, ScheduleDraft, Secret, SharedParam, SharedParamDraft, Trigger,
        TriggerDraft,
    },
    trigger::{Timing, TimingError},
};

/// Dates of a calendar, of each kind.
const MOST_DATES: usize = 10_000;

/// What a new version starts from.
pub(super) struct Put<'a, T: Named> {
    pub(super) id: T::Id,
    /// The version before it.
    pub(super) old: Option<&'a Arc<T>>,
    pub(super) revision: Revision,
}

impl Plan<'_> {
    pub(super) fn put_definition(&mut self, at: usize, draft: &DefinitionDraft) {
        match draft {
            DefinitionDraft::Schedule(draft) => self.put_schedule(at, draft),
            DefinitionDraft::Calendar(draft) => self.put_calendar(at, draft),
            DefinitionDraft::Pool(draft) => self.put_pool(at, draft),
            DefinitionDraft::Param(draft) => self.put_param(at, draft),
            DefinitionDraft::DataSource(draft) => self.put_data_source(at, draft),
            DefinitionDraft::FileServer(draft) => self.put_file_server(at, draft),
            DefinitionDraft::FileEvent(draft) => self.put_file_event(at, draft),
            DefinitionDraft::AlertChannel(draft) => self.put_alert_channel(at, draft),
            DefinitionDraft::AlertRule(draft) => self.put_alert_rule(at, draft),
            DefinitionDraft::Webhook(draft) => self.put_webhook(at, draft),
        }
    }

    /// Checks what all have in common, builds the rest, and takes it unless it is what there was. Nothing comes of it when
    /// `build` gives `None`, which it does after a fault.
    pub(super) fn put_named<D: Draft>(
        &mut self,
        at: usize,
        draft: &D,
        build: impl FnOnce(&mut Self, Put<'_, D::Noun>) -> Option<D::Noun>,
    ) {
        let header = draft.header();
        let id = D::Noun::new_id(self.ids[at].number());
        let old = self.before::<D::Noun>(id).cloned();
        if header.id.is_some() {
            match &old {
                Some(old) => self.check_version(at, header.version, old.revision().version),
                None => self.unknown(at, "id", D::Noun::KIND.as_str(), id),
            }
        }
        self.check_name(at, header.name, false);
        self.check_directory(at, header.directory);
        self.check_text(at, "description", header.description);
        let revision = self.revision(old.as_ref().map(|old| old.revision()));
        let old = old.as_ref();
        let Some(it) = build(self, Put { id, old, revision }) else {
            return;
        };
        let same = |old: &D::Noun| old.clone().with_revision(it.revision().clone()) == it;
        if old.is_some_and(|old| same(old)) {
            return;
        }
        let its = D::Noun::puts_mut(&mut self.nouns);
        if its.puts.insert(id, Arc::new(it)).is_some() {
            let value = id.to_string();
            self.fault(at, "id", DefinitionError::Duplicate { value });
        }
    }

    fn put_schedule(&mut self, at: usize, draft: &ScheduleDraft) {
        self.put_named(at, draft, |plan, put| {
            plan.check_text(at, "owner", &draft.owner);
            let flow = plan.find_flow(&draft.flow);
            if flow.is_none() {
                plan.unknown(at, "flow", "flow", &draft.flow);
            }
            let trigger = plan.trigger(at, &draft.trigger);
            if let (Some(Trigger::DataDate(flows)), Some(flow)) = (&trigger, flow)
                && flows.contains(&flow)
            {
                // It would wait for what only it brings about.
                let name = plan.label(flow.into());
                let path = alloc::vec![name.clone(), name];
                plan.fault(at, "trigger.flows", DefinitionError::Cycle { path });
            }
            let calendar = draft.calendar.as_ref();
            let calendar = calendar.and_then(|it| plan.named::<Calendar>(at, "calendar", it));
            let instances = i64::from(draft.max_instances);
            plan.check_range(at, "max_instances", instances, 1, 1_000);
            if let (Some(first), Some(last)) = (draft.not_before, draft.not_after)
                && last < first
            {
                plan.fault(at, "not_after", DefinitionError::Reversed);
            }
            let offset = i64::from(draft.date_offset);
            plan.check_range(at, "date_offset", offset, -366, 366);
            plan.check_params(at, &draft.params);
            plan.check_deadline(at, "start_by", draft.start_by);
            plan.check_deadline(at, "finish_by", draft.finish_by);
            let mut alerts = Vec::with_capacity(draft.alerts.len());
            for rule in &draft.alerts {
                alerts.extend(plan.named::<AlertRule>(at, "alerts", rule));
            }
            plan.sort_unique(at, "alerts", &mut alerts);
            Some(Schedule {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                owner: draft.owner.clone(),
                flow: flow?,
                downstream: draft.downstream,
                trigger: trigger?,
                zone: draft.zone,
                paused: draft.paused,
                calendar,
                filter: draft.filter.clone(),
                misfire_grace: draft.misfire_grace,
                missed: draft.missed,
                max_instances: draft.max_instances,
                overlap: draft.overlap,
                not_before: draft.not_before,
                not_after: draft.not_after,
                date_offset: draft.date_offset,
                params: draft.params.clone(),
                start_by: draft.start_by,
                finish_by: draft.finish_by,
                alerts,
                revision: put.revision,
            })
        });
    }

    fn trigger(&mut self, at: usize, draft: &TriggerDraft) -> Option<Trigger> {
        Some(match draft {
            TriggerDraft::Time(timing) => {
                self.check_timing(at, timing);
                Trigger::Time(timing.clone())
            }
            TriggerDraft::File(event) => {
                Trigger::File(self.named::<FileEvent>(at, "trigger.event", event)?)
            }
            TriggerDraft::DataDate(drafts) => {
                let mut flows = Vec::with_capacity(drafts.len());
                for draft in drafts {
                    match self.find_flow(draft) {
                        Some(flow) => flows.push(flow),
                        None => self.unknown(at, "trigger.flows", "flow", draft),
                    }
                }
                if drafts.is_empty() {
                    self.fault(at, "trigger.flows", DefinitionError::Empty);
                }
                self.sort_unique(at, "trigger.flows", &mut flows);
                Trigger::DataDate(flows)
            }
        })
    }

    fn check_timing(&mut self, at: usize, timing: &Timing) {
        let (field, error) = match timing.check() {
            Ok(()) => return,
            Err(TimingError::NthOutOfRange { n }) => {
                let (value, min, max) = (i64::from(n), -31, 31);
                let error = DefinitionError::OutOfRange { value, min, max };
                ("trigger.n", error)
            }
            Err(TimingError::NoDates) => ("trigger.dates", DefinitionError::Empty),
            Err(TimingError::NoTimes) => ("trigger.at", DefinitionError::Empty),
        };
        self.fault(at, field, error);
    }

    fn check_deadline(&mut self, at: usize, field: &str, deadline: Option<Deadline>) {
        if let Some(deadline) = deadline {
            self.check_range(at, field, i64::from(deadline.days), 0, 366);
        }
    }

    fn put_calendar(&mut self, at: usize, draft: &CalendarDraft) {
        self.put_named(at, draft, |plan, put| {
            for (field, dates) in [
                ("days.holidays", &draft.days.holidays),
                ("days.workdays", &draft.days.workdays),
            ] {
                if dates.len() > MOST_DATES {
                    let (count, max) = (dates.len(), MOST_DATES);
                    plan.fault(at, field, DefinitionError::TooMany { count, max });
                }
            }
            Some(Calendar {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                days: draft.days.clone(),
                revision: put.revision,
            })
        });
    }

    fn put_pool(&mut self, at: usize, draft: &PoolDraft) {
        self.put_named(at, draft, |plan, put| {
            plan.check_range(at, "slots", i64::from(draft.slots), 1, 100_000);
            Some(Pool {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                slots: draft.slots,
                revision: put.revision,
            })
        });
    }

    fn put_param(&mut self, at: usize, draft: &SharedParamDraft) {
        self.put_named(at, draft, |plan, put| {
            if !is_key(&draft.name, &['.', '-']) {
                let value = draft.name.clone();
                plan.fault(at, "name", DefinitionError::BadKey { value });
            }
            let kind = match &draft.kind {
                ParamKindDraft::Static { value } => {
                    plan.check_text(at, "value", value);
                    ParamKind::Static {
                        value: value.clone(),
                    }
                }
                ParamKindDraft::Sql {
                    data_source,
                    query,
                    timeout,
                    column,
                    value_type,
                } => {
                    if query.trim().is_empty() {
                        plan.fault(at, "query", DefinitionError::Empty);
                    }
                    plan.check_text(at, "query", query);
                    plan.check_not_zero(at, "timeout", Some(*timeout));
                    if let Some(column) = column {
                        if column.trim().is_empty() {
                            plan.fault(at, "column", DefinitionError::Empty);
                        }
                        plan.check_text(at, "column", column);
                    }
                    ParamKind::Sql {
                        data_source: plan.named::<DataSource>(at, "data_source", data_source)?,
                        query: query.clone(),
                        timeout: *timeout,
                        column: column.clone(),
                        value_type: *value_type,
                    }
                }
                ParamKindDraft::Context { value } => {
                    if let ContextValue::DataDate {
                        offset_days,
                        format,
                    } = value
                    {
                        let offset = i64::from(*offset_days);
                        plan.check_range(at, "offset_days", offset, -3_660, 3_660);
                        plan.check_date_format(at, "format", format);
                    }
                    ParamKind::Context {
                        value: value.clone(),
                    }
                }
            };
            Some(SharedParam {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                kind,
                revision: put.revision,
            })
        });
    }

    fn put_data_source(&mut self, at: usize, draft: &DataSourceDraft) {
        self.put_named(at, draft, |plan, put| {
            // These are files, or named elsewhere.
            let hostless = matches!(draft.kind, DataSourceKind::Sqlite | DataSourceKind::Odbc);
            plan.check_host(at, &draft.host, draft.port, hostless);
            plan.check_text(at, "database", &draft.database);
            plan.check_text(at, "user", &draft.user);
            plan.check_options(at, "options", &draft.options);
            let old = put.old.map(|old| &old.password);
            Some(DataSource {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                kind: draft.kind,
                host: draft.host.clone(),
                port: draft.port,
                database: draft.database.clone(),
                user: draft.user.clone(),
                password: plan.secret(at, "password", draft.password.as_ref(), old),
                options: draft.options.clone(),
                revision: put.revision,
            })
        });
    }

    fn put_file_server(&mut self, at: usize, draft: &FileServerDraft) {
        self.put_named(at, draft, |plan, put| {
            // An object store has a usual address.
            let hostless = matches!(draft.kind, FileServerKind::Local | FileServerKind::S3);
            plan.check_host(at, &draft.host, draft.port, hostless);
            plan.check_text(at, "user", &draft.user);
            plan.check_options(at, "options", &draft.options);
            let old = put.old.map(|old| &old.password);
            Some(FileServer {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                kind: draft.kind,
                host: draft.host.clone(),
                port: draft.port,
                user: draft.user.clone(),
                password: plan.secret(at, "password", draft.password.as_ref(), old),
                options: draft.options.clone(),
                revision: put.revision,
            })
        });
    }

    fn check_host(&mut self, at: usize, host: &str, port: Option<u16>, may_be_empty: bool) {
        if host.trim().is_empty() && !may_be_empty {
            self.fault(at, "host", DefinitionError::Empty);
        }
        self.check_text(at, "host", host);
        if port == Some(0) {
            self.check_range(at, "port", 0, 1, 65_535);
        }
    }

    /// The one that is given, else the one that there was.
    pub(super) fn secret(
        &mut self,
        at: usize,
        field: &str,
        given: Option<&Secret>,
        old: Option<&Secret>,
    ) -> Secret {
        if let Some(given) = given {
            self.check_text(at, field, given.reveal());
        }
        given.or(old).cloned().unwrap_or_default()
    }

    fn put_file_event(&mut self, at: usize, draft: &FileEventDraft) {
        self.put_named(at, draft, |plan, put| {
            let server = plan.named::<FileServer>(at, "server", &draft.server);
            if draft.path.trim().is_empty() {
                plan.fault(at, "path", DefinitionError::Empty);
            }
            plan.check_text(at, "path", &draft.path);
            let seconds = |it: Duration| i64::try_from(it.as_secs()).unwrap_or(i64::MAX);
            plan.check_range(at, "interval", seconds(draft.interval), 1, 86_400);
            if let Some(marker) = &draft.marker {
                if marker.trim().is_empty() {
                    plan.fault(at, "marker", DefinitionError::Empty);
                }
                plan.check_text(at, "marker", marker);
            }
            if let Some(pattern) = &draft.date_pattern {
                plan.check_date_format(at, "date_pattern", pattern);
            }
            Some(FileEvent {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                enabled: draft.enabled,
                server: server?,
                path: draft.path.clone(),
                window: draft.window,
                zone: draft.zone,
                interval: draft.interval,
                min_age: draft.min_age,
                marker: draft.marker.clone(),
                per: draft.per,
                date_pattern: draft.date_pattern.clone(),
                revision: put.revision,
            })
        });
    }

    fn put_alert_channel(&mut self, at: usize, draft: &AlertChannelDraft) {
        self.put_named(at, draft, |plan, put| {
            plan.check_options(at, "settings", &draft.settings);
            let old = put.old.map(|old| &old.secret);
            Some(AlertChannel {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                enabled: draft.enabled,
                kind: draft.kind,
                settings: draft.settings.clone(),
                secret: plan.secret(at, "secret", draft.secret.as_ref(), old),
                revision: put.revision,
            })
        });
    }

    fn put_alert_rule(&mut self, at: usize, draft: &AlertRuleDraft) {
        self.put_named(at, draft, |plan, put| {
            if draft.events.is_empty() {
                plan.fault(at, "events", DefinitionError::Empty);
            }
            let mut channels = Vec::with_capacity(draft.channels.len());
            for channel in &draft.channels {
                channels.extend(plan.named::<AlertChannel>(at, "channels", channel));
            }
            plan.sort_unique(at, "channels", &mut channels);
            let escalation = draft.escalation.as_ref();
            let escalation = escalation.map(|it| plan.escalation(at, it));
            Some(AlertRule {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                enabled: draft.enabled,
                events: draft.events.clone(),
                channels,
                escalation,
                default: draft.default,
                revision: put.revision,
            })
        });
    }

    fn escalation(&mut self, at: usize, draft: &Escalation<AlertChannelRef>) -> Escalation {
        let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        let (least, most) = (Escalation::LEAST_AFTER, Escalation::MOST_AFTER);
        self.check_range(
            at,
            "escalation.after",
            seconds(draft.after),
            seconds(least),
            seconds(most),
        );
        if draft.channels.is_empty() {
            self.fault(at, "escalation.channels", DefinitionError::Empty);
        }
        let mut channels = Vec::with_capacity(draft.channels.len());
        for channel in &draft.channels {
            channels.extend(self.named::<AlertChannel>(at, "escalation.channels", channel));
        }
        self.sort_unique(at, "escalation.channels", &mut channels);
        Escalation {
            after: draft.after,
            channels,
        }
    }
}
