use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use contract::{DueJob, DueState};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::context::{Context, secret_variable};
use crate::{advice, board, http::Http, key::Key, output, running::Announcement, secret};

/// A tick works for 25 s at most, and hosts cut requests off at 30 s.
const DEADLINE: Duration = Duration::from_secs(40);

/// What `tick` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the host listens; by default the one that `baton up` has started here.
    #[arg(long, env = "BATON_URL", value_name = "URL")]
    url: Option<String>,
    /// File with the service key, which is otherwise taken from BATON_SERVICE_KEY, else from .baton/.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// The answer of the scheduler.
#[derive(Debug, Deserialize)]
struct Summary {
    status: String,
    runs: Vec<Run>,
    jobs: Option<Vec<DueJob>>,
}

/// A call that the scheduler made.
#[derive(Debug, Deserialize)]
struct Run {
    job: String,
    http_status: u16,
    answer: Value,
}

/// Posts one tick and shows what came of it.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let announced = match &args.url {
        Some(_) => None,
        None => Announcement::read(&context.home()?),
    };
    let Some(url) = args.url.clone().or(announced.map(|it| it.url)) else {
        return Err(advice::error(
            "no host is running here",
            "start one with `baton up`, or say where it is with --url",
        ));
    };
    let keys = match (&args.key_file, secret_variable("BATON_SERVICE_KEY")) {
        (Some(file), _) => secret::read_from(file)?,
        (None, Some(keys)) => keys,
        (None, None) => secret::read_from(&Key::Service.file(&context.home()?)?)?,
    };
    let key = Key::Service.first(&keys);
    let posting = async {
        Http::new(&url, Some(&key))
            .post("/tick", &json!({}), DEADLINE)
            .await
            .map_err(advice::with(
                format!("asking {url}"),
                "check that the host is running there, and --url",
            ))
    };
    let (status, answer) = context.interrupt.guard(posting).await?;
    match status {
        200 => context.output.result(&answer, || text(&answer)),
        401 => Err(advice::error(
            format!("{url} does not accept the service key"),
            "give the key of that host with --key-file",
        )),
        _ => {
            let message = answer["message"].as_str().unwrap_or("no explanation");
            Err(advice::error(
                format!("{url} answered {status}: {message}"),
                "look at the logs of the host",
            ))
        }
    }
}

fn text(answer: &Value) -> String {
    let Ok(summary) = Summary::deserialize(answer) else {
        return answer.to_string();
    };
    let mut parts = Vec::new();
    if !summary.runs.is_empty() {
        let rows = summary.runs.iter().map(|it| {
            let field = |name: &str| {
                it.answer[name]
                    .as_u64()
                    .map(output::count)
                    .unwrap_or_default()
            };
            let came = it.answer["status"]
                .as_str()
                .or(it.answer["code"].as_str())
                .unwrap_or_default();
            let why = it.answer["reason"]
                .as_str()
                .or(it.answer["message"].as_str())
                .unwrap_or_default();
            [
                it.job.clone(),
                it.http_status.to_string(),
                came.to_owned(),
                why.to_owned(),
                field("claimed"),
                field("settled"),
            ]
        });
        parts.push(output::table(
            ["RUN", "HTTP", "RESULT", "REASON", "CLAIMED", "SETTLED"],
            rows,
        ));
    }
    if let Some(jobs) = &summary.jobs {
        let rows = jobs.iter().map(|it| {
            let state = state(it.state);
            let words = board::in_words(state, it.reason.as_deref());
            [
                it.job.clone(),
                state.to_owned(),
                words,
                it.until.clone().unwrap_or_default(),
            ]
        });
        parts.push(output::table(["JOB", "STATE", "WHY", "UNTIL"], rows));
    }
    parts.push(match summary.status.as_str() {
        "done" => "Everything that was due is done.".to_owned(),
        _ => "The time of this tick is over; the next one goes on.".to_owned(),
    });
    parts.join("\n\n")
}

fn state(state: DueState) -> &'static str {
    match state {
        DueState::Due => "due",
        DueState::Busy => "busy",
        DueState::Paused => "paused",
        DueState::Throttled => "throttled",
        DueState::Idle => "idle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_told_in_words() {
        let answer = json!({
            "status": "done", "calls": 1, "swept": {},
            "runs": [{ "job": "validate-contacts", "http_status": 200, "answer": { "status": "ran", "claimed": 1234, "settled": 1233 } }],
            "jobs": [{ "job": "validate-contacts", "route": "/x", "state": "idle", "slots": 0, "reason": "nothing_due", "until": null }],
        });
        let text = text(&answer);
        for expected in [
            "validate-contacts",
            "ran",
            "1,234",
            "1,233",
            "Nothing is due.",
        ] {
            assert!(text.contains(expected), "{text}");
        }
    }
}
