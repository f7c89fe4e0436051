//! Jobs of the application: how they are made and removed, what is claimed in which order, and what becomes of it.

use std::collections::BTreeSet;

use baton::contract::items::{
    BatchOutcome, CancelItem, DropItems, Item, ItemEnding, ItemOutcome, RetryItems, SettleItems,
    Settled,
};
use baton::contract::native::call;
use baton::contract::scheduler::{DueState, EndDeadAttempts, Prune};
use baton::contract::{Claim, Trigger};
use process_chunks::calls::{ChunkOutcome, Completed, SettleChunks};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::db::Db;
use crate::support::settling::items::{
    JOB, claim_items, create, enqueue, failed, invoices, retry, settle_items, settled, take, wait,
};
use crate::support::settling::{claim_chunks, due_job};

#[tokio::test]
async fn an_item_is_there_when_its_transaction_commits_and_not_otherwise() -> anyhow::Result<()> {
    let (db, worker) = queue("").await?;
    let application = db.session().await?;
    let add = format!("select baton.enqueue('{JOB}', '{{\"n\": 1}}')");
    for (end, state) in [("rollback", DueState::Idle), ("commit", DueState::Due)] {
        application.batch_execute(&format!("begin; {add}")).await?;
        assert_eq!(due_job(&worker, JOB).await?.state, DueState::Idle);
        application.batch_execute(end).await?;
        assert_eq!(due_job(&worker, JOB).await?.state, state, "{end}");
    }
    let (_, items) = take(&worker).await?;
    assert_eq!(
        (items.len(), items[0].attempt, items[0].data["n"].as_i64()),
        (1, 1, Some(1))
    );
    Ok(())
}

#[tokio::test]
async fn of_items_with_one_key_one_waits() -> anyhow::Result<()> {
    let (db, worker) = queue("").await?;
    let add = format!("select baton.enqueue('{JOB}', key => 'R-17')::text");
    let first = db.text(&add).await?;
    assert_eq!(
        db.text(&add).await?,
        first,
        "the one that waits is answered"
    );
    let (attempt, items) = take(&worker).await?;
    assert_eq!(db.text(&add).await?, first, "and the one under way");
    settle_items(&worker, attempt, ids(&items), ItemEnding::Done, false).await?;
    assert_ne!(
        db.text(&add).await?,
        first,
        "one that is done leaves the key"
    );
    let many = format!(
        "select baton.enqueue_many('{JOB}', '[{{\"key\": \"R-17\"}}, {{\"key\": \"R-18\"}}, {{\"key\": \"R-18\"}}, {{}}]')::text"
    );
    assert_eq!(db.text(&many).await?.as_deref(), Some("2"));
    assert!(
        db.text(&format!("select baton.cancel('{JOB}', 'R-18')::text"))
            .await?
            .as_deref()
            == Some("true")
    );
    assert_eq!(db.text(&many).await?.as_deref(), Some("2"));
    Ok(())
}

#[tokio::test]
async fn the_order_is_urgent_then_waited_then_usual_then_the_rest() -> anyhow::Result<()> {
    let (db, worker) = queue("batch_size => 10").await?;
    let add = format!(
        "select baton.enqueue('{JOB}', jsonb_build_object('n', n), run_at => at, priority => p) from (values
           (1, null, 5), (2, null, 0), (3, null, -1), (4, null, -2), (5, baton.clock() + interval '1 minute', 0),
           (6, baton.clock() - interval '1 minute', 0), (7, baton.clock() + interval '1 hour', -5)) v(n, at, p)"
    );
    db.owner.batch_execute(&add).await?;
    let until = due_job(&worker, JOB).await?;
    assert_eq!(until.state, DueState::Due);
    db.advance("2 minutes").await?;
    let (attempt, items) = take(&worker).await?;
    let mut order: Vec<_> = items
        .iter()
        .filter_map(|it| it.data["n"].as_i64())
        .collect();
    assert_eq!(order.len(), 6);
    order.truncate(2);
    assert_eq!(order, [4, 3]);
    settle_items(&worker, attempt, ids(&items), ItemEnding::Done, false).await?;
    assert_eq!(due_job(&worker, JOB).await?.state, DueState::Idle);
    // One by one, as a batch of one takes them.
    create(&db, "batch_size => 1").await?;
    db.owner.batch_execute(&add).await?;
    db.advance("2 minutes").await?;
    let mut order = Vec::new();
    while let Claim::Claimed(it) = claim_items(&worker, Trigger::Manual).await? {
        order.extend(it.items[0].data["n"].as_i64());
        settle_items(
            &worker,
            it.attempt_id,
            ids(&it.items),
            ItemEnding::Done,
            false,
        )
        .await?;
    }
    assert_eq!(order, [4, 3, 5, 2, 6, 1]);
    Ok(())
}

