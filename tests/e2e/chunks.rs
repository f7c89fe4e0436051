use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::pages::{Pages, RECORDS};
use crate::support::until;

/// How often the host is killed at most.
const KILLS: i64 = 15;
/// With how few chunks left it is not killed any more.
const FEW: i64 = 1500;
/// What PostgreSQL's random numbers begin with, so that they are the same each time.
const SEED: f64 = 0.618;

/// What must hold of every chunk in the end, as queries that count the chunks of which it does not.
const BROKEN: [(&str, &str); 5] = [
    (
        "it is at its end",
        "select count(*) from chunk_processing_queue where status not in ('completed', 'failed')",
    ),
    (
        "it was completed once, and so settled once, or it has failed",
        "select count(*) from chunk_processing_queue q
         where (select count(*) from chunk_attempts a where a.queue_id = q.id and a.outcome = 'completed')
           <> case q.status when 'completed' then 1 else 0 end",
    ),
    (
        "each of its attempts is on record",
        "select count(*) from chunk_processing_queue q
         where q.attempts <> (select count(*) from chunk_attempts a where a.queue_id = q.id)",
    ),
    (
        "its sync job has ended as its chunks have",
        "select count(*) from chunk_processing_queue q join baton.sync_jobs j on j.id = q.parent_sync_job_id
         where j.status <> case when exists (
             select from chunk_processing_queue f where f.parent_sync_job_id = j.id and f.status = 'failed')
           then 'partial_failure' else 'completed' end",
    ),
    (
        "nobody is at work",
        "select count(*) from baton.attempts where finished_at is null",
    ),
];

async fn check_every_chunk(db: &Db, expected: i64) -> anyhow::Result<()> {
    let all = "select count(*) from chunk_processing_queue";
    assert_eq!(db.count(all).await?, expected, "none is lost");
    for (what, sql) in BROKEN {
        assert_eq!(db.count(sql).await?, 0, "not of every chunk: {what}");
    }
    Ok(())
}

async fn unfinished(db: &Db) -> anyhow::Result<i64> {
    db.count(
        "select count(*) from chunk_processing_queue where status in ('pending', 'processing')",
    )
    .await
}

/// `n` lengths of time between the two, in milliseconds, from a generator that begins at [`SEED`].
async fn chances(db: &Db, n: i64, least: i64, most: i64) -> anyhow::Result<Vec<Duration>> {
    let sql = "select ($2::bigint + random() * ($3::bigint - $2::bigint))::bigint from setseed($4), generate_series(1, $1::bigint)";
    let rows = db.owner.query(sql, &[&n, &least, &most, &SEED]).await?;
    let lengths = rows.iter().map(|row| u64::try_from(row.get::<_, i64>(0)));
    Ok(lengths
        .map(|it| it.map(Duration::from_millis))
        .collect::<Result<_, _>>()?)
}

#[tokio::test]
async fn ten_thousand_chunks_survive_random_kills() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure_job(
        "process-chunks",
        json!({ "lease_seconds": 4, "batch_size": 5 }),
    )
    .await?;
    for (source, n) in [
        ("huge", 6000),
        ("large", 3000),
        ("small", 900),
        ("tiny", 100),
    ] {
        db.add_sync(source, n).await?;
    }
    let home = Home::new()?;
    let args = ["--tick-every", "1"];
    let lives = chances(&db, KILLS, 800, 1800).await?;
    let pauses = chances(&db, 1000, 200, 600).await?;
    let hosts = async {
        for life in lives {
            let up = home.up_ticking(&db, &args).await?;
            sleep(life).await;
            up.kill().await?;
            if unfinished(&db).await? < FEW {
                break;
            }
        }
        home.up_ticking(&db, &args).await
    };
    let mut ended = 0;
    let sessions = async {
        for pause in pauses {
            sleep(pause).await;
            let one = "usename like 'baton\\_%\\_process\\_chunks' order by random() limit 1";
            ended += db.end_sessions(one).await?;
        }
        anyhow::bail!("the hosts take too long")
    };
    let up = tokio::select! {
        up = hosts => up?,
        ended = sessions => ended?,
    };
    until("every sync job has ended", async || {
        let active = "select count(*) from baton.sync_jobs where completed_at is null";
        Ok((db.count(active).await? == 0).then_some(()))
    })
    .await?;
    assert_eq!(up.interrupt().await?, Some(130));
    check_every_chunk(&db, 10_000).await?;
    let lost = "select count(*) from chunk_attempts where outcome = 'lost'";
    assert!(
        ended > 0 && db.count(lost).await? > 0,
        "the kills hit something"
    );
    let other = "select count(*) from chunk_processing_queue
                 where status = 'failed' and error_message <> 'the worker died or fell silent'";
    assert_eq!(db.count(other).await?, 0);
    until("nothing is left behind", async || {
        Ok((db.left_behind().await? == 0).then_some(()))
    })
    .await
}

