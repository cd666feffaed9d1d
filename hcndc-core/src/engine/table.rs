//! Definitions of one kind, by id and by name.

use alloc::{collections::BTreeMap, string::String, sync::Arc};

use super::definitions::Definitions;
use crate::{
    id::{
        AlertChannelId, AlertRuleId, CalendarId, DataSourceId, ExecutorId, FileEventId,
        FileServerId, ParamId, PoolId, ScheduleId, WebhookId,
    },
    model::{
        AlertChannel, AlertRule, Calendar, DataSource, Executor, FileEvent, FileServer, Named,
        Pool, Schedule, SharedParam, Webhook,
    },
};

/// Definitions of one kind, by id and by name.
#[derive(Clone, Debug)]
pub(super) struct Table<T: Named> {
    by_id: BTreeMap<T::Id, Arc<T>>,
    by_name: BTreeMap<String, T::Id>,
}

impl<T: Named> Default for Table<T> {
    fn default() -> Self {
        Self {
            by_id: BTreeMap::new(),
            by_name: BTreeMap::new(),
        }
    }
}

impl<T: Named> Table<T> {
    /// All, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.by_id.values()
    }

    pub(super) fn get(&self, id: T::Id) -> Option<&Arc<T>> {
        self.by_id.get(&id)
    }

    pub(super) fn named(&self, name: &str) -> Option<&Arc<T>> {
        self.by_name.get(name).and_then(|id| self.get(*id))
    }

    /// Takes one in, and gives back what had its id.
    pub(super) fn put(&mut self, it: Arc<T>) -> Option<Arc<T>> {
        let old = self.by_id.insert(it.id(), Arc::clone(&it));
        if let Some(old) = &old {
            self.free_name(old);
        }
        self.by_name.insert(it.name().into(), it.id());
        old
    }

    pub(super) fn remove(&mut self, id: T::Id) -> Option<Arc<T>> {
        let old = self.by_id.remove(&id)?;
        self.free_name(&old);
        Some(old)
    }

    /// Another of the same batch may have taken the name already.
    fn free_name(&mut self, old: &T) {
        if self.by_name.get(old.name()) == Some(&old.id()) {
            self.by_name.remove(old.name());
        }
    }
}

/// A kind of definition that has a table.
pub(super) trait Noun: Named {
    fn table(definitions: &Definitions) -> &Table<Self>;

    fn table_mut(definitions: &mut Definitions) -> &mut Table<Self>;

    /// The id of a new one.
    fn new_id(number: u64) -> Self::Id;
}

macro_rules! nouns {
    ($($noun:ident($id:ident) in $table:ident;)*) => {$(
        impl Noun for $noun {
            fn table(definitions: &Definitions) -> &Table<Self> {
                &definitions.$table
            }

            fn table_mut(definitions: &mut Definitions) -> &mut Table<Self> {
                &mut definitions.$table
            }

            fn new_id(number: u64) -> $id {
                $id(number)
            }
        }
    )*};
}

nouns! {
    Executor(ExecutorId) in executors;
    Schedule(ScheduleId) in schedules;
    Calendar(CalendarId) in calendars;
    Pool(PoolId) in pools;
    SharedParam(ParamId) in params;
    DataSource(DataSourceId) in data_sources;
    FileServer(FileServerId) in file_servers;
    FileEvent(FileEventId) in file_events;
    AlertChannel(AlertChannelId) in alert_channels;
    AlertRule(AlertRuleId) in alert_rules;
    Webhook(WebhookId) in webhooks;
}
