use serde::Deserialize;

use super::{FailureKind, Outcome, ProviderAnswer, ProviderResult, Shape, failed, malformed};

/// The fields that matter of <https://docs.kickbox.com/docs/single-verification-api>.
#[derive(Deserialize)]
struct Response {
    #[serde(default = "granted")]
    success: bool,
    result: Option<String>,
    reason: Option<String>,
    did_you_mean: Option<String>,
}

fn granted() -> bool {
    true
}

pub(super) fn read(body: &[u8]) -> Outcome {
    let Ok(response) = serde_json::from_slice::<Response>(body) else {
        return malformed(Shape::Kickbox);
    };
    if !response.success {
        // Its own message is left out, because it may repeat the request and so the key.
        return failed(
            FailureKind::Rejected,
            "kickbox says that the request did not succeed",
        );
    }
    let result = match response.result.as_deref() {
        Some("deliverable") => ProviderResult::Deliverable,
        Some("undeliverable") => ProviderResult::Undeliverable,
        Some("risky") => ProviderResult::Risky,
        Some("unknown") => ProviderResult::Unknown,
        Some(_) | None => return malformed(Shape::Kickbox),
    };
    let reason = response.reason.unwrap_or_default();
    Outcome::Answer(ProviderAnswer::new(
        Shape::Kickbox,
        result,
        &reason,
        response.did_you_mean.as_deref(),
    ))
}
