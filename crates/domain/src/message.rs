//! Messages to people: where they go, what they say, and what a provider's answers mean.
//! Who may get one, and when, is for the database to decide.

use serde::{Deserialize, Serialize};

/// By which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A text message to a phone.
    Sms,
    /// An e-mail.
    Email,
}

impl Channel {
    /// The word under which the database has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

/// What became of a message, as far as the sender knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The provider has it.
    Submitted {
        /// Which provider.
        provider: &'static str,
        /// Its id of the message, where it gives one.
        provider_id: Option<String>,
        /// What it says of the way from there, where it knows already.
        delivery: Option<Delivery>,
    },
    /// It will not go out, and the same again is in vain.
    Failed(Trouble),
    /// The provider does not have it; later it may take it.
    Retry {
        /// Why.
        #[serde(flatten)]
        trouble: Trouble,
        /// For how many seconds the provider wants to be left alone, 1 to 3,600; none where only this message waits.
        wait: Option<u32>,
    },
    /// The provider may have it.
    Unknown {
        /// Why.
        #[serde(flatten)]
        trouble: Trouble,
        /// Whether the provider can be asked about it later.
        askable: bool,
    },
    /// The provider was asked, and does not have it.
    Absent,
    /// No provider is set for its channel.
    Outbox,
    /// The provider takes nothing from this account until somebody sees to it; it does not have the message.
    Refused(Trouble),
}

/// Why a message is not where it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// A stable code.
    pub reason: &'static str,
    /// For people: the provider's own code and words; never a secret, at most 300 characters.
    pub detail: String,
}

/// What a provider says of a message that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Delivery {
    /// It is on its way.
    Submitted,
    /// It arrived.
    Delivered,
    /// It did not arrive.
    Undelivered(Trouble),
    /// The provider gave it up before sending it.
    Failed(Trouble),
}
