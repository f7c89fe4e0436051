use std::time::Duration;

use anyhow::Result;
use baton::contract::scheduler::{DueJob, DueState};
use driver::http::Http;
use serde::Deserialize;
use serde_json::{Value, json};
use stack::context::Context;
use terminal::{advice, output};

use crate::{board, deployment};

/// A tick works for 25 s at most, and hosts cut requests off at 30 s.
const DEADLINE: Duration = baton::budget::CALLER;

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
pub(crate) async fn run(args: deployment::Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let Some(url) = args.url(&home) else {
        return Err(advice::error(
            "no host is running for this folder",
            "start one with `baton up`, or say where the deployment answers with --url",
        ));
    };
    let key = args.key(&home)?;
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
        502 if answer["status"] == "unreachable" => {
            context.output.result(&answer, || text(&answer))?;
            Err(unreachable(&answer))
        }
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

fn unreachable(answer: &Value) -> anyhow::Error {
    let jobs = answer["unreachable"].as_array().into_iter().flatten();
    let jobs = jobs.map(|it| {
        let field = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
        format!(
            "{} at {} ({})",
            field("job"),
            field("url"),
            field("message")
        )
    });
    advice::error(
        format!(
            "the scheduler cannot reach {}",
            jobs.collect::<Vec<_>>().join(", ")
        ),
        "set the variable components_url to where the components answer; `*` in it stands for a component's name",
    )
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
        "unreachable" => "Not everything that was due is done.".to_owned(),
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
        DueState::Broken => "broken",
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
