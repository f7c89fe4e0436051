mod items;
mod messages;

use process_chunks::calls::Ending;
use serde_json::json;

use crate::support::db::Db;
use crate::support::settling::{complete, take};

/// One index per way of being due, and no sort, at a million contacts of which a few hundred are due.
#[tokio::test]
async fn the_claim_reads_the_due_indexes_at_a_million_contacts() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "insert into contacts (email, email_validation_status, external_heartbeat_checked_at, email_validation_retry_at)
             select 'user' || g || '@d.test', case when g % 3 = 0 then 'unknown' else 'deliverable' end, now(), now() + interval '1 day'
             from generate_series(1, 1000000) g;
             insert into contacts (email) select 'new' || g || '@d.test' from generate_series(1, 300) g;
             analyze contacts",
        )
        .await?;
    db.owner
        .batch_execute("prepare claim(timestamptz, uuid, bigint) as select * from baton_api.due_contacts($1, $1 - interval '30 days', $2, $3)")
        .await?;
    // A claim's plan is made for its values at first, and for any values later; both must do.
    for (mode, limit) in [
        ("force_custom_plan", 50),
        ("force_custom_plan", 1000),
        ("force_generic_plan", 50),
        ("force_generic_plan", 1000),
    ] {
        db.owner
            .batch_execute(&format!("set plan_cache_mode = {mode}"))
            .await?;
        let query = format!(
            "explain (analyze, buffers, format json) execute claim(now(), '00000000-0000-0000-0000-000000000001', {limit})"
        );
        let rows = db.owner.simple_query(&query).await?;
        let json: String = rows
            .iter()
            .filter_map(|it| match it {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            })
            .collect();
        let plan: serde_json::Value = serde_json::from_str(&json)?;
        let text = plan.to_string();
        for index in [
            "contacts_never_validated_idx",
            "contacts_unknown_idx",
            "contacts_validated_idx",
        ] {
            assert!(text.contains(index), "{index} is not used: {plan:#}");
        }
        assert!(
            !text.contains("Seq Scan") && !text.contains("\"Sort\""),
            "{plan:#}"
        );
        let blocks = plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap_or(0)
            + plan[0]["Plan"]["Shared Read Blocks"].as_i64().unwrap_or(0);
        assert!(blocks < 1000, "a claim reads {blocks} blocks");
    }
    Ok(())
}

/// Whatever the statistics know, a claim and a settlement touch a few pages of a million chunks.
#[tokio::test]
async fn claims_and_settlements_of_chunks_read_a_few_pages_of_a_million() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("narrow", 1).await?;
    db.owner
        .batch_execute("update item_groups set max_parallel = 1")
        .await?;
    let worker = db.worker().await?;
    take(&worker).await?;
    db.add_sync("big", 1).await?;
    // Half of them done, some waiting for a retry, the rest new; one of another source whose calls are all out in front.
    db.superuser()
        .await?
        .batch_execute(
            "set session_replication_role = replica;
             with big as materialized (
               select baton.ordered_id() as id, j.id as group_id, n from sync_jobs j, generate_series(1, 1000000) n where source = 'big'
             ), added as (
               insert into baton.items (id, job, group_id, data, status, ended_at)
               select b.id, 'process-chunks', b.group_id, '{\"do\": \"noop\"}', case when n < 500000 then 'completed' else 'waiting' end,
                      case when n < 500000 then now() end
               from big b
             )
             insert into baton.ready_items (job, priority, rank, run_at, item_id, group_id)
             select 'process-chunks', 0, n * 1000, case when n % 10 = 0 then now() + interval '1 day' end, b.id, b.group_id from big b where n >= 500000;
             select setval('baton.rank_mark_123456790', 500000000)",
        )
        .await?;
    for analyzed in [false, true] {
        if analyzed {
            db.owner
                .batch_execute(
                    "analyze baton.items, baton.ready_items, baton.item_groups, baton.attempts",
                )
                .await?;
        }
        for (batch_size, most) in [(1, 400), (100, 10_000)] {
            db.configure_job("process-chunks", json!({ "batch_size": batch_size }))
                .await?;
            let blocks = pages_of_a_turn(&db).await?;
            assert!(
                blocks < most,
                "a turn of {batch_size} touches {blocks} pages (analyzed: {analyzed})"
            );
        }
    }
    // With its only call out, the first source is passed by, however much of it stands in front.
    db.owner
        .batch_execute("update item_groups set max_parallel = 8 where id = (select id from sync_jobs where source = 'big');
                        insert into ready_items (job, priority, rank, item_id, group_id)
                        select 'process-chunks', 0, 500000000 + n, baton.ordered_id(), id from sync_jobs, generate_series(1, 999) n where source = 'narrow'")
        .await?;
    db.configure_job("process-chunks", json!({ "batch_size": 1 }))
        .await?;
    let blocks = pages_of_a_turn(&db).await?;
    assert!(blocks < 600, "passing by touches {blocks} pages");
    Ok(())
}

