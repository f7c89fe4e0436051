use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow};
use baton::contract::{RunRequest, Trigger};
use driver::http::Http;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::{Value, json};
use terminal::{advice, output};
use tokio_postgres::Client;

/// The job that validates contacts.
pub(crate) const JOB: &str = "validate-contacts";
/// Its route.
pub(crate) const ROUTE: &str = "/jobs/validate-contacts";
/// Longer than a host lets a request run.
pub(crate) const DEADLINE: Duration = baton::budget::CALLER;
/// How many requests in a row may fail.
const MOST_FAILURES: u32 = 5;
/// How long to wait when the database does not say.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest wait before looking again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Shows a person how far a run is; shows nothing when nobody watches.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn start() -> Self {
        let target = if output::watched() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Names what is being done.
    pub(crate) fn says(&self, what: &'static str) {
        self.0.set_message(what);
    }

    /// Prints a line above the bar.
    pub(crate) fn note(&self, text: &str) {
        self.0.suspend(|| output::note(text));
    }

    /// Shows nothing any more.
    pub(crate) fn ends(&self) {
        self.0.finish_and_clear();
    }

    fn counts_to(&self, total: u64) {
        let style = ProgressStyle::with_template(
            // The words have a width of their own, so that the bar stays where it is.
            "{msg:21} {bar:32} {human_pos}/{human_len}  {rate}  {eta} left",
        );
        let style = style.map(|it| it.with_key("rate", rate));
        self.0
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.0.set_length(total);
        self.0.reset_eta();
    }
}

fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let rate = state.per_sec();
    // A text that cannot be written is not shown.
    let _ = match rate {
        ..10.0 => write!(out, "{rate:.1}/s"),
        _ => write!(out, "{}/s", output::count(rate.round() as u64)),
    };
}

/// Asks the component for batch after batch until the cycle is complete.
pub(super) async fn drive(
    http: &Http,
    client: &Client,
    total: u64,
    progress: &Progress,
    logs: &Path,
) -> Result<()> {
    progress.counts_to(total);
    let body = json!(RunRequest {
        trigger: Trigger::Manual
    });
    let mut failures = 0;
    loop {
        progress.says("validating");
        match http.post(ROUTE, &body, DEADLINE).await {
            Ok((200, answer)) => {
                failures = 0;
                progress.0.inc(answer["settled"].as_u64().unwrap_or(0));
                if answer["again"] == false {
                    return check(client).await;
                }
            }
            Ok((409, answer)) => {
                if answer["reason"] == "throttled" {
                    progress.says("waiting for the limit");
                }
                tokio::time::sleep(pause(client, &answer["until"]).await?).await;
            }
            failed => {
                failures += 1;
                if failures == MOST_FAILURES {
                    let error = match failed {
                        Ok((status, answer)) => anyhow!(
                            "the component answered {status}: {}",
                            answer["message"].as_str().unwrap_or_default()
                        ),
                        Err(error) => error,
                    };
                    let help = format!("look at the logs in {}", logs.display());
                    return Err(advice::with("validating", help)(error));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// How long the last cycle took, in seconds; none without one.
pub(super) async fn seconds(client: &Client) -> Result<Option<f64>> {
    let sql = "select extract(epoch from completed_at - started_at)::float8 from baton_board.validation_sessions order by started_at desc limit 1";
    Ok(client.query_opt(sql, &[]).await?.and_then(|row| row.get(0)))
}

/// How long to wait until the moment that the database names; it has the clock.
async fn pause(client: &Client, until: &Value) -> Result<Duration> {
    let Some(until) = until.as_str() else {
        return Ok(PAUSE);
    };
    let row = client.query_one("select greatest(0, extract(epoch from ($1::text)::timestamptz - baton.clock()))::float8", &[&until]).await?;
    // A little later, so that one more request is enough.
    Ok((Duration::from_secs_f64(row.get(0)) + Duration::from_millis(20)).min(LONGEST_PAUSE))
}

async fn check(client: &Client) -> Result<()> {
    let row = client
        .query_one(
            "select (select count(*) from public.contacts where email_validation_status is null),
                    (select status from baton_board.validation_sessions order by started_at desc limit 1)",
            &[],
        )
        .await?;
    let (left, status): (i64, Option<String>) = (row.get(0), row.get(1));
    if left > 0 || status.as_deref() != Some("completed") {
        return Err(advice::error(
            format!(
                "the cycle ended as {} with {left} addresses left",
                status.unwrap_or_default()
            ),
            "start it again; nothing of this run is kept",
        ));
    }
    Ok(())
}