#[tokio::test]
async fn a_failure_is_tried_again_after_a_backoff_until_it_is_a_dead_letter() -> anyhow::Result<()>
{
    let (db, worker) = queue("max_attempts => 3").await?;
    enqueue(&db, 1).await?;
    for (attempt, most) in [(1, "4 seconds"), (2, "8 seconds")] {
        let (id, items) = take(&worker).await?;
        assert_eq!(items[0].attempt, attempt);
        let answer = settled(&worker, id, ids(&items), retry(), false).await?;
        assert_eq!((answer.retried, answer.again), (1, false));
        assert!(answer.again_in.is_some_and(|it| it > 0.0), "{answer:?}");
        let waits = format!(
            "select (run_at > baton.clock() and run_at <= baton.clock() + interval '{most}')::text from baton_board.items"
        );
        assert_eq!(db.text(&waits).await?.as_deref(), Some("true"));
        db.advance(most).await?;
    }
    let (attempt, items) = take(&worker).await?;
    settle_items(&worker, attempt, ids(&items), retry(), false).await?;
    let dead = "select concat_ws(' ', job, attempts, error) from baton_board.failed_items";
    assert_eq!(
        db.text(dead).await?.as_deref(),
        Some("invoice-export 3 it went wrong")
    );
    let tries = "select outcome from baton_board.item_tries order by ended_at";
    assert_eq!(db.list(tries, &[]).await?, ["retried", "retried", "failed"]);
    let retry = RetryItems {
        job: JOB.to_owned(),
        item_id: None,
        who: "test".to_owned(),
    };
    assert_eq!(call(&db.owner, retry).await?["retried"], 1);
    let (attempt, items) = take(&worker).await?;
    assert_eq!(items[0].attempt, 1, "with all its tries");
    settle_items(&worker, attempt, ids(&items), failed(), false).await?;
    let drop = DropItems {
        job: JOB.to_owned(),
        item_id: Some(items[0].id),
        who: "test".to_owned(),
    };
    assert_eq!(call(&db.owner, drop).await?["dropped"], 1);
    assert_eq!(db.text(dead).await?, None);
    Ok(())
}

#[tokio::test]
async fn who_asks_for_patience_gets_it_and_no_try_is_counted() -> anyhow::Result<()> {
    let (db, worker) = queue("batch_size => 1").await?;
    enqueue(&db, 2).await?;
    let (attempt, items) = take(&worker).await?;
    settle_items(&worker, attempt, ids(&items), wait(), false).await?;
    let Claim::Skipped { reason, .. } = claim_items(&worker, Trigger::Manual).await? else {
        panic!("the other one waits, too")
    };
    assert_eq!(reason, "provider_throttled");
    db.advance("61 seconds").await?;
    let (attempt, again) = take(&worker).await?;
    assert_eq!((again[0].id, again[0].attempt), (items[0].id, 1));
    // Not for ever: after a day its tries count.
    db.advance("1 day").await?;
    db.owner
        .batch_execute("update baton.attempts set leased_until = baton.clock() + interval '1 second' where finished_at is null")
        .await?;
    settle_items(&worker, attempt, ids(&again), wait(), false).await?;
    assert_eq!(
        db.count("select max(attempts)::bigint from baton.items")
            .await?,
        1
    );
    Ok(())
}

#[tokio::test]
async fn the_next_batch_comes_with_the_settlement() -> anyhow::Result<()> {
    let (db, worker) = queue("batch_size => 2").await?;
    enqueue(&db, 5).await?;
    let (mut attempt, mut items) = take(&worker).await?;
    let mut seen = BTreeSet::new();
    loop {
        seen.extend(ids(&items));
        let answer = settled(&worker, attempt, ids(&items), ItemEnding::Done, true).await?;
        let Some(Claim::Claimed(next)) = answer.next else {
            assert!(!answer.again);
            break;
        };
        (attempt, items) = (next.attempt_id, next.items);
    }
    assert_eq!(seen.len(), 5);
    let turns = "select sum(a.turns) * 10 + count(*) from baton.attempts a";
    assert_eq!(db.count(turns).await?, 31);
    Ok(())
}

