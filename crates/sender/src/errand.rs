use dispatch::calls::{Action, Letter, Message, MessageOutcome, Sent};
use dispatch::{Channel, Envelope, Outcome, Provider, Size, Trouble, email_address, phone, render};

use crate::post::{post, reply};

/// A message on its way to a provider.
pub(crate) struct Errand<'a> {
    provider: &'a Provider,
    channel: Channel,
    letter: Letter,
    /// What may have gone out already: then the provider is asked about it. None for one to be sent.
    sent: Option<Sent>,
}

impl<'a> Errand<'a> {
    /// Writes a message that is to be sent, and takes one that may have been as it was then.
    pub(crate) fn new(
        message: &Message,
        provider: &'a Provider,
        region: Option<&str>,
    ) -> Result<Self, Outcome> {
        let (letter, sent) = match message.action {
            Action::Send => {
                let letter = write(message, provider, region).map_err(Outcome::Failed)?;
                (letter, None)
            }
            Action::Reconcile => {
                // Another provider knows nothing of it, and might even send it.
                let sent = message
                    .sent
                    .clone()
                    .filter(|it| it.provider == provider.name());
                let sent = sent.ok_or_else(undecided)?;
                let letter = Letter {
                    id: message.id,
                    provider: provider.name(),
                    address: sent.address.clone(),
                    zones: Vec::new(),
                    region: None,
                    segments: None,
                    subject: sent.subject.clone(),
                    body: sent.body.clone(),
                };
                (letter, Some(sent))
            }
        };
        Ok(Self {
            provider,
            channel: message.channel,
            letter,
            sent,
        })
    }

    /// The letter to be sent, none where the provider is only asked about one.
    pub(crate) fn letter(&self) -> Option<&Letter> {
        match self.sent {
            None => Some(&self.letter),
            Some(_) => None,
        }
    }

    /// Where it goes.
    pub(crate) fn provider(&self) -> &'static str {
        self.provider.name()
    }

    /// Sends it, or asks about it, and names the provider. `now` is the database's time in seconds since 1970, `slept` whether
    /// the sender was suspended since it submitted the message.
    pub(crate) async fn run(self, now: u64, slept: bool) -> (&'static str, MessageOutcome) {
        let id = self.letter.id;
        let envelope = Envelope {
            id: &id.to_string(),
            channel: self.channel,
            address: &self.letter.address,
            subject: self.letter.subject.as_deref(),
            body: &self.letter.body,
            sent_at: now,
        };
        let outcome = match &self.sent {
            None if slept => sender_slept(),
            None => self.send(&envelope).await,
            Some(sent) => self.look(&envelope, sent).await,
        };
        (self.provider.name(), MessageOutcome { id, outcome })
    }

    async fn send(&self, envelope: &Envelope<'_>) -> Outcome {
        match post(self.provider.send(envelope)).await {
            Ok(fetched) => self.provider.read_sent(&reply(&fetched)),
            Err(silence) => self.provider.unanswered(&silence),
        }
    }

    async fn look(&self, envelope: &Envelope<'_>, sent: &Sent) -> Outcome {
        let Some(ask) = self.provider.look(envelope, &sent.submitting_at) else {
            return undecided();
        };
        match post(ask).await {
            Ok(fetched) => {
                let (reply, at) = (reply(&fetched), &sent.submitting_at);
                self.provider.read_look(&reply, envelope, at, &sent.others)
            }
            Err(silence) => self.provider.look_unanswered(&silence),
        }
    }
}

fn write(message: &Message, provider: &Provider, region: Option<&str>) -> Result<Letter, Trouble> {
    let filled_in = |template: &str| {
        render(template, &message.fields).map_err(|it| trouble("template", it.to_string()))
    };
    let (address, zones, region, subject) = match message.channel {
        Channel::Sms => {
            let phone = phone::read(&message.recipient, region)
                .map_err(|it| trouble("invalid_number", it.to_string()))?;
            (phone.e164, phone.zones, phone.region, None)
        }
        Channel::Email => {
            let address = email_address(&message.recipient)
                .map_err(|it| trouble("invalid_address", it.to_string()))?;
            let subject = filled_in(&message.subject)?;
            // A name may hold a line break, and a subject is one line.
            let words: Vec<&str> = subject.split_whitespace().collect();
            (address, Vec::new(), None, Some(words.join(" ")))
        }
    };
    let body = filled_in(&message.text)?;
    let size = Size::of(&body);
    if message.channel == Channel::Sms && size.is_too_long() {
        let detail =
            format!("{size}: providers take 1,600 characters at most; shorten the template");
        return Err(trouble("too_long", detail));
    }
    Ok(Letter {
        id: message.id,
        provider: provider.name(),
        address,
        zones,
        region,
        segments: (message.channel == Channel::Sms).then_some(size.segments),
        subject,
        body,
    })
}

fn sender_slept() -> Outcome {
    Outcome::Retry {
        trouble: trouble(
            "sender_slept",
            "the sender was suspended before it sent the message".to_owned(),
        ),
        wait: None,
    }
}

fn undecided() -> Outcome {
    Outcome::Unknown {
        trouble: trouble(
            "timeout",
            "nobody can be asked about it, or no longer".to_owned(),
        ),
        askable: false,
    }
}

fn trouble(reason: &'static str, detail: String) -> Trouble {
    Trouble { reason, detail }
}
