//! Questions about definitions.

use alloc::{collections::BTreeSet, sync::Arc};

use super::{Engine, LONGEST_FIRING_QUEUE};
use crate::{
    id::{
        AlertChannelId, AlertRuleId, CalendarId, DataSourceId, FileEventId, FileServerId, FlowId,
        ParamId, PoolId, ScheduleId, WebhookId,
    },
    model::{
        AlertChannel, AlertRule, Calendar, DataSource, Definition, DefinitionId, FileEvent,
        FileServer, Overlap, Pool, Schedule, SharedParam, Webhook,
    },
};

macro_rules! lookups {
    ($($all:ident, $one:ident, $find:ident: $noun:ident($id:ident), $words:literal;)*) => {
        impl Engine {$(
            #[doc = concat!("All ", $words, "s, by id.")]
            pub fn $all(&self) -> impl Iterator<Item = &Arc<$noun>> {
                self.definitions.$all.iter()
            }

            #[doc = concat!("The ", $words, " of this id.")]
            #[must_use]
            pub fn $one(&self, id: $id) -> Option<&Arc<$noun>> {
                self.definitions.$all.get(id)
            }

            #[doc = concat!("The ", $words, " of this name.")]
            #[must_use]
            pub fn $find(&self, name: &str) -> Option<&Arc<$noun>> {
                self.definitions.$all.named(name)
            }
        )*}
    };
}

lookups! {
    schedules, schedule, find_schedule: Schedule(ScheduleId), "schedule";
    calendars, calendar, find_calendar: Calendar(CalendarId), "calendar";
    pools, pool, find_pool: Pool(PoolId), "pool";
    params, param, find_param: SharedParam(ParamId), "shared param";
    data_sources, data_source, find_data_source: DataSource(DataSourceId), "data source";
    file_servers, file_server, find_file_server: FileServer(FileServerId), "file server";
    file_events, file_event, find_file_event: FileEvent(FileEventId), "file event";
    alert_channels, alert_channel, find_alert_channel: AlertChannel(AlertChannelId), "alert channel";
    alert_rules, alert_rule, find_alert_rule: AlertRule(AlertRuleId), "alert rule";
    webhooks, webhook, find_webhook: Webhook(WebhookId), "webhook";
}

impl Engine {
    /// All definitions but flows, jobs and executors, by kind and id.
    pub fn other_definitions(&self) -> impl Iterator<Item = Definition> {
        self.definitions.others()
    }

    /// These flows and all that are downstream of them, by parents and by dependencies of jobs: those that a start of them with
    /// downstream flows takes.
    #[must_use]
    pub fn with_downstream(&self, flows: &[FlowId]) -> BTreeSet<FlowId> {
        self.definitions.selection(flows, true)
    }

    /// Whether a schedule fires for the files of this event.
    #[must_use]
    pub fn awaits_file(&self, event: FileEventId) -> bool {
        !self.schedules.of_file(event).is_empty()
    }

    /// Whether a file of this event was used, by its key.
    #[must_use]
    pub fn is_file_used(&self, event: FileEventId, key: &str) -> bool {
        let used = self.schedules.files.get(&event);
        used.is_some_and(|used| used.contains_key(key))
    }

    /// How many more files of this event can be used now, so that none of them is used for nothing: no more than each schedule that
    /// has its firings wait for a turn can hold. One that is paused starts nothing, and holds nobody up.
    #[must_use]
    pub fn room_for_files(&self, event: FileEventId) -> usize {
        let schedules = self.schedules.of_file(event).into_iter();
        let entries = schedules.filter_map(|id| self.schedules.entries.get(&id));
        let queueing =
            entries.filter(|it| it.schedule.overlap == Overlap::Queue && !it.schedule.paused);
        let room = queueing.map(|it| LONGEST_FIRING_QUEUE.saturating_sub(it.queued.len()));
        room.min().unwrap_or(usize::MAX)
    }

    /// Schedules, file events and whatever else needs this definition, by kind and id; jobs too, but for those that the
    /// [mesh](Self::mesh) ties to it.
    pub fn users_of(&self, definition: DefinitionId) -> impl Iterator<Item = DefinitionId> {
        self.definitions.users(definition)
    }
}