/// Whatever the claim in the same transaction comes to: here it is declined, and a decline does not wait for the disk.
#[tokio::test]
async fn a_settlement_is_on_disk_although_the_claim_after_it_is_declined() -> anyhow::Result<()> {
    let (db, worker) = queue("batch_size => 1").await?;
    enqueue(&db, 2).await?;
    let (attempt, items) = take(&worker).await?;
    db.owner
        .batch_execute(&format!(
            "select baton_api.pause_job('{JOB}', 'test', null)"
        ))
        .await?;
    worker.batch_execute("begin").await?;
    let answer = settled(&worker, attempt, ids(&items), ItemEnding::Done, true).await?;
    assert!(answer.again && answer.next.is_none(), "{answer:?}");
    let row = worker
        .query_one("select current_setting('synchronous_commit')", &[])
        .await?;
    assert_eq!(row.get::<_, String>(0), "on");
    worker.batch_execute("commit").await?;
    Ok(())
}

#[tokio::test]
async fn an_item_that_is_cancelled_is_not_done_and_one_under_way_is_not_cancelled()
-> anyhow::Result<()> {
    let (db, worker) = queue("batch_size => 1").await?;
    enqueue(&db, 2).await?;
    let (attempt, items) = take(&worker).await?;
    let cancel = async |item_id| {
        let cancel = CancelItem {
            job: JOB.to_owned(),
            item_id,
            who: "test".to_owned(),
        };
        anyhow::Ok(call(&db.owner, cancel).await?)
    };
    assert_eq!(cancel(items[0].id).await?["reason"], "under_way");
    let other: Uuid = db
        .owner
        .query_one(
            "select id from baton_board.items where status = 'ready'",
            &[],
        )
        .await?
        .get(0);
    assert_eq!(cancel(other).await?["cancelled"], true);
    assert_eq!(cancel(other).await?["reason"], "cancelled");
    settle_items(&worker, attempt, ids(&items), ItemEnding::Done, true).await?;
    assert_eq!(due_job(&worker, JOB).await?.state, DueState::Idle);
    let wrong = cancel(Uuid::nil()).await.unwrap_err().to_string();
    assert!(
        wrong.contains("db error") || wrong.contains("has no item"),
        "{wrong}"
    );
    Ok(())
}

#[tokio::test]
async fn no_more_calls_are_open_than_the_job_allows() -> anyhow::Result<()> {
    let (db, worker) = queue("batch_size => 1, max_parallel => 3").await?;
    enqueue(&db, 9).await?;
    let mut workers = Vec::new();
    for _ in 0..9 {
        workers.push(db.worker().await?);
    }
    let claims = workers.iter().map(|it| claim_items(it, Trigger::Manual));
    let claims = futures::future::try_join_all(claims).await?;
    let claimed = claims
        .iter()
        .filter(|it| matches!(it, Claim::Claimed(_)))
        .count();
    assert_eq!(claimed, 3);
    assert_eq!(due_job(&worker, JOB).await?.state, DueState::Busy);
    let seats = "insert into baton.attempts (job, seat, trigger, worker, item_ids, n_items, claimed_at, leased_until)
                 select job, seat, trigger, worker, '{}', 0, claimed_at, leased_until from baton.attempts limit 1";
    let twice = db.owner.batch_execute(seats).await.unwrap_err();
    assert_eq!(
        twice.as_db_error().and_then(|it| it.constraint()),
        Some("attempts_one_open_per_seat_idx")
    );
    Ok(())
}

#[tokio::test]
async fn a_row_is_done_once_and_comes_again_when_the_function_says_it_is_not() -> anyhow::Result<()>
{
    let (db, worker) = rows().await?;
    let (attempt, items) = take(&worker).await?;
    assert_eq!(items.len(), 3);
    assert_eq!(items[0].key.as_deref(), Some("1"));
    db.owner
        .batch_execute("alter table app.invoices add check (id <> 2 or exported_at is null)")
        .await?;
    let answer = settled(&worker, attempt, ids(&items), ItemEnding::Done, false).await?;
    assert_eq!((answer.completed, answer.retried), (2, 1));
    let error = "select error from baton_board.items where key = '2'";
    assert!(
        db.text(error)
            .await?
            .unwrap_or_default()
            .contains("violates check constraint")
    );
    // A row that the function leaves due rests before it comes again.
    db.owner
        .batch_execute("update app.invoices set exported_at = null where id = 1")
        .await?;
    assert!(matches!(
        claim_items(&worker, Trigger::Manual).await?,
        Claim::Idle { .. }
    ));
    db.advance("61 seconds").await?;
    let (_, items) = take(&worker).await?;
    let keys: BTreeSet<_> = items.into_iter().filter_map(|it| it.key).collect();
    assert_eq!(keys, BTreeSet::from(["1".to_owned(), "2".to_owned()]));
    Ok(())
}

