use serde_json::json;

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::settling::items::{JOB, retry, settle_items, take};

#[tokio::test]
async fn a_job_of_ones_own_is_made_filled_looked_at_and_removed() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    let made = home
        .shown(&db, &["job", "create", JOB, "--max-attempts", "1"])
        .await?;
    assert_eq!(
        (&made["kind"], &made["max_attempts"]),
        (&json!("queue"), &json!(1))
    );
    let data = r#"{"number": "R-17"}"#;
    let added = home
        .shown(&db, &["enqueue", JOB, data, "--key", "R-17"])
        .await?;
    home.shown(
        &db,
        &["enqueue", JOB, "--run-at", "tomorrow", "--priority", "-3"],
    )
    .await?;
    let file = home.path().join("items.jsonl");
    std::fs::write(
        &file,
        "{\"key\": \"R-17\"}\n\n{\"data\": {\"number\": \"R-18\"}}\n",
    )?;
    let many = ["enqueue", JOB, "--many", file.to_str().unwrap_or_default()];
    let counted = home.shown(&db, &many).await?;
    assert_eq!(
        (&counted["given"], &counted["added"]),
        (&json!(2), &json!(1))
    );

    let worker = db.worker().await?;
    let (attempt, items) = take(&worker).await?;
    let statuses = async || {
        let listed = home.shown(&db, &["items", "--job", JOB]).await?;
        let items = listed["items"].as_array().cloned().unwrap_or_default();
        let mut statuses: Vec<_> = items
            .iter()
            .filter_map(|it| it["status"].as_str().map(str::to_owned))
            .collect();
        statuses.sort();
        anyhow::Ok(statuses)
    };
    assert_eq!(statuses().await?, ["delayed", "processing", "processing"]);
    let ids = items.iter().map(|it| it.id);
    settle_items(&worker, attempt, ids, retry(), false).await?;
    assert_eq!(statuses().await?, ["delayed", "failed", "failed"]);
    let failed = home.shown(&db, &["items", "--status", "failed"]).await?;
    assert_eq!(failed["queues"][0]["failed"], 2);
    assert_eq!(failed["items"].as_array().map(Vec::len), Some(2));

    let item = added["item"].as_str().unwrap_or_default();
    let one = home.shown(&db, &["items", "show", item]).await?;
    assert_eq!(one["item"]["data"]["number"], "R-17");
    assert_eq!(one["tries"][0]["error"], "it went wrong");
    assert_eq!(
        home.shown(&db, &["items", "retry", JOB, item]).await?["retried"],
        1
    );
    assert_eq!(
        home.shown(&db, &["items", "cancel", JOB, item]).await?["cancelled"],
        true
    );
    assert_eq!(
        home.shown(&db, &["items", "drop", JOB]).await?["dropped"],
        1
    );

    let refused = home.run(&db, &["job", "drop", JOB]).await?;
    assert!(
        refused.0 != 0 && refused.2.contains("--discard"),
        "{refused:?}"
    );
    home.shown(&db, &["job", "drop", JOB, "--discard"]).await?;
    let gone = home.run(&db, &["enqueue", JOB]).await?;
    assert!(gone.0 != 0 && gone.2.contains("baton status"), "{gone:?}");
    Ok(())
}

/// A line that is wrong adds none of the file.
#[tokio::test]
async fn a_file_of_items_is_added_whole_or_not_at_all() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    home.shown(&db, &["job", "create", JOB]).await?;
    let file = home.path().join("items.jsonl");
    for (lines, about) in [
        ("{}\n{\"data\": 1\n", "line 2"),
        ("{}\n[1]\n", "line 2"),
        ("{}\n{\"run_at\": \"infinity\"}\n", "run_at"),
    ] {
        std::fs::write(&file, lines)?;
        let many = ["enqueue", JOB, "--many", file.to_str().unwrap_or_default()];
        let (code, _, err) = home.run(&db, &many).await?;
        assert!(code != 0 && err.contains(about), "{err}");
        assert_eq!(db.count("select count(*) from baton.items").await?, 0);
    }
    Ok(())
}