/// A transaction that can still see them keeps dead rows and index entries from being removed; claims begin behind them.
#[tokio::test]
async fn a_pinned_snapshot_does_not_slow_claims_down() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("trial", 20_000).await?;
    let worker = db.worker().await?;
    let pin = db.session().await?;
    pin.batch_execute("begin isolation level repeatable read; select 1")
        .await?;
    db.configure_job("process-chunks", json!({ "batch_size": 1 }))
        .await?;
    for _ in 0..30 {
        let (attempt, ids) = take(&worker).await?;
        complete(&worker, attempt, &ids, Ending::Completed).await?;
    }
    let before = pages_of_a_turn(&db).await?;
    db.configure_job("process-chunks", json!({ "batch_size": 50 }))
        .await?;
    for _ in 0..200 {
        let (attempt, ids) = take(&worker).await?;
        complete(&worker, attempt, &ids, Ending::Completed).await?;
    }
    db.configure_job("process-chunks", json!({ "batch_size": 1 }))
        .await?;
    let after = pages_of_a_turn(&db).await?;
    assert!(
        after < 2 * before + 100,
        "a turn touched {before} pages at first, and {after} after 10,000 chunks"
    );
    Ok(())
}

/// How many pages a claim of chunks and its settlement touch.
async fn pages_of_a_turn(db: &Db) -> anyhow::Result<i64> {
    pages_of_claim_and_settlement(
        db,
        "baton_api.claim_next_chunk_job_safe('next', 'test')",
        "baton_api.complete_chunk_job_safe((claim->>'attempt_id')::uuid,
           (select jsonb_agg(jsonb_build_object('id', c->'id', 'outcome', 'completed')) from jsonb_array_elements(claim->'chunks') c))",
    )
    .await
}

/// How many pages these two touch, taken back afterwards; the settlement reads the answer of the claim from `claim`.
async fn pages_of_claim_and_settlement(
    db: &Db,
    claim: &str,
    settlement: &str,
) -> anyhow::Result<i64> {
    let session = db.worker().await?;
    session
        .batch_execute("create temporary table turn (claim jsonb)")
        .await?;
    let mut pages = 0;
    // The first turns of a session read the catalogues, too.
    for _ in 0..3 {
        session.batch_execute("begin; truncate turn").await?;
        pages = 0;
        for statement in [
            format!("insert into turn select {claim}"),
            format!("select {settlement} from turn"),
        ] {
            pages += pages_of_one(&session, &statement).await?;
        }
        let claimed = "select count(*) from turn where claim->>'status' = 'claimed'";
        let claimed: i64 = session.query_one(claimed, &[]).await?.get(0);
        anyhow::ensure!(claimed == 1, "there was something to claim");
        session.batch_execute("rollback").await?;
    }
    Ok(pages)
}

async fn pages_of_one(session: &tokio_postgres::Client, statement: &str) -> anyhow::Result<i64> {
    let explain = format!("explain (analyze, buffers, format json) {statement}");
    let plan: serde_json::Value = session.query_one(&explain, &[]).await?.get(0);
    let plan = &plan[0]["Plan"];
    Ok(plan["Shared Hit Blocks"].as_i64().unwrap_or(0)
        + plan["Shared Read Blocks"].as_i64().unwrap_or(0))
}
