use crate::message::{Ask, Envelope, Outcome, Reply, Silence, Trouble};
use crate::{resend, twilio, webhook};

/// A provider of messages, by its published HTTP interface.
pub enum Provider {
    /// Twilio, or whoever speaks its Messages API, for text messages.
    Twilio(twilio::Account),
    /// Resend, for e-mail.
    Resend(resend::Account),
    /// Any receiver of signed webhooks, for e-mail.
    Webhook(webhook::Endpoint),
}

impl Provider {
    /// The word under which the database has it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Twilio(_) => twilio::NAME,
            Self::Resend(_) => resend::NAME,
            Self::Webhook(_) => webhook::NAME,
        }
    }

    /// The request that sends a message.
    #[must_use]
    pub fn send(&self, letter: &Envelope<'_>) -> Ask {
        match self {
            Self::Twilio(account) => account.send(letter),
            Self::Resend(account) => account.send(letter),
            Self::Webhook(endpoint) => endpoint.send(letter),
        }
    }

    /// What the answer to [`Provider::send`] means.
    #[must_use]
    pub fn read_sent(&self, reply: &Reply<'_>) -> Outcome {
        match self {
            Self::Twilio(account) => account.read_sent(reply),
            Self::Resend(account) => account.read_sent(reply),
            Self::Webhook(_) => webhook::read_sent(reply),
        }
    }

    /// What no answer to [`Provider::send`] means.
    #[must_use]
    pub fn unanswered(&self, silence: &Silence) -> Outcome {
        let trouble = self.silence(silence);
        match silence {
            Silence::NotSent(_) => Outcome::Retry {
                trouble,
                wait: None,
            },
            Silence::TimedOut | Silence::Broken(_) => Outcome::Unknown {
                trouble,
                askable: self.askable(),
            },
            Silence::Denied => Outcome::Refused(trouble),
        }
    }

    /// The request that finds out whether the provider has a message whose sending began at `submitting_at` (ISO 8601);
    /// none when it cannot be asked, or no longer.
    #[must_use]
    pub fn look(&self, letter: &Envelope<'_>, submitting_at: &str) -> Option<Ask> {
        match self {
            Self::Twilio(account) => Some(account.look(letter)),
            Self::Resend(account) => account.look(letter, submitting_at),
            Self::Webhook(_) => None,
        }
    }

    /// What the answer to [`Provider::look`] means.
    /// Only `Submitted`, `Absent` and `Failed` say more than was known; a refusal now says nothing about what was sent then.
    #[must_use]
    pub fn read_look(
        &self,
        reply: &Reply<'_>,
        letter: &Envelope<'_>,
        submitting_at: &str,
        others: &[String],
    ) -> Outcome {
        match self {
            Self::Twilio(account) => account.read_look(reply, letter, submitting_at, others),
            Self::Resend(account) => account.read_look(reply),
            Self::Webhook(_) => self.look_unanswered(&Silence::Denied),
        }
    }

    /// What no answer to [`Provider::look`] means: the message is as unknown as it was.
    #[must_use]
    pub fn look_unanswered(&self, silence: &Silence) -> Outcome {
        Outcome::Unknown {
            trouble: self.silence(silence),
            askable: self.askable(),
        }
    }

    /// Whether it can be asked later what it has.
    #[must_use]
    pub fn askable(&self) -> bool {
        match self {
            Self::Twilio(_) | Self::Resend(_) => true,
            Self::Webhook(_) => false,
        }
    }

    fn silence(&self, silence: &Silence) -> Trouble {
        let (name, variable) = match self {
            Self::Twilio(_) => (twilio::NAME, "sms_url"),
            Self::Resend(_) => (resend::NAME, "email_url"),
            Self::Webhook(_) => (webhook::NAME, "email_url"),
        };
        match silence {
            Silence::NotSent(text) => Trouble::new("provider_unreachable", text),
            Silence::TimedOut => Trouble::new("timeout", &format!("{name} did not answer in time")),
            Silence::Broken(text) => Trouble::new("provider_trouble", text),
            Silence::Denied => Trouble::new(
                "provider_refused",
                &format!("this deployment may not call {name}: look at {variable}"),
            ),
        }
    }
}
