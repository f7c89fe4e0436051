use baton::contract::RunRequest;
use baton::{Answer, Config, Error};

use crate::calls::ClaimReminders;

/// Claim → send → settle: a batch of reminders.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let claim = ClaimReminders {
        trigger: asked.trigger,
        worker: baton::worker("follow-up-reminders"),
    };
    sender::run(&config, asked.trigger, claim).await
}
