use contract::{ClaimReminders, RunRequest};
use dispatch::{Settings, dispatch};
use guest::{Answer, Config, Db, Error};

/// Claim → send → settle: a batch of reminders.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let settings = Settings::load().await?;
    let db = Db::connect(&config).await?;
    let worker = guest::worker("follow-up-reminders");
    let claim = db
        .call(ClaimReminders {
            trigger: asked.trigger,
            worker,
        })
        .await?;
    match guest::claimed(claim, "again") {
        Ok(attempt) => dispatch(&db, &settings, attempt).await,
        Err(answer) => Ok(answer),
    }
}
