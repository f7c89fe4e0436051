use baton::contract::RunRequest;
use baton::{Answer, Config, Error};

use crate::calls::ClaimAutoSyncJobs;

/// Claim → send → settle: queued jobs that are due, and a batch of messages.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let claim = ClaimAutoSyncJobs {
        trigger: asked.trigger,
        worker: baton::worker("auto-sync-jobs"),
    };
    sender::run(&config, asked.trigger, claim).await
}
