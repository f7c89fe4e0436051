use baton::contract::scheduler::{Readiness, ReadinessReport};
use baton::{Answer, Config, Db, Error};
use serde_json::json;

/// Says whether this deployment does its work, with stable codes and nothing else: anyone may ask.
/// It logs nothing, because strangers would decide how long the log gets.
pub(crate) async fn ask() -> Answer {
    let reasons = match look().await {
        Ok(report) if report.ready => return Answer::ok(json!({ "status": "ready" })),
        Ok(report) => report.reasons,
        Err(Error::Misconfigured(_)) => vec!["misconfigured".to_owned()],
        Err(_) => vec!["database_unreachable".to_owned()],
    };
    Answer::not_ready(json!({ "status": "not_ready", "reasons": reasons }))
}

async fn look() -> Result<ReadinessReport, Error> {
    let config = Config::load().await?;
    Db::once(&config, Readiness {}).await
}
