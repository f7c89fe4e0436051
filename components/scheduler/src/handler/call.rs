use std::time::Duration;

use baton::Config;
use baton::contract::scheduler::DueJob;
use baton::contract::{RunAnswer, RunRequest, Trigger};
use serde::Serialize;
use serde_json::{Value, json};

/// Calls of a component one after another, each asked for by the answer before it.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) job: String,
    pub(crate) calls: u32,
    /// Of the last call; 502 when there was no answer.
    pub(crate) http_status: u16,
    /// The last answer that was not `idle`, with the numbers of all.
    pub(crate) answer: Value,
    /// Set when the component could not be reached.
    #[serde(skip)]
    pub(crate) unreachable: Option<Unreachable>,
}

/// A job whose component cannot be reached.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Unreachable {
    pub(crate) job: String,
    pub(crate) url: String,
    pub(crate) message: String,
}

/// Calls a job for as long as its answers ask for another call; `patience` bounds each.
pub(crate) async fn call(
    job: &DueJob,
    config: &Config,
    components_url: &str,
    patience: Duration,
) -> Run {
    let base_url = match &job.base_url {
        Some(base_url) => base_url.clone(),
        None => components_url.replace('*', &job.job),
    };
    let url = format!("{base_url}{}", job.route);
    let body = json!(RunRequest {
        trigger: Trigger::Tick
    });
    let (mut calls, mut sum) = (0, Value::Null);
    loop {
        let answered = baton::post_json(&url, config.service_key(), &body, patience).await;
        calls += 1;
        let mut unreachable = None;
        let (http_status, answer) = match answered {
            // Components answer in JSON. A host says so when one crashed or took too long; anything else is something else.
            Ok((status, answer)) if answer.is_null() && !matches!(status, 500 | 504) => {
                unreachable = Some(format!("what answers there ({status}) is no component"));
                (502, answer)
            }
            Ok(answered) => answered,
            Err(error) => {
                unreachable = Some(error.to_string());
                (502, Value::Null)
            }
        };
        let unreachable = unreachable.map(|message| Unreachable {
            job: job.job.clone(),
            url: url.clone(),
            message,
        });
        let answer = match &unreachable {
            Some(it) => json!({ "code": "unreachable", "url": it.url, "message": it.message }),
            None => answer,
        };
        let asks_again =
            serde_json::from_value::<RunAnswer>(answer.clone()).is_ok_and(|it| it.again());
        add(&mut sum, answer);
        if !asks_again {
            return Run {
                job: job.job.clone(),
                calls,
                http_status,
                answer: sum,
                unreachable,
            };
        }
    }
}

fn add(sum: &mut Value, mut answer: Value) {
    if !sum.is_null() && answer["status"] == "idle" {
        return;
    }
    for (key, value) in answer.as_object_mut().into_iter().flatten() {
        if let (Some(before), Some(now)) = (sum[key].as_u64(), value.as_u64()) {
            *value = json!(before + now);
        }
    }
    *sum = answer;
}
