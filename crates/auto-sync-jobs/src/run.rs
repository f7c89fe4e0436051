use contract::{ClaimAutoSyncJobs, RunRequest};
use dispatch::{Settings, dispatch};
use guest::{Answer, Config, Db, Error};

/// Claim → send → settle: queued jobs that are due, and a batch of messages.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let settings = Settings::load().await?;
    let db = Db::connect(&config).await?;
    let worker = guest::worker("auto-sync-jobs");
    let claim = db
        .call(ClaimAutoSyncJobs {
            trigger: asked.trigger,
            worker,
        })
        .await?;
    match guest::claimed(claim, "again") {
        Ok(attempt) => dispatch(&db, &settings, attempt).await,
        Err(answer) => Ok(answer),
    }
}
