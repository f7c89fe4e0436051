//! Jobs with a queue of the engine's, and jobs whose items are rows of the application.

use baton::contract::items::{
    BatchOutcome, ClaimItems, Item, ItemAttempt, ItemEnding, ItemOutcome, SettleItems,
    SettleItemsAnswer, Settled,
};
use baton::contract::native::call;
use baton::contract::{Claim, Trigger};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{Db, Pair};

/// The job of the application in these tests.
pub(crate) const JOB: &str = "invoice-export";

/// `baton.enqueue`, `claim_items` and `settle_items`.
pub(crate) struct Queue;

impl Pair for Queue {
    async fn fill(&self, db: &Db, n: i32) -> anyhow::Result<()> {
        create(db, "batch_size => 10").await?;
        enqueue(db, n).await
    }

    async fn claim(&self, worker: &Client) -> anyhow::Result<Option<(Uuid, Vec<String>)>> {
        taken(worker).await
    }

    async fn settle(
        &self,
        worker: &Client,
        attempt: Uuid,
        items: &[String],
    ) -> anyhow::Result<bool> {
        done(worker, attempt, items).await
    }

    async fn done(&self, db: &Db) -> anyhow::Result<i64> {
        db.count("select count(*) from baton.items where status = 'completed'")
            .await
    }
}

/// A view of due rows and a function that takes what came of them.
pub(crate) struct Rows;

impl Pair for Rows {
    async fn fill(&self, db: &Db, n: i32) -> anyhow::Result<()> {
        invoices(db, n).await?;
        create(
            db,
            "batch_size => 10, due => 'app.due_invoices', settled => 'app.invoice_settled'",
        )
        .await
    }

    async fn claim(&self, worker: &Client) -> anyhow::Result<Option<(Uuid, Vec<String>)>> {
        taken(worker).await
    }

    async fn settle(
        &self,
        worker: &Client,
        attempt: Uuid,
        items: &[String],
    ) -> anyhow::Result<bool> {
        done(worker, attempt, items).await
    }

    async fn done(&self, db: &Db) -> anyhow::Result<i64> {
        db.count("select count(*) from app.invoices where exported_at is not null")
            .await
    }
}

/// Makes the job, with these settings.
pub(crate) async fn create(db: &Db, settings: &str) -> anyhow::Result<()> {
    let comma = if settings.is_empty() { "" } else { ", " };
    let sql = format!("select baton.create_job('{JOB}'{comma}{settings})");
    Ok(db.owner.batch_execute(&sql).await?)
}

/// Adds items with the numbers from 1 as their data.
pub(crate) async fn enqueue(db: &Db, n: i32) -> anyhow::Result<()> {
    let sql = format!(
        "select baton.enqueue('{JOB}', jsonb_build_object('n', g)) from generate_series(1, {n}) g"
    );
    Ok(db.owner.batch_execute(&sql).await?)
}

/// A table of the application, its view of what is due, and the function that is told.
pub(crate) async fn invoices(db: &Db, n: i32) -> anyhow::Result<()> {
    let sql = format!(
        "create schema app;
         create table app.invoices (id bigint generated always as identity primary key, number text not null, exported_at timestamptz, trouble text);
         create view app.due_invoices as
           select i.id::text, jsonb_build_object('number', i.number) as data from app.invoices i where i.exported_at is null and i.trouble is null;
         create function app.invoice_settled(id text, outcome text, detail text) returns void language sql as
           $$ update app.invoices set exported_at = case when outcome = 'done' then now() end, trouble = detail where id = $1::bigint $$;
         insert into app.invoices (number) select 'R-' || g from generate_series(1, {n}) g"
    );
    Ok(db.owner.batch_execute(&sql).await?)
}

pub(crate) async fn claim_items(
    worker: &Client,
    trigger: Trigger,
) -> anyhow::Result<Claim<ItemAttempt>> {
    let claim = ClaimItems {
        job: JOB.to_owned(),
        trigger,
        worker: "test".to_owned(),
    };
    Ok(call(worker, claim).await?)
}

/// The attempt and the items of a claim that finds some.
pub(crate) async fn take(worker: &Client) -> anyhow::Result<(Uuid, Vec<Item>)> {
    match claim_items(worker, Trigger::Manual).await? {
        Claim::Claimed(it) => Ok((it.attempt_id, it.items)),
        other => anyhow::bail!("no item could be claimed: {other:?}"),
    }
}

/// It may succeed later.
pub(crate) fn retry() -> ItemEnding {
    ItemEnding::Retry { error: why() }
}

/// The other side asked for a minute of patience.
pub(crate) fn wait() -> ItemEnding {
    ItemEnding::Wait {
        seconds: 60,
        error: why(),
    }
}

/// It would fail again.
pub(crate) fn failed() -> ItemEnding {
    ItemEnding::Failed { error: why() }
}

fn why() -> String {
    "it went wrong".to_owned()
}

/// Settles items with the same ending each.
pub(crate) async fn settle_items(
    worker: &Client,
    attempt_id: Uuid,
    items: impl IntoIterator<Item = Uuid>,
    ending: ItemEnding,
    claim_next: bool,
) -> anyhow::Result<SettleItemsAnswer> {
    let outcomes = items.into_iter().map(|id| ItemOutcome {
        id,
        ending: ending.clone(),
    });
    let settle = SettleItems {
        attempt_id,
        outcomes: BatchOutcome::Each(outcomes.collect()),
        claim_next,
    };
    Ok(call(worker, settle).await?)
}

/// The same, which must count.
pub(crate) async fn settled(
    worker: &Client,
    attempt_id: Uuid,
    items: impl IntoIterator<Item = Uuid>,
    ending: ItemEnding,
    claim_next: bool,
) -> anyhow::Result<Settled> {
    match settle_items(worker, attempt_id, items, ending, claim_next).await? {
        SettleItemsAnswer::Settled(it) => Ok(it),
        lost => anyhow::bail!("{lost:?}"),
    }
}

async fn taken(worker: &Client) -> anyhow::Result<Option<(Uuid, Vec<String>)>> {
    Ok(match claim_items(worker, Trigger::Manual).await? {
        Claim::Claimed(it) => Some((
            it.attempt_id,
            it.items.iter().map(|it| it.id.to_string()).collect(),
        )),
        Claim::Skipped { .. } | Claim::Idle { .. } => None,
    })
}

async fn done(worker: &Client, attempt: Uuid, items: &[String]) -> anyhow::Result<bool> {
    let ids: Vec<Uuid> = items
        .iter()
        .map(|it| it.parse())
        .collect::<Result<_, _>>()?;
    let answer = settle_items(worker, attempt, ids, ItemEnding::Done, false).await?;
    Ok(matches!(answer, SettleItemsAnswer::Settled(_)))
}