#[tokio::test]
async fn a_row_that_fails_for_good_is_told_and_waits_for_an_operator() -> anyhow::Result<()> {
    let (db, worker) = rows().await?;
    let (attempt, items) = take(&worker).await?;
    settle_items(&worker, attempt, ids(&items), failed(), false).await?;
    assert_eq!(
        db.count("select count(*) from app.invoices where trouble = 'it went wrong'")
            .await?,
        3
    );
    db.owner
        .batch_execute("update app.invoices set trouble = null")
        .await?;
    db.advance("2 hours").await?;
    assert!(matches!(
        claim_items(&worker, Trigger::Manual).await?,
        Claim::Idle { .. }
    ));
    let retry = RetryItems {
        job: JOB.to_owned(),
        item_id: None,
        who: "test".to_owned(),
    };
    assert_eq!(call(&db.owner, retry).await?["retried"], 3);
    assert_eq!(take(&worker).await?.1.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_row_that_cannot_be_an_item_stops_no_other() -> anyhow::Result<()> {
    let (db, worker) = rows().await?;
    db.owner
        .batch_execute("update app.invoices set number = repeat('x', 300000) where id = 1")
        .await?;
    let (_, items) = take(&worker).await?;
    assert_eq!(items.len(), 2);
    let error = "select error from baton_board.failed_items where key = '1'";
    assert_eq!(
        db.text(error).await?.as_deref(),
        Some("data is longer than 256 KiB")
    );
    Ok(())
}

#[tokio::test]
async fn a_slot_of_the_schedule_is_one_item() -> anyhow::Result<()> {
    let (db, worker) = queue("").await?;
    db.owner
        .batch_execute(&format!(
            "select baton.set_schedule('{JOB}', '0 */2 * * *');
             insert into baton.slots (job, due_at) values ('{JOB}', baton.clock())"
        ))
        .await?;
    for _ in 0..2 {
        let ended = call(&worker, EndDeadAttempts { limit: 10 }).await?;
        assert!(ended.failed.is_empty(), "{ended:?}");
    }
    let (_, items) = take(&worker).await?;
    assert_eq!(items.len(), 1);
    assert!(items[0].data["due_at"].is_string(), "{items:?}");
    Ok(())
}

#[tokio::test]
async fn items_that_ended_are_deleted_in_time_and_failed_ones_later() -> anyhow::Result<()> {
    let (db, worker) = queue("").await?;
    enqueue(&db, 3).await?;
    let (attempt, items) = take(&worker).await?;
    let (failing, done) = items.split_at(1);
    let outcome = |items: &[Item], ending: ItemEnding| {
        items
            .iter()
            .map(|it| ItemOutcome {
                id: it.id,
                ending: ending.clone(),
            })
            .collect::<Vec<_>>()
    };
    let mut outcomes = outcome(failing, failed());
    outcomes.extend(outcome(done, ItemEnding::Done));
    let settle = SettleItems {
        attempt_id: attempt,
        outcomes: BatchOutcome::Each(outcomes),
        claim_next: false,
    };
    call(&worker, settle).await?;
    enqueue(&db, 1).await?;
    for (after, left) in [("2 days", 4), ("2 days", 2), ("30 days", 1)] {
        db.advance(after).await?;
        for _ in 0..2 {
            let pruned = call(&worker, Prune { limit: 10 }).await?;
            assert!(pruned.failed.is_empty(), "{pruned:?}");
        }
        assert_eq!(
            db.count("select count(*) from baton.items").await?,
            left,
            "{after}"
        );
    }
    Ok(())
}

/// What is malformed is refused by name, and changes nothing.
#[tokio::test]
async fn malformed_arguments_are_refused_by_name() -> anyhow::Result<()> {
    let (db, worker) = queue("").await?;
    enqueue(&db, 1).await?;
    let (attempt, items) = take(&worker).await?;
    let settle =
        |outcomes: &str| format!("select baton_api.settle_items('{attempt}', '{outcomes}', false)");
    let id = items[0].id;
    for (sql, code, about) in [
        (
            "select baton.enqueue('no-such-job')".to_owned(),
            "WK002",
            "no-such-job",
        ),
        (
            "select baton.enqueue('process-chunks')".to_owned(),
            "WK004",
            "process-chunks",
        ),
        (
            format!("select baton.enqueue('{JOB}', run_at => 'infinity')"),
            "WK004",
            "run_at",
        ),
        (
            format!("select baton.enqueue('{JOB}', priority => 40000)"),
            "WK004",
            "priority",
        ),
        (
            format!("select baton.enqueue('{JOB}', key => '')"),
            "WK004",
            "key has from 1 to 200 characters",
        ),
        (
            format!("select baton.enqueue('{JOB}', to_jsonb(repeat('x', 300000)))"),
            "WK004",
            "data is at most 256 KiB",
        ),
        (
            format!("select baton.enqueue_many('{JOB}', '{{}}')"),
            "WK004",
            "array",
        ),
        (
            format!("select baton.enqueue_many('{JOB}', '[1]')"),
            "WK004",
            "array of objects",
        ),
        (
            "select baton.create_job('Invoice Export')".to_owned(),
            "WK004",
            "name",
        ),
        (
            "select baton.create_job('validate-contacts')".to_owned(),
            "WK004",
            "validate-contacts",
        ),
        (
            "select baton.create_job('x', batch_size => 0)".to_owned(),
            "23514",
            "job_batch_size_within_1_and_1000",
        ),
        (
            "select baton.create_job('x', base_url => 'ftp://x')".to_owned(),
            "23514",
            "job_base_url_is_http_without_a_path",
        ),
        (
            "select baton.create_job('x', due => 'pg_class')".to_owned(),
            "WK004",
            "data (jsonb)",
        ),
        (
            "select baton.create_job('x', settled => 'pg_sleep')".to_owned(),
            "WK004",
            "due",
        ),
        (
            "select baton.drop_job('validate-contacts')".to_owned(),
            "WK004",
            "validate-contacts",
        ),
        (
            format!("select baton.drop_job('{JOB}')"),
            "WK004",
            "under way",
        ),
        (settle("{}"), "WK004", "array"),
        (settle(r#"[{"id": "1", "outcome": "done"}]"#), "WK004", "id"),
        (settle(r#"[{"id": 1, "outcome": "done"}]"#), "WK004", "id"),
        (
            settle(&format!(r#"[{{"id": "{id}", "outcome": 1}}]"#)),
            "WK004",
            "done, retry, wait or failed",
        ),
        (
            settle(&format!(r#"[{{"id": "{id}", "outcome": "finished"}}]"#)),
            "WK004",
            "done, retry, wait or failed",
        ),
        (
            settle(&format!(
                r#"[{{"id": "{id}", "outcome": "wait", "seconds": "soon"}}]"#
            )),
            "WK004",
            "seconds",
        ),
        (
            "select baton_api.claim_items('process-chunks', 'manual', 'x')".to_owned(),
            "WK004",
            "process-chunks",
        ),
    ] {
        // What a component calls is called as one: the owner's isolation level may be another.
        let caller = match sql.contains("baton_api.") {
            true => &worker,
            false => &db.owner,
        };
        let error = caller.batch_execute(&sql).await.expect_err(&sql);
        let error = error.as_db_error().expect("the database refuses it");
        assert_eq!(error.code().code(), code, "{sql}: {error}");
        let named = error.message().contains(about) || error.constraint() == Some(about);
        assert!(named, "{sql}: {error}");
    }
    settle_items(&worker, attempt, [id], ItemEnding::Done, false).await?;
    assert_eq!(db.count("select count(*) from baton.items").await?, 1);
    Ok(())
}

/// One job's component can do nothing to another's items.
#[tokio::test]
async fn a_component_works_for_its_own_job_alone() -> anyhow::Result<()> {
    let (db, worker) = queue("").await?;
    db.owner
        .batch_execute("select baton.create_job('other')")
        .await?;
    enqueue(&db, 1).await?;
    let other = db.component("other").await?;
    let refused = async |sql: String| {
        let error = other.batch_execute(&sql).await.unwrap_err();
        error.as_db_error().map(|it| it.code().code().to_owned())
    };
    assert_eq!(
        refused(format!(
            "select baton_api.claim_items('{JOB}', 'manual', 'x')"
        ))
        .await
        .as_deref(),
        Some("42501")
    );
    let (attempt, items) = take(&worker).await?;
    assert_eq!(
        refused(format!(
            "select baton_api.settle_items('{attempt}', '[]', true)"
        ))
        .await
        .as_deref(),
        Some("42501")
    );
    assert_eq!(
        refused("select * from baton.items".to_owned())
            .await
            .as_deref(),
        Some("42501")
    );
    let own = db.component(JOB).await?;
    let answer = settled(&own, attempt, ids(&items), ItemEnding::Done, false).await?;
    assert_eq!(answer.completed, 1);
    Ok(())
}

#[tokio::test]
async fn a_job_is_made_and_removed_while_others_work() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("trial", 3).await?;
    let chunks = db.worker().await?;
    let Claim::Claimed(chunk) = claim_chunks(&chunks, Trigger::Manual).await? else {
        panic!("a chunk is due")
    };
    let before = db.count("select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname like 'baton%'").await?;
    create(&db, "").await?;
    create(&db, "batch_size => 7").await?;
    let batch = "select batch_size::text from baton.jobs where name = 'invoice-export'";
    assert_eq!(db.text(batch).await?.as_deref(), Some("7"));
    let worker = db.worker().await?;
    enqueue(&db, 2).await?;
    let (attempt, items) = take(&worker).await?;
    settle_items(&worker, attempt, ids(&items[..1]), ItemEnding::Done, false).await?;
    let drop = |discard| format!("select baton.drop_job('{JOB}', discard => {discard})");
    let waits = db.owner.batch_execute(&drop(false)).await.unwrap_err();
    assert!(
        waits
            .as_db_error()
            .is_some_and(|it| it.message().contains("wait"))
    );
    db.owner.batch_execute(&drop(true)).await?;
    assert_eq!(
        db.count("select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname like 'baton%'").await?,
        before
    );
    for table in [
        "jobs where name =",
        "items where job =",
        "attempts where job =",
        "component_roles where component =",
    ] {
        let left = format!("select count(*) from baton.{table} '{JOB}'");
        assert_eq!(db.count(&left).await?, 0, "{table}");
    }
    // The one that was at work all the time settles.
    let outcomes = chunk.chunks.iter().map(|it| ChunkOutcome {
        id: it.id,
        ..ChunkOutcome::default()
    });
    let settle = SettleChunks {
        attempt_id: chunk.attempt_id,
        outcomes: BatchOutcome::Each(outcomes.collect()),
        claim_next: false,
        remembers: false,
    };
    let settled = call(&chunks, settle).await?;
    assert!(matches!(
        settled,
        Completed::Settled(Settled { completed: 1, .. })
    ));
    Ok(())
}

#[tokio::test]
async fn numbers_tell_how_far_a_queue_is() -> anyhow::Result<()> {
    let (db, worker) = queue("batch_size => 4").await?;
    enqueue(&db, 10).await?;
    let (attempt, items) = take(&worker).await?;
    settle_items(&worker, attempt, ids(&items), ItemEnding::Done, false).await?;
    take(&worker).await?;
    let sql = format!(
        "select concat_ws(' ', ready, delayed, processing, failed, completed, per_minute, eta - baton.clock()) from baton_board.queue_overview where job = '{JOB}'"
    );
    assert_eq!(
        db.text(&sql).await?.as_deref(),
        Some("2 0 4 0 4 0.4 00:05:00")
    );
    let log = "select concat_ws(' ', job, status, counts->>'claimed', counts->>'completed') from baton_board.execution_log";
    assert_eq!(
        db.text(log).await?.as_deref(),
        Some("invoice-export success 4 4")
    );
    Ok(())
}

async fn queue(settings: &str) -> anyhow::Result<(Db, Client)> {
    let db = Db::new().await?;
    db.freeze().await?;
    create(&db, settings).await?;
    let worker = db.worker().await?;
    Ok((db, worker))
}

async fn rows() -> anyhow::Result<(Db, Client)> {
    let db = Db::new().await?;
    db.freeze().await?;
    invoices(&db, 3).await?;
    create(
        &db,
        "due => 'app.due_invoices', settled => 'app.invoice_settled'",
    )
    .await?;
    let worker = db.worker().await?;
    Ok((db, worker))
}

fn ids(items: &[Item]) -> Vec<Uuid> {
    items.iter().map(|it| it.id).collect()
}
