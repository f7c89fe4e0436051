use domain::message::{Channel, Delivery, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Call, Claim, Param, Trigger};

/// Claims the next reminders about assignments that nobody followed up.
#[derive(Debug)]
pub struct ClaimReminders {
    /// Who asks.
    pub trigger: Trigger,
    /// Who works, for the log of runs.
    pub worker: String,
}

impl Call for ClaimReminders {
    const SQL: &'static str = "select baton_api.claim_reminders($1, $2)";
    type Output = Claim<MessageAttempt>;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.trigger.as_str().to_owned()),
            Param::Text(self.worker),
        ]
    }
}

/// Works the queued jobs of auto-syncs that are due, at most ten, and claims the messages that come of them.
#[derive(Debug)]
pub struct ClaimAutoSyncJobs {
    /// Who asks.
    pub trigger: Trigger,
    /// Who works, for the log of runs.
    pub worker: String,
}

impl Call for ClaimAutoSyncJobs {
    const SQL: &'static str = "select baton_api.claim_auto_sync_jobs($1, $2)";
    type Output = Claim<MessageAttempt>;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.trigger.as_str().to_owned()),
            Param::Text(self.worker),
        ]
    }
}

/// A lease on a batch of messages.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MessageAttempt {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// The database's time, ISO 8601.
    pub now: String,
    /// The batch; empty when the work was done without one.
    pub messages: Vec<Message>,
    /// The country (ISO 3166-1 alpha-2) of phone numbers that name none, if there is one.
    pub default_region: Option<String>,
    /// Queued jobs that the claim worked, by how they ended; counts for the answer.
    #[serde(default)]
    pub jobs: Map<String, Value>,
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Message {
    /// Its key, which is the idempotency key towards providers that take one.
    pub id: Uuid,
    /// What to do about it.
    pub action: Action,
    /// By which way it goes.
    pub channel: Channel,
    /// Where to, as the application stored it.
    pub recipient: String,
    /// The template of its subject, for e-mail.
    pub subject: String,
    /// The template of its text.
    pub text: String,
    /// What the templates may name.
    pub fields: Value,
    /// What went out, or may have, when there was an attempt before.
    pub sent: Option<Sent>,
}

/// What is to be done about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Send it.
    Send,
    /// Find out whether the provider has it.
    Reconcile,
}

/// What an attempt to send a message submitted, or may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sent {
    /// By which provider.
    pub provider: String,
    /// Where to, normalised.
    pub address: String,
    /// The subject, for e-mail.
    pub subject: Option<String>,
    /// The text.
    pub body: String,
    /// When the last attempt began, ISO 8601.
    pub submitting_at: String,
    /// What the provider calls other messages to this address.
    pub others: Vec<String>,
}

/// Settles what was sent, and asks which of the next messages may go now; renews the lease.
/// What is returned in `go` is `submitting` from here on: should nobody settle it, it is `unknown`.
#[derive(Debug)]
pub struct SubmitMessages {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// What became of messages of the attempt so far.
    pub outcomes: Vec<MessageOutcome>,
    /// The next ones.
    pub letters: Vec<Letter>,
}

impl Call for SubmitMessages {
    const SQL: &'static str = "select baton_api.submit_messages($1, $2, $3)";
    type Output = Submit;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Uuid(self.attempt_id),
            Param::json(self.outcomes),
            Param::json(self.letters),
        ]
    }
}

/// A message as it would go out now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// The message.
    pub id: Uuid,
    /// By which provider.
    pub provider: &'static str,
    /// Where to: a number by E.164, or an e-mail address.
    pub address: String,
    /// Every time zone (IANA) in which the address may be, where the application names none; may be empty.
    pub zones: Vec<&'static str>,
    /// The country of a text message's number, ISO 3166-1 alpha-2; none for numbers of no country, and for e-mail.
    pub region: Option<String>,
    /// The segments that a text message is paid for; none for e-mail.
    pub segments: Option<u32>,
    /// The subject, for e-mail.
    pub subject: Option<String>,
    /// The text.
    pub body: String,
}

