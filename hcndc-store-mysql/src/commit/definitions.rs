//! Definitions of the kinds that no run is pinned to: a table each.

use hcndc_core::model::{Definition, DefinitionKind};
use sea_orm::Value;

use super::{Batch, ids};
use crate::{
    SqlError,
    entity::{
        AlertChannel, AlertRule, Calendar, DataSource, Definitions, FileEvent, FileServer, Pool,
        Schedule, SharedParam, Table as _, Webhook,
    },
    upsert::{delete, upsert},
    writing::Writing,
};

/// Rows of one table.
type Rows = Vec<Vec<Value>>;

impl Batch<'_> {
    pub(super) async fn store_definitions(&self, db: &mut impl Writing) -> Result<(), SqlError> {
        if self.deleted_definitions.is_empty() && self.definitions.is_empty() {
            return Ok(());
        }
        let mut schedules = Rows::new();
        let mut calendars = Rows::new();
        let mut pools = Rows::new();
        let mut params = Rows::new();
        let mut data_sources = Rows::new();
        let mut file_servers = Rows::new();
        let mut file_events = Rows::new();
        let mut alert_channels = Rows::new();
        let mut alert_rules = Rows::new();
        let mut webhooks = Rows::new();
        for all in self.definitions.values() {
            match all {
                Definition::Schedule(it) => schedules.push(Schedule::values((all, it))?),
                Definition::Calendar(it) => calendars.push(Calendar::values((all, it))?),
                Definition::Pool(it) => pools.push(Pool::values((all, it))?),
                Definition::Param(it) => params.push(SharedParam::values((all, it))?),
                Definition::DataSource(it) => data_sources.push(DataSource::values((all, it))?),
                Definition::FileServer(it) => file_servers.push(FileServer::values((all, it))?),
                Definition::FileEvent(it) => file_events.push(FileEvent::values((all, it))?),
                Definition::AlertChannel(it) => {
                    alert_channels.push(AlertChannel::values((all, it))?)
                }
                Definition::AlertRule(it) => alert_rules.push(AlertRule::values((all, it))?),
                Definition::Webhook(it) => webhooks.push(Webhook::values((all, it))?),
            }
        }
        self.store_kind::<Schedule>(db, DefinitionKind::Schedule, schedules)
            .await?;
        self.store_kind::<Calendar>(db, DefinitionKind::Calendar, calendars)
            .await?;
        self.store_kind::<Pool>(db, DefinitionKind::Pool, pools)
            .await?;
        self.store_kind::<SharedParam>(db, DefinitionKind::Param, params)
            .await?;
        self.store_kind::<DataSource>(db, DefinitionKind::DataSource, data_sources)
            .await?;
        self.store_kind::<FileServer>(db, DefinitionKind::FileServer, file_servers)
            .await?;
        self.store_kind::<FileEvent>(db, DefinitionKind::FileEvent, file_events)
            .await?;
        self.store_kind::<AlertChannel>(db, DefinitionKind::AlertChannel, alert_channels)
            .await?;
        self.store_kind::<AlertRule>(db, DefinitionKind::AlertRule, alert_rules)
            .await?;
        self.store_kind::<Webhook>(db, DefinitionKind::Webhook, webhooks)
            .await?;
        Ok(())
    }

    /// Rows go before they come: what is put again after its deletion is there.
    async fn store_kind<T: Definitions>(
        &self,
        db: &mut impl Writing,
        kind: DefinitionKind,
        rows: Rows,
    ) -> Result<(), SqlError> {
        let gone = self.deleted_definitions.iter();
        let gone = gone.filter(|id| id.kind() == kind).map(|id| id.number());
        delete(db, "delete definitions", T::ID, &ids(kind.as_str(), gone)?).await?;
        upsert::<T>(db, "store definitions", rows).await
    }
}
