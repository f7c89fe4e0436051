use baton::{Answer, Config, Error};
use contract::{ClaimAutoSyncJobs, RunRequest};

/// Claim → send → settle: queued jobs that are due, and a batch of messages.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let claim = ClaimAutoSyncJobs {
        trigger: asked.trigger,
        worker: baton::worker("auto-sync-jobs"),
    };
    dispatch::run(&config, claim).await
}