/// The answer to [`SubmitMessages`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Submit {
    /// The lease is renewed.
    Submitting {
        /// The messages to be sent now; the others are held back or ended, and no longer the caller's.
        go: Vec<Uuid>,
    },
    /// The work was given to another: send nothing more.
    Lost {
        /// A stable code.
        reason: String,
    },
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageOutcome {
    /// The message.
    pub id: Uuid,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Settles an attempt at messages.
#[derive(Debug)]
pub struct SettleMessages {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// What became of those that no [`SubmitMessages`] told.
    pub outcomes: Vec<MessageOutcome>,
}

impl Call for SettleMessages {
    const SQL: &'static str = "select baton_api.settle_messages($1, $2)";
    type Output = SettledMessages;

    fn params(self) -> Vec<Param> {
        vec![Param::Uuid(self.attempt_id), Param::json(self.outcomes)]
    }
}

/// The answer to a settlement of messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum SettledMessages {
    /// The outcomes count.
    Settled {
        /// Messages that a provider has.
        submitted: u32,
        /// Messages held back, to be retried, or left.
        held: u32,
        /// Messages that will not go out.
        failed: u32,
        /// Messages that may have gone out.
        unknown: u32,
        /// Why nothing more can go out, where the provider refuses the account.
        refused: Option<String>,
        /// Whether another call would find work.
        again: bool,
        /// When it would, in seconds, if that is known.
        #[serde(default, deserialize_with = "crate::seconds")]
        again_in: Option<f64>,
    },
    /// The work was given to another; what it submitted is `unknown`.
    Lost {
        /// A stable code.
        reason: String,
    },
}

/// Records what a provider says of a message by a callback.
#[derive(Debug)]
pub struct RecordDelivery {
    /// The message.
    pub message_id: Uuid,
    /// The provider's id of it.
    pub provider_id: String,
    /// What the provider says.
    pub delivery: Delivery,
}

impl Call for RecordDelivery {
    const SQL: &'static str = "select baton_api.record_delivery($1, $2, $3)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Uuid(self.message_id),
            Param::Text(self.provider_id),
            Param::json(self.delivery),
        ]
    }
}

/// Records that a recipient wants no more messages, or wants them again.
#[derive(Debug)]
pub struct RecordOptOut {
    /// By which way.
    pub channel: Channel,
    /// A number by E.164, or an e-mail address.
    pub address: String,
    /// True for no more messages, false for messages again.
    pub out: bool,
    /// The provider's id of the reply that says so, which counts once.
    pub provider_id: Option<String>,
}

impl Call for RecordOptOut {
    const SQL: &'static str = "select baton_api.record_opt_out($1, $2, $3, $4)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.channel.as_str().to_owned()),
            Param::Text(self.address),
            Param::Bool(self.out),
            Param::text_or_null(self.provider_id),
        ]
    }
}

/// Counts a callback whose signature was wrong.
#[derive(Debug)]
pub struct RecordRefusedCallback {
    /// Which: `status` or `inbound`.
    pub route: &'static str,
}

impl Call for RecordRefusedCallback {
    const SQL: &'static str = "select baton_api.record_refused_callback($1)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![Param::Text(self.route.to_owned())]
    }
}

/// Corrects when an assignment was last followed up.
#[derive(Debug)]
pub struct CorrectLastContactDate {
    /// The assignment's key, as text.
    pub assignment_id: String,
    /// When, ISO 8601; none for never.
    pub last_contact_date: Option<String>,
    /// Who corrects it.
    pub who: String,
    /// Why.
    pub why: String,
}

impl Call for CorrectLastContactDate {
    const SQL: &'static str = "select baton_api.correct_last_contact_date($1, $2, $3, $4)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.assignment_id),
            Param::text_or_null(self.last_contact_date),
            Param::Text(self.who),
            Param::Text(self.why),
        ]
    }
}

/// Decides about messages that nobody can find out about, or that failed. For operators.
#[derive(Debug)]
pub struct ResolveMessage {
    /// The message.
    pub message_id: Uuid,
    /// What it is: `delivered`, `failed`, or `again` to send it once more.
    pub resolution: String,
    /// Who decides.
    pub who: String,
}

impl Call for ResolveMessage {
    const SQL: &'static str = "select baton_api.resolve_message($1, $2, $3)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Uuid(self.message_id),
            Param::Text(self.resolution),
            Param::Text(self.who),
        ]
    }
}

/// Changes settings of the whole deployment. For operators.
#[derive(Debug)]
pub struct ConfigureSettings {
    /// Settings by the names of their columns in `baton.settings`.
    pub changes: Map<String, Value>,
    /// Who changes them.
    pub who: String,
}

impl Call for ConfigureSettings {
    const SQL: &'static str = "select baton_api.configure_settings($1, $2)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![Param::json(self.changes), Param::Text(self.who)]
    }
}
