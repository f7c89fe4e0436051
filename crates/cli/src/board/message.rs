use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many messages of a job stand here, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Messages {
    pub(crate) job: String,
    /// None where the recipient has no address at all.
    pub(crate) channel: Option<String>,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) messages: u64,
    pub(crate) oldest: String,
}

/// One message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) job: String,
    pub(crate) purpose: String,
    pub(crate) subject_id: String,
    pub(crate) recipient_id: String,
    pub(crate) channel: Option<String>,
    /// Where to, as the application stored it.
    pub(crate) recipient: String,
    /// What became of it.
    pub(crate) address: Option<String>,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) held_until: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) provider_id: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) subject: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) created_at: String,
    pub(crate) submitting_at: Option<String>,
    pub(crate) submitted_at: Option<String>,
    pub(crate) ended_at: Option<String>,
}

/// Callbacks of one route that were refused within a day, since the last one that was right; one a second counts at most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefusedCallbacks {
    pub(crate) route: String,
    pub(crate) refused: u64,
    pub(crate) first_at: String,
    pub(crate) last_at: String,
}

impl RefusedCallbacks {
    /// What was refused, what is lost by it, and what to check.
    pub(crate) fn in_words(&self, now: &str) -> String {
        let lost = match &*self.route {
            "inbound" => "no STOP of a recipient is recorded",
            _ => "whether messages arrived is not recorded",
        };
        let times = match self.refused {
            1 => "once".to_owned(),
            n => format!("{} times", terminal::output::count(n)),
        };
        format!(
            "Requests to /messages/sms/{} were refused (401) {times}, the last one {}, because their signature does not fit. If Twilio \
             sent them, {lost}. Twilio signs the address that it calls and the form's fields, sorted by name, with the account's auth \
             token: check that the variable public_url is the address at which Twilio calls, that the address for replies at Twilio \
             begins with it, and that sms_key is the auth token.",
            self.route,
            crate::moment::relative(now, &self.last_at)
        )
    }
}

/// A cycle that ran for longer than its job's alert threshold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Alert {
    pub(crate) job: String,
    pub(crate) cycle_id: Value,
    pub(crate) started_at: String,
    pub(crate) noticed_at: String,
    pub(crate) seconds: f64,
    pub(crate) reason: String,
}

/// One sentence for people on why a message stands where it does.
pub(crate) fn in_words(status: &str, reason: Option<&str>) -> String {
    let text = match reason.unwrap_or_default() {
        "" => match status {
            "reserved" => "It goes out with the next batch.",
            "submitting" => "It is going out.",
            "submitted" => "The provider has it.",
            "delivered" => "It arrived.",
            other => other,
        },
        "no_address" => "There is no address of the recipient.",
        "invalid_number" => "This is no phone number that can be reached.",
        "invalid_address" => "This is no e-mail address.",
        "template" => "Its text cannot be made of the template and the fields there are.",
        "opted_out" => "The recipient wants no messages.",
        "region_not_allowed" => "Its country is not among allowed_regions.",
        "too_long" => {
            "Its text has more segments than most_segments, or more characters than providers take."
        }
        "unreachable" => "The recipient's phone cannot be reached.",
        "landline" => "The number is a landline.",
        "blocked" => "The recipient's phone or network blocks it.",
        "filtered" => "A network took it for spam.",
        "region_not_enabled" => "The provider's account may not send to this country.",
        "rejected" => "The provider does not take it.",
        "undelivered" => "It did not arrive, and the provider does not say why.",
        "throttled" => "The provider wants to be left alone for a while.",
        "provider_unreachable" => "The provider could not be reached.",
        "provider_trouble" => "The provider had trouble, and may have it or not.",
        "timeout" => "The provider did not answer in time, and may have it or not.",
        "provider_refused" => "The provider refuses the account.",
        "not_at_provider" => "The provider was asked, and does not have it.",
        "worker_died" => "Its sender died while it went out, so the provider may have it or not.",
        "sender_slept" => {
            "The machine of its sender was suspended, so it was not sent; another attempt sends it."
        }
        "quiet_hours" => "It is night where the recipient is.",
        "daily_cap" => "The recipient has had enough messages for a day.",
        "no_provider" => "No provider is set for its channel.",
        "expired" => "It waited too long and is worth nothing any more.",
        "not_needed" => "It is not needed any more.",
        "gave_up" => "Each of its senders died.",
        "resolved" => "A person decided so.",
        other => other,
    };
    text.to_owned()
}

