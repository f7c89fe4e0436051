use contract::{ClaimReminders, RunRequest};
use guest::{Answer, Config, Error};

/// Claim → send → settle: a batch of reminders.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let claim = ClaimReminders {
        trigger: asked.trigger,
        worker: guest::worker("follow-up-reminders"),
    };
    dispatch::run(&config, claim).await
}
