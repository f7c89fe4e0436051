//! What both jobs that send messages call, and what operators call about messages.

use baton::contract::{Batch, Claim, SettleAnswer, Settlement, counts};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Channel, Outcome};

baton::calls! {
    /// Settles what was sent, and asks which of the next messages may go now; renews the lease.
    /// What is returned in `go` is `submitting` from here on: should nobody settle it, it is `unknown`.
    #[derive(Debug)]
    submit_messages => SubmitMessages {
        /// The fencing token.
        attempt_id: Uuid as uuid,
        /// What became of messages of the attempt so far.
        outcomes: Vec<MessageOutcome> as jsonb,
        /// The next ones.
        letters: Vec<Letter> as jsonb,
    } -> Submit;

    /// Settles an attempt at messages.
    #[derive(Debug)]
    settle_messages => SettleMessages {
        /// The fencing token.
        attempt_id: Uuid as uuid,
        /// What became of those that no [`SubmitMessages`] told.
        outcomes: Vec<MessageOutcome> as jsonb,
        /// Whether to claim the next messages in the same transaction.
        claim_next: bool as bool,
    } -> SettledMessages;

    /// Decides about messages that nobody can find out about, or that failed. For operators.
    #[derive(Debug)]
    resolve_message => ResolveMessage {
        /// The message.
        message_id: Uuid as uuid,
        /// What it is: `delivered`, `failed`, or `again` to send it once more.
        resolution: String as text,
        /// Who decides.
        who: String as text,
    } -> Value;
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

impl Batch for MessageAttempt {
    fn attempt_id(&self) -> Uuid {
        self.attempt_id
    }

    fn size(&self) -> usize {
        self.messages.len()
    }

    fn counts(&self) -> Map<String, Value> {
        self.jobs.clone()
    }
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

/// The answer to a settlement of messages.
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
        #[serde(default, deserialize_with = "baton::contract::seconds")]
        again_in: Option<f64>,
        /// The next batch, if it was asked for and there is one.
        next: Option<Claim<MessageAttempt>>,
    },
    /// The work was given to another; what it submitted is `unknown`.
    Lost {
        /// A stable code.
        reason: String,
    },
}

impl SettleAnswer<MessageAttempt> for SettledMessages {
    fn settlement(self) -> Result<Settlement<MessageAttempt>, String> {
        match self {
            Self::Settled {
                submitted,
                held,
                failed,
                unknown,
                refused,
                again,
                again_in,
                next,
            } => Ok(Settlement {
                counts: counts([
                    ("submitted", submitted.into()),
                    ("held", held.into()),
                    ("failed", failed.into()),
                    ("unknown", unknown.into()),
                ]),
                refused,
                again,
                again_in,
                next,
            }),
            Self::Lost { reason } => Err(reason),
        }
    }
}
