//! What definitions have in common, and one of any kind.

use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};
use core::fmt;

use super::{
    AlertChannel, AlertRule, Calendar, DataSource, Executor, FileEvent, FileServer, Flow, Job,
    JobParam, ParamKind, Placement, Pool, Revision, Schedule, SharedParam, Trigger, Webhook,
};
use crate::id::{
    AlertChannelId, AlertRuleId, CalendarId, DataSourceId, ExecutorId, FileEventId, FileServerId,
    FlowId, JobId, ParamId, PoolId, ScheduleId, WebhookId,
};

/// The kinds of definitions and their ids, in the order in which they are told apart and sorted.
macro_rules! kinds {
    ($($kind:ident($id:ident) $word:literal,)*) => {
        /// A kind of definition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum DefinitionKind {
            $($kind,)*
        }

        impl DefinitionKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// What people call it, such as `data source`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                }
            }
        }

        /// The id of a definition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum DefinitionId {
            $($kind($id),)*
        }

        impl DefinitionId {
            /// Of what.
            #[must_use]
            pub const fn kind(self) -> DefinitionKind {
                match self {
                    $(Self::$kind(_) => DefinitionKind::$kind,)*
                }
            }

            /// As a number, which no other definition of any kind has.
            #[must_use]
            pub const fn number(self) -> u64 {
                match self {
                    $(Self::$kind(id) => id.0,)*
                }
            }
        }

        $(impl From<$id> for DefinitionId {
            fn from(id: $id) -> Self {
                Self::$kind(id)
            }
        })*
    };
}

kinds! {
    Flow(FlowId) "flow",
    Job(JobId) "job",
    Executor(ExecutorId) "executor",
    Schedule(ScheduleId) "schedule",
    Calendar(CalendarId) "calendar",
    Pool(PoolId) "pool",
    Param(ParamId) "param",
    DataSource(DataSourceId) "data source",
    FileServer(FileServerId) "file server",
    FileEvent(FileEventId) "file event",
    AlertChannel(AlertChannelId) "alert channel",
    AlertRule(AlertRuleId) "alert rule",
    Webhook(WebhookId) "webhook",
}

impl fmt::Display for DefinitionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A definition whose name is unique among those of its kind: all but jobs.
pub trait Named: Clone + PartialEq + fmt::Debug {
    /// Its id.
    type Id: Copy + Ord + fmt::Display + fmt::Debug + Into<DefinitionId>;

    /// Which kind it is.
    const KIND: DefinitionKind;

    /// Its id.
    fn id(&self) -> Self::Id;

    /// Its name.
    fn name(&self) -> &str;

    /// Its version, and who made it.
    fn revision(&self) -> &Revision;

    /// The same in another version.
    #[must_use]
    fn with_revision(self, revision: Revision) -> Self;

    /// What it needs: none of these can be deleted while it names them. Flows and jobs that the
    /// [mesh](crate::mesh::Mesh) ties are not listed.
    fn needs(&self) -> Vec<DefinitionId>;
}

macro_rules! named {
    ($($noun:ident: $kind:ident($id:ident), needs $needs:expr;)*) => {$(
        impl Named for $noun {
            type Id = $id;

            const KIND: DefinitionKind = DefinitionKind::$kind;

            fn id(&self) -> $id {
                self.id
            }

            fn name(&self) -> &str {
                &self.name
            }

            fn revision(&self) -> &Revision {
                &self.revision
            }

            fn with_revision(self, revision: Revision) -> Self {
                Self { revision, ..self }
            }

            fn needs(&self) -> Vec<DefinitionId> {
                let needs: fn(&Self) -> Vec<DefinitionId> = $needs;
                needs(self)
            }
        }
    )*};
}

