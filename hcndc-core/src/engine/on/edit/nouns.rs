//! The kinds of definitions that are handled alike, and what a batch does to each.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
};

use super::Names;
use crate::{
    engine::table::Noun,
    model::{
        AlertChannel, AlertChannelDraft, AlertRule, AlertRuleDraft, Calendar, CalendarDraft,
        DataSource, DataSourceDraft, Executor, ExecutorDraft, FileEvent, FileEventDraft,
        FileServer, FileServerDraft, Named, Pool, PoolDraft, Schedule, ScheduleDraft, SharedParam,
        SharedParamDraft, Webhook, WebhookDraft,
    },
};

/// What a batch does to the definitions of one kind.
pub(super) struct Puts<T: Named> {
    pub(super) names: Names<String, T::Id>,
    pub(super) gone: BTreeSet<T::Id>,
    pub(super) puts: BTreeMap<T::Id, Arc<T>>,
}

impl<T: Named> Default for Puts<T> {
    fn default() -> Self {
        Self {
            names: Names::default(),
            gone: BTreeSet::new(),
            puts: BTreeMap::new(),
        }
    }
}

/// What a draft is called and filed under.
pub(super) struct Header<'a, Id> {
    pub(super) id: Option<Id>,
    pub(super) version: Option<u32>,
    pub(super) name: &'a String,
    pub(super) directory: &'a str,
    pub(super) description: &'a str,
}

/// A draft of a definition that is handled like others.
pub(super) trait Draft {
    type Noun: Planned;

    fn header(&self) -> Header<'_, <Self::Noun as Named>::Id>;
}

/// A kind of definition that a batch can put and delete.
pub(super) trait Planned: Noun {
    fn puts(nouns: &Nouns) -> &Puts<Self>;

    fn puts_mut(nouns: &mut Nouns) -> &mut Puts<Self>;
}

/// One table says which kinds there are, what their drafts are called, and where their directory stands.
macro_rules! nouns {
    ($($field:ident: $noun:ident from $draft:ident, filed under $it:ident => $directory:expr;)*) => {
        /// What a batch does to the definitions that are handled alike.
        #[derive(Default)]
        pub(super) struct Nouns {
            $(pub(super) $field: Puts<$noun>,)*
        }

        $(
            impl Planned for $noun {
                fn puts(nouns: &Nouns) -> &Puts<Self> {
                    &nouns.$field
                }

                fn puts_mut(nouns: &mut Nouns) -> &mut Puts<Self> {
                    &mut nouns.$field
                }
            }

            impl Draft for $draft {
                type Noun = $noun;

                fn header(&self) -> Header<'_, <$noun as Named>::Id> {
                    let $it = self;
                    Header {
                        id: self.id,
                        version: self.version,
                        name: &self.name,
                        directory: $directory,
                        description: &self.description,
                    }
                }
            }
        )*
    };
}

nouns! {
    executors: Executor from ExecutorDraft, filed under _it => "/";
    schedules: Schedule from ScheduleDraft, filed under it => &it.directory;
    calendars: Calendar from CalendarDraft, filed under it => &it.directory;
    pools: Pool from PoolDraft, filed under it => &it.directory;
    params: SharedParam from SharedParamDraft, filed under it => &it.directory;
    data_sources: DataSource from DataSourceDraft, filed under it => &it.directory;
    file_servers: FileServer from FileServerDraft, filed under it => &it.directory;
    file_events: FileEvent from FileEventDraft, filed under it => &it.directory;
    alert_channels: AlertChannel from AlertChannelDraft, filed under it => &it.directory;
    alert_rules: AlertRule from AlertRuleDraft, filed under it => &it.directory;
    webhooks: Webhook from WebhookDraft, filed under it => &it.directory;
}

/// The same for whatever definition is drafted.
macro_rules! of_any_draft {
    ($draft:expr, $it:ident => $value:expr) => {
        match $draft {
            $crate::model::DefinitionDraft::Schedule(boxed) => {
                let $it = &**boxed;
                $value
            }
            $crate::model::DefinitionDraft::Calendar($it) => $value,
            $crate::model::DefinitionDraft::Pool($it) => $value,
            $crate::model::DefinitionDraft::Param($it) => $value,
            $crate::model::DefinitionDraft::DataSource($it) => $value,
            $crate::model::DefinitionDraft::FileServer($it) => $value,
            $crate::model::DefinitionDraft::FileEvent($it) => $value,
            $crate::model::DefinitionDraft::AlertChannel($it) => $value,
            $crate::model::DefinitionDraft::AlertRule($it) => $value,
            $crate::model::DefinitionDraft::Webhook($it) => $value,
        }
    };
}

/// The same for whatever kind an id is of: what is said of flows and of jobs, and a method for the others, which takes the
/// id first.
macro_rules! of_any_id {
    ($id:expr, flow $flow:ident => $of_flow:expr, job $job:ident => $of_job:expr,
     $this:ident.$method:ident(id $(, $rest:expr)*)) => {
        match $id {
            $crate::model::DefinitionId::Flow($flow) => $of_flow,
            $crate::model::DefinitionId::Job($job) => $of_job,
            $crate::model::DefinitionId::Executor(id) => {
                $this.$method::<$crate::model::Executor>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::Schedule(id) => {
                $this.$method::<$crate::model::Schedule>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::Calendar(id) => {
                $this.$method::<$crate::model::Calendar>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::Pool(id) => {
                $this.$method::<$crate::model::Pool>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::Param(id) => {
                $this.$method::<$crate::model::SharedParam>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::DataSource(id) => {
                $this.$method::<$crate::model::DataSource>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::FileServer(id) => {
                $this.$method::<$crate::model::FileServer>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::FileEvent(id) => {
                $this.$method::<$crate::model::FileEvent>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::AlertChannel(id) => {
                $this.$method::<$crate::model::AlertChannel>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::AlertRule(id) => {
                $this.$method::<$crate::model::AlertRule>(id $(, $rest)*)
            }
            $crate::model::DefinitionId::Webhook(id) => {
                $this.$method::<$crate::model::Webhook>(id $(, $rest)*)
            }
        }
    };
}

pub(super) use {of_any_draft, of_any_id};
