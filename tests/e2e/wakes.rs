use serde_json::json;

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::until;

#[tokio::test]
async fn new_contacts_wake_their_job_and_each_batch_wakes_the_next() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure(json!({ "rate_per_minute": null, "batch_size": 50 }))
        .await?;
    let home = Home::new()?;
    let up = home.up(&db, &["--dns", "off"]).await?;
    db.add_many_contacts(170).await?;
    until("all are validated, without a tick", async || {
        let left = "select count(*) from contacts where email_validation_status is null";
        Ok((db.count(left).await? == 0).then_some(()))
    })
    .await?;
    assert_eq!(
        db.list("select distinct trigger from baton.attempts", &[])
            .await?,
        ["next", "wake"]
    );
    assert_eq!(
        db.count("select count(*) from baton.attempts where outcome = 'settled'")
            .await?,
        4
    );
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}