#[tokio::test]
async fn with_every_wake_dropped_ticks_alone_do_everything() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.set_wake("none").await?;
    let sync_job = db.add_sync("large", 1500).await?;
    db.add_sync("small", 499).await?;
    let poison = json!([{ "do": "something unheard of" }]);
    db.owner
        .execute(
            "select baton_api.enqueue_chunks($1, $2)",
            &[&sync_job, &poison],
        )
        .await?;
    let home = Home::new()?;
    let up = home.up(&db, &["--no-wakes"]).await?;
    until("a tick has nothing left to do", async || {
        let (status, answer) = up.post("/tick").await?;
        assert_eq!(status, 200, "{answer}");
        Ok((answer["status"] == "done").then_some(()))
    })
    .await?;
    check_every_chunk(&db, 2000).await?;
    let failed = "select source || ' ' || error_message from baton_board.failed_chunks";
    let failed = db.list(failed, &[]).await?;
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(
        failed[0].starts_with("large the work is not understood"),
        "{failed:?}"
    );
    let triggers = "select distinct trigger from baton.attempts order by 1";
    assert_eq!(db.list(triggers, &[]).await?, ["next", "tick"]);
    assert_eq!(db.left_behind().await?, 0);
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn after_a_hard_kill_chunks_go_on_within_ten_seconds() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let source = Pages::start(1).await?;
    source.hold();
    db.sync_pages("people", &source.url(), Pages::settings())
        .await?;
    let home = Home::new()?;
    let allowed = format!("sync_hosts=http://127.0.0.1:{}", source.port());
    let args = ["--no-wakes", "--variable", &allowed];
    let up = home.up(&db, &args).await?;
    let held = until("the source is asked", async || {
        Ok((source.under_way() == 1).then_some(()))
    });
    tokio::select! {
        answer = up.post("/jobs/process-chunks") => panic!("the source does not answer: {answer:?}"),
        asked = held => asked?,
    }
    up.kill().await?;
    source.release();

    let up = home.up(&db, &args).await?;
    let tick_at = db.text("select clock_timestamp()").await?;
    let (status, answer) = up.post("/tick").await?;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("done")),
        "{answer}"
    );
    let attempts =
        "select concat_ws(' ', number, outcome, error) from chunk_attempts order by number";
    assert_eq!(
        db.list(attempts, &[]).await?,
        ["1 lost the worker died or fell silent", "2 completed"]
    );
    let patient =
        "select ended_at >= started_at + interval '8 seconds' from chunk_attempts where number = 1";
    assert_eq!(
        db.text(patient).await?.as_deref(),
        Some("true"),
        "who may still live is not taken for dead"
    );
    let tick_at = tick_at.unwrap_or_default();
    let soon = format!(
        "select started_at < timestamptz '{tick_at}' + interval '10 seconds' from chunk_attempts where number = 2"
    );
    assert_eq!(
        db.text(&soon).await?.as_deref(),
        Some("true"),
        "the work goes on within 10 s of the first tick"
    );
    assert_eq!(
        db.count("select count(*) from synced_emails").await?,
        RECORDS
    );
    check_every_chunk(&db, 1).await?;
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn chunks_start_without_a_tick_and_each_call_is_followed_by_the_next() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure_job("process-chunks", json!({ "max_parallel": 4 }))
        .await?;
    let home = Home::new()?;
    let up = home.up(&db, &[]).await?;
    let kinds = "select distinct trigger || case when turns > 1 then ', turn by turn' else '' end from baton.attempts order by 1";
    for (source, n, expected) in [
        ("one", 1, &["wake"][..]),
        ("twenty", 20, &["wake", "wake, turn by turn"]),
    ] {
        db.add_sync(source, n).await?;
        until("all are completed, without a tick", async || {
            Ok((unfinished(&db).await? == 0).then_some(()))
        })
        .await?;
        assert_eq!(db.list(kinds, &[]).await?, expected, "{source}");
    }
    check_every_chunk(&db, 21).await?;
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}
