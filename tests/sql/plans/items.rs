use baton::contract::items::ItemEnding;
use serde_json::json;

use super::{pages_of_claim_and_settlement, pages_of_one};
use crate::support::db::Db;
use crate::support::settling::items::{JOB, create, enqueue, settle_items, take};

/// Whatever the statistics know, a claim, a settlement and a look at the state touch a few pages of a million items.
#[tokio::test]
async fn items_cost_a_few_pages_each_of_a_million() -> anyhow::Result<()> {
    let db = Db::new().await?;
    create(&db, "").await?;
    // A third done, some for later, some urgent, some with a key; of two jobs, one after the other in every index.
    db.owner
        .batch_execute(&format!(
            "select baton.create_job('another');
             with added as (
               insert into baton.items (job, key, data, priority, status, ended_at)
               select case when n % 2 = 0 then '{JOB}' else 'another' end, case when n % 5 = 0 then 'k' || n end, '{{}}', case when n % 100 = 0 then -1 else 0 end,
                      case when n % 3 = 0 then 'completed' else 'waiting' end, case when n % 3 = 0 then now() end
               from generate_series(1, 1000000) n
               returning id, job, priority, status
             )
             insert into baton.ready_items (job, priority, rank, run_at, item_id)
             select a.job, a.priority, row_number() over (), case when row_number() over () % 4 = 0 then now() + interval '1 day' end, a.id
             from added a where a.status = 'waiting'"
        ))
        .await?;
    for analyzed in [false, true] {
        if analyzed {
            db.owner
                .batch_execute(
                    "analyze baton.items, baton.ready_items, baton.item_keys, baton.attempts",
                )
                .await?;
        }
        for (batch_size, most) in [(1, 300), (100, 5_000)] {
            db.configure_job(JOB, json!({ "batch_size": batch_size }))
                .await?;
            let pages = pages_of_a_turn(&db).await?;
            assert!(
                pages < most,
                "a turn of {batch_size} touches {pages} pages (analyzed: {analyzed})"
            );
        }
        let pages = pages_of(&db, "select baton_api.due_work(10)").await?;
        assert!(pages < 500, "due_work touches {pages} pages");
        let pages = pages_of(&db, "select baton_api.prune_items(100, now())").await?;
        assert!(pages < 500, "pruning touches {pages} pages");
    }
    Ok(())
}

/// A transaction that can still see them keeps dead rows and index entries from being removed; claims begin behind them.
#[tokio::test]
async fn a_pinned_snapshot_does_not_slow_claims_of_items_down() -> anyhow::Result<()> {
    let db = Db::new().await?;
    create(&db, "batch_size => 1").await?;
    enqueue(&db, 15_000).await?;
    // As if they had come over a while.
    db.owner
        .batch_execute("update baton.ready_items r set rank = r.rank - 20000000 + o.n * 1000 from (select item_id, row_number() over (order by rank) as n from baton.ready_items) o where o.item_id = r.item_id;
                        select baton_api.lower_marks(j) from baton.jobs j where j.name = 'invoice-export'")
        .await?;
    let worker = db.worker().await?;
    let pin = db.session().await?;
    pin.batch_execute("begin isolation level repeatable read; select 1")
        .await?;
    let turns = async |batch_size: i32, turns: i32| {
        db.configure_job(JOB, json!({ "batch_size": batch_size }))
            .await?;
        for _ in 0..turns {
            let (attempt, items) = take(&worker).await?;
            let ids = items.iter().map(|it| it.id);
            settle_items(&worker, attempt, ids, ItemEnding::Done, false).await?;
        }
        anyhow::Ok(())
    };
    turns(1, 30).await?;
    let before = pages_of_a_turn(&db).await?;
    turns(50, 200).await?;
    turns(1, 1).await?;
    let after = pages_of_a_turn(&db).await?;
    assert!(
        after < 2 * before + 100,
        "a turn touched {before} pages at first, and {after} after 10,000 items"
    );
    Ok(())
}

async fn pages_of(db: &Db, statement: &str) -> anyhow::Result<i64> {
    let session = db.session().await?;
    let mut pages = 0;
    // The first turns of a session read the catalogues, too.
    for _ in 0..3 {
        pages = pages_of_one(&session, statement).await?;
    }
    Ok(pages)
}

/// How many pages a claim of items and its settlement touch.
async fn pages_of_a_turn(db: &Db) -> anyhow::Result<i64> {
    pages_of_claim_and_settlement(
        db,
        &format!("baton_api.claim_items('{JOB}', 'next', 'test')"),
        "baton_api.settle_items((claim->>'attempt_id')::uuid,
           (select jsonb_agg(jsonb_build_object('id', c->'id', 'outcome', 'done')) from jsonb_array_elements(claim->'items') c), false)",
    )
    .await
}
