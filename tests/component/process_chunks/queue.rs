use serde_json::json;

use super::{drain, near, outcome};
use crate::support::app::App;
use crate::support::db::Db;

#[tokio::test]
async fn what_nobody_understands_fails_alone_and_at_once() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure_job("process-chunks", json!({ "batch_size": 5 }))
        .await?;
    let sync_job = db.add_sync("trial", 2).await?;
    let work = json!([{ "do": "dance" }, { "do": "noop", "twice": true }, { "do": "noop" }]);
    db.owner
        .execute("select enqueue_chunks($1, $2)", &[&sync_job, &work])
        .await?;
    let app = App::start(&db, near()).await?;
    let runs = drain(&db, &app).await?;
    assert_eq!(
        (runs.len(), &runs[0]["completed"], &runs[0]["failed"]),
        (1, &json!(3), &json!(2)),
        "{runs:?}"
    );
    assert_eq!(outcome(&db, sync_job).await?, "partial_failure 3 2");
    let why = "select error_message from failed_chunks where work->>'do' = 'dance'";
    let why = db.text(why).await?.unwrap_or_default();
    assert!(why.contains("dance"), "{why}");
    Ok(())
}

#[tokio::test]
async fn one_tick_alone_drains_hundreds_of_chunks() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let sync_job = db.add_sync("trial", 300).await?;
    let app = App::start(&db, near()).await?;
    let (status, answer) = app.tick().await?;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("done")),
        "{answer}"
    );
    assert_eq!(outcome(&db, sync_job).await?, "completed 300 0");
    let twice = "select count(*) from (select 1 from chunk_attempts where outcome = 'completed' group by queue_id having count(*) > 1) t";
    assert_eq!((db.count(twice).await?, db.left_behind().await?), (0, 0));
    Ok(())
}
