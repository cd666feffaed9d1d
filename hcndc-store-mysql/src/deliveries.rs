//! What came to webhooks. None of it is the engine's: there is no fence, and ids come from the database.

use async_trait::async_trait;
use hcndc_core::{
    id::WebhookId,
    port::{
        Deliveries, DeliveriesError, DeliveriesKept, Delivery, DeliveryOutcome, DeliveryRow, Page,
        PageRequest, PortError as _,
    },
};
use sea_orm::{
    ConnectionTrait as _, Order,
    sea_query::{Expr, ExprTrait as _, OnConflict, Query},
};

use crate::{
    SqlError, SqlStore,
    entity::{Reader, Table as _, WebhookDelivery, number},
    error::Doing as _,
    keyset::{Keyset, id_place, page},
    retry::Tries,
};

fn failed(error: SqlError) -> DeliveriesError {
    DeliveriesError {
        kind: error.kind(),
        source: Box::new(error),
    }
}

impl SqlStore {
    async fn record_once(&self, delivery: &Delivery) -> Result<(), SqlError> {
        let mut again = OnConflict::columns(WebhookDelivery::KEY.iter().copied());
        again.update_columns(WebhookDelivery::AGAIN.iter().copied());
        let one_more = Expr::col((WebhookDelivery::Table, WebhookDelivery::Tries)).add(1);
        again.value(WebhookDelivery::Tries, one_more);
        let values = WebhookDelivery::values(delivery)?
            .into_iter()
            .map(Expr::val);
        let mut insert = Query::insert();
        insert
            .into_table(WebhookDelivery::Table)
            .columns(WebhookDelivery::COLUMNS.iter().copied())
            .on_conflict(again)
            .values_panic(values);
        let done = self.signs().execute(&insert).await;
        done.doing("record a delivery").map(drop)
    }

    async fn prune_once(&self, hook: WebhookId, kept: DeliveriesKept) -> Result<u64, SqlError> {
        let doing = "forget deliveries";
        let of_hook = Expr::col(WebhookDelivery::WebhookId).eq(number("webhook", hook.0)?);
        let refused = Expr::col(WebhookDelivery::Outcome).eq(DeliveryOutcome::Refused.as_str());
        let mut gone = Expr::col(WebhookDelivery::At).lt(kept.since.as_micros());
        for (sort, count) in [(refused.clone(), kept.refused), (refused.not(), kept.taken)] {
            let mut first_gone = Query::select();
            first_gone
                .column(WebhookDelivery::Id)
                .from(WebhookDelivery::Table)
                .and_where(of_hook.clone())
                .and_where(sort.clone())
                .order_by(WebhookDelivery::Id, Order::Desc)
                .limit(1)
                .offset(count.into());
            let row = self.signs().query_one(&first_gone).await.doing(doing)?;
            if let Some(row) = row {
                let id: i64 = Reader::new("webhook_delivery", &row).column("id")?;
                gone = gone.or(sort.and(Expr::col(WebhookDelivery::Id).lte(id)));
            }
        }
        let delete = Query::delete()
            .from_table(WebhookDelivery::Table)
            .and_where(of_hook)
            .and_where(gone)
            .to_owned();
        let done = self.signs().execute(&delete).await.doing(doing)?;
        Ok(done.rows_affected())
    }
}

#[async_trait]
impl Deliveries for SqlStore {
    async fn record(&self, delivery: &Delivery) -> Result<(), DeliveriesError> {
        let mut tries = Tries::default();
        loop {
            let done = self.soon("record a delivery", self.record_once(delivery));
            let done = done.await;
            if !tries.again(&done).await {
                return done.map_err(failed);
            }
        }
    }

    async fn delivery(&self, key: &str) -> Result<Option<DeliveryRow>, DeliveriesError> {
        let select = Query::select()
            .column(WebhookDelivery::Id)
            .columns(WebhookDelivery::COLUMNS.iter().copied())
            .from(WebhookDelivery::Table)
            .and_where(Expr::col(WebhookDelivery::Digest).eq(key))
            .to_owned();
        let (db, doing) = (self.signs().clone(), "read a delivery");
        let find = async move {
            let row = db.query_one(&select).await.doing(doing)?;
            row.as_ref().map(WebhookDelivery::read).transpose()
        };
        self.read(doing, find).await.map_err(failed)
    }

    async fn deliveries(
        &self,
        hook: WebhookId,
        wanted: &PageRequest,
    ) -> Result<Page<DeliveryRow>, DeliveriesError> {
        let (db, wanted, doing) = (self.reader().clone(), wanted.clone(), "list deliveries");
        let list = async move {
            let mut select = Query::select()
                .column(WebhookDelivery::Id)
                .columns(WebhookDelivery::COLUMNS.iter().copied())
                .from(WebhookDelivery::Table)
                .and_where(Expr::col(WebhookDelivery::WebhookId).eq(number("webhook", hook.0)?))
                .to_owned();
            Keyset::by_id(WebhookDelivery::Id).restrict(&mut select, &wanted)?;
            let rows = db.query_all(&select).await.doing(doing)?;
            let rows = rows.iter().map(WebhookDelivery::read);
            let rows = rows.collect::<Result<_, _>>()?;
            Ok(page(rows, &wanted, |row: &DeliveryRow| id_place(row.id.0)))
        };
        self.read(doing, list).await.map_err(failed)
    }

    async fn prune_deliveries(
        &self,
        hook: WebhookId,
        kept: DeliveriesKept,
    ) -> Result<u64, DeliveriesError> {
        let mut tries = Tries::default();
        loop {
            let done = self.soon("forget deliveries", self.prune_once(hook, kept));
            let done = done.await;
            if !tries.again(&done).await {
                return done.map_err(failed);
            }
        }
    }
}
