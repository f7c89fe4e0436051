use serde::Deserialize;

use super::{FailureKind, Outcome, ProviderAnswer, ProviderResult, Shape, failed, malformed};

/// The fields that matter of <https://www.zerobounce.net/docs/email-validation-api-quickstart/v2-validate-emails>.
#[derive(Deserialize)]
struct Response {
    error: Option<String>,
    status: Option<String>,
    sub_status: Option<String>,
    did_you_mean: Option<String>,
}

pub(super) fn read(body: &[u8]) -> Outcome {
    let Ok(response) = serde_json::from_slice::<Response>(body) else {
        return malformed(Shape::Zerobounce);
    };
    if response.error.is_some() {
        // A wrong key comes with HTTP 200 here. The message is left out, because it may repeat the key.
        return failed(
            FailureKind::Account,
            "zerobounce refuses the key or has no credits left",
        );
    }
    let Some(status) = response.status else {
        return malformed(Shape::Zerobounce);
    };
    let result = match status.to_ascii_lowercase().as_str() {
        "valid" => ProviderResult::Deliverable,
        "invalid" => ProviderResult::Undeliverable,
        "catch-all" | "spamtrap" | "abuse" | "do_not_mail" => ProviderResult::Risky,
        "unknown" => ProviderResult::Unknown,
        _ => return malformed(Shape::Zerobounce),
    };
    let reason = match response.sub_status.as_deref() {
        None | Some("") => status,
        Some(sub_status) => format!("{status}: {sub_status}"),
    };
    Outcome::Answer(ProviderAnswer::new(
        Shape::Zerobounce,
        result,
        &reason,
        response.did_you_mean.as_deref(),
    ))
}