named! {
    Flow: Flow(FlowId), needs |it| it.calendar.into_iter().map(DefinitionId::from).collect();
    Executor: Executor(ExecutorId), needs |_| Vec::new();
    Schedule: Schedule(ScheduleId), needs |it| {
        let mut needs: Vec<DefinitionId> = alloc::vec![it.flow.into()];
        match &it.trigger {
            Trigger::Time(_) => {}
            Trigger::File(event) => needs.push((*event).into()),
            Trigger::DataDate(flows) => needs.extend(flows.iter().copied().map(DefinitionId::from)),
        }
        needs.extend(it.calendar.map(DefinitionId::from));
        needs.extend(it.alerts.iter().copied().map(DefinitionId::from));
        needs
    };
    Calendar: Calendar(CalendarId), needs |_| Vec::new();
    Pool: Pool(PoolId), needs |_| Vec::new();
    SharedParam: Param(ParamId), needs |it| match it.kind {
        ParamKind::Sql { data_source, .. } => alloc::vec![data_source.into()],
        ParamKind::Static { .. } | ParamKind::Context { .. } => Vec::new(),
    };
    DataSource: DataSource(DataSourceId), needs |_| Vec::new();
    FileServer: FileServer(FileServerId), needs |_| Vec::new();
    FileEvent: FileEvent(FileEventId), needs |it| alloc::vec![it.server.into()];
    AlertChannel: AlertChannel(AlertChannelId), needs |_| Vec::new();
    AlertRule: AlertRule(AlertRuleId), needs |it| {
        let escalation = it.escalation.iter().flat_map(|it| &it.channels);
        let channels: BTreeSet<_> = it.channels.iter().chain(escalation).collect();
        channels.into_iter().copied().map(DefinitionId::from).collect()
    };
    Webhook: Webhook(WebhookId), needs |it| {
        it.flows.iter().copied().map(DefinitionId::from).collect()
    };
}

impl Job {
    /// What it needs besides the jobs that it depends on: also those whose outputs it reads, which it need not name as
    /// dependencies.
    #[must_use]
    pub fn needs(&self) -> Vec<DefinitionId> {
        let params = self.params.iter().filter_map(|param| match param {
            JobParam::Own(_) => None,
            JobParam::Shared { shared } => Some(DefinitionId::from(*shared)),
            JobParam::Output { output, .. } => Some(DefinitionId::from(output.job)),
        });
        let executor = match self.placement {
            Placement::Executor(executor) => Some(DefinitionId::from(executor)),
            Placement::Any | Placement::Labels(_) => None,
        };
        let pool = self.pool.map(DefinitionId::from);
        let source = self.kind.data_source().copied().map(DefinitionId::from);
        pool.into_iter()
            .chain(source)
            .chain(executor)
            .chain(params)
            .collect()
    }
}

/// A definition of a kind that no run is pinned to a version of, and that flows, jobs and executors are not.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(missing_docs, reason = "the names say it")]
pub enum Definition {
    Schedule(Arc<Schedule>),
    Calendar(Arc<Calendar>),
    Pool(Arc<Pool>),
    Param(Arc<SharedParam>),
    DataSource(Arc<DataSource>),
    FileServer(Arc<FileServer>),
    FileEvent(Arc<FileEvent>),
    AlertChannel(Arc<AlertChannel>),
    AlertRule(Arc<AlertRule>),
    Webhook(Arc<Webhook>),
}

/// The same of whatever definition it is.
macro_rules! of_any {
    ($definition:expr, $it:ident => $value:expr) => {
        match $definition {
            Definition::Schedule($it) => $value,
            Definition::Calendar($it) => $value,
            Definition::Pool($it) => $value,
            Definition::Param($it) => $value,
            Definition::DataSource($it) => $value,
            Definition::FileServer($it) => $value,
            Definition::FileEvent($it) => $value,
            Definition::AlertChannel($it) => $value,
            Definition::AlertRule($it) => $value,
            Definition::Webhook($it) => $value,
        }
    };
}

impl Definition {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> DefinitionId {
        of_any!(self, it => it.id.into())
    }

    /// Its name, unique among those of its kind.
    #[must_use]
    pub fn name(&self) -> &str {
        of_any!(self, it => &it.name)
    }

    /// Slash path to file it under (目录).
    #[must_use]
    pub fn directory(&self) -> &str {
        of_any!(self, it => &it.directory)
    }

    /// For people.
    #[must_use]
    pub fn description(&self) -> &str {
        of_any!(self, it => &it.description)
    }

    /// Its version, and who made it.
    #[must_use]
    pub fn revision(&self) -> &Revision {
        of_any!(self, it => &it.revision)
    }
}

macro_rules! definitions {
    ($($variant:ident($noun:ident),)*) => {$(
        impl From<Arc<$noun>> for Definition {
            fn from(it: Arc<$noun>) -> Self {
                Self::$variant(it)
            }
        }

        impl From<$noun> for Definition {
            fn from(it: $noun) -> Self {
                Self::$variant(Arc::new(it))
            }
        }
    )*};
}

definitions! {
    Schedule(Schedule),
    Calendar(Calendar),
    Pool(Pool),
    Param(SharedParam),
    DataSource(DataSource),
    FileServer(FileServer),
    FileEvent(FileEvent),
    AlertChannel(AlertChannel),
    AlertRule(AlertRule),
    Webhook(Webhook),
}