/// What a person should do about messages that do not get on by themselves.
pub(crate) fn advice(messages: &[Messages]) -> Vec<String> {
    let sum = |which: &dyn Fn(&Messages) -> bool| -> u64 {
        let found = messages.iter().filter(|it| which(it));
        found.map(|it| it.messages).sum()
    };
    let reason = |it: &Messages, reason| it.reason.as_deref() == Some(reason);
    let waiting = |it: &Messages, why| it.status == "reserved" && reason(it, why);
    let unknown = sum(&|it| it.status == "unknown");
    let unset = sum(&|it| waiting(it, "no_provider"));
    let refused = sum(&|it| waiting(it, "provider_refused"));
    let broken = sum(&|it| it.status == "failed" && reason(it, "template"));
    [
        (
            unknown,
            "may have gone out or not. Where the provider can be asked, it is; about the others a person decides: \
             `baton messages --unknown` lists them, `baton messages resolve ID delivered` (or failed, or again) decides.",
        ),
        (
            unset,
            "wait in the outbox, because no provider is set for their channel: set the variables sms_provider or email_provider, \
             and those beside them in spin.toml.",
        ),
        (
            refused,
            "wait, because the provider refuses the account: check the variables sms_account, sms_key and sms_from, or email_key \
             and email_from; `baton messages --held` shows what the provider says.",
        ),
        (
            broken,
            "failed by their template: `baton settings` shows the templates and what they may name.",
        ),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| {
        let n_messages = match n {
            1 => "1 message".to_owned(),
            n => format!("{} messages", terminal::output::count(n)),
        };
        format!("{n_messages}: {what}")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(status: &str, reason: &str, messages: u64) -> Messages {
        Messages {
            job: "follow-up-reminders".to_owned(),
            channel: Some("sms".to_owned()),
            status: status.to_owned(),
            reason: Some(reason.to_owned()).filter(|it| !it.is_empty()),
            messages,
            oldest: "2026-03-01T09:30:00+00:00".to_owned(),
        }
    }

    #[test]
    fn what_needs_a_person_is_counted_with_what_to_do() {
        let check = |messages: &[Messages], expected: &[&str]| {
            let advice = advice(messages);
            assert_eq!(advice.len(), expected.len(), "{advice:?}");
            for (said, expected) in advice.iter().zip(expected) {
                assert!(said.contains(expected), "{said}");
            }
        };
        check(&[], &[]);
        check(
            &[some("delivered", "", 9), some("reserved", "quiet_hours", 9)],
            &[],
        );
        check(
            &[
                some("unknown", "timeout", 1_200),
                some("unknown", "worker_died", 34),
            ],
            &["1,234 messages: may have gone out"],
        );
        check(
            &[
                some("reserved", "no_provider", 1),
                some("reserved", "provider_refused", 2),
                some("failed", "template", 3),
            ],
            &["1 message: wait in the outbox", "sms_account", "template"],
        );
    }

    #[test]
    fn a_message_without_a_reason_is_told_by_its_status() {
        let check = |status, reason, words: &str| {
            assert_eq!(in_words(status, reason), words);
        };
        check("reserved", None, "It goes out with the next batch.");
        check(
            "reserved",
            Some("quiet_hours"),
            "It is night where the recipient is.",
        );
        check("failed", Some("landline"), "The number is a landline.");
        check("failed", Some("next_years_code"), "next_years_code");
    }
}
