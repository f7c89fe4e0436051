//! The two jobs that send messages: their pairs, and a stage with messages of reminders claimed.

use auto_sync_jobs::calls::ClaimAutoSyncJobs;
use baton::contract::native::call;
use baton::contract::{Claim, Trigger};
use dispatch::calls::{
    Action, Letter, Message, MessageAttempt, MessageOutcome, SettleMessages, SettledMessages,
    Submit, SubmitMessages,
};
use dispatch::{Delivery, Outcome, Trouble};
use follow_up_reminders::calls::ClaimReminders;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{Db, Pair};

/// `claim_reminders`, `submit_messages` and `settle_messages`.
pub(crate) struct Reminders;

impl Pair for Reminders {
    async fn fill(&self, db: &Db, n: i32) -> anyhow::Result<()> {
        prepare(db, "follow-up-reminders", 10).await?;
        db.add_assignments(n).await
    }

    async fn claim(&self, worker: &Client) -> anyhow::Result<Option<(Uuid, Vec<String>)>> {
        Ok(items(claim_reminders(worker, Trigger::Manual).await?))
    }

    async fn settle(
        &self,
        worker: &Client,
        attempt: Uuid,
        items: &[String],
    ) -> anyhow::Result<bool> {
        send_all(worker, attempt, items).await
    }

    async fn done(&self, db: &Db) -> anyhow::Result<i64> {
        db.count("select count(*) from messages where status = 'submitted'")
            .await
    }
}

/// `claim_auto_sync_jobs`, `submit_messages` and `settle_messages`.
pub(crate) struct AutoSyncMessages;

impl Pair for AutoSyncMessages {
    async fn fill(&self, db: &Db, n: i32) -> anyhow::Result<()> {
        // All of them, because what comes back from the dead stands behind what was due all the time.
        prepare(db, "auto-sync-jobs", n).await?;
        db.add_auto_sync(n, "25 hours").await?;
        Ok(())
    }

    async fn claim(&self, worker: &Client) -> anyhow::Result<Option<(Uuid, Vec<String>)>> {
        Ok(items(claim_auto_syncs(worker, Trigger::Manual).await?))
    }

    async fn settle(
        &self,
        worker: &Client,
        attempt: Uuid,
        items: &[String],
    ) -> anyhow::Result<bool> {
        send_all(worker, attempt, items).await
    }

    async fn done(&self, db: &Db) -> anyhow::Result<i64> {
        db.count("select count(*) from auto_sync_messages where status = 'submitted'")
            .await
    }
}

async fn prepare(db: &Db, job: &str, batch_size: i32) -> anyhow::Result<()> {
    db.configure_job(job, json!({ "batch_size": batch_size }))
        .await?;
    no_quiet_hours(db).await
}

/// Lets messages go out at any hour.
pub(crate) async fn no_quiet_hours(db: &Db) -> anyhow::Result<()> {
    db.configure_settings(json!({ "quiet_from": "00:00", "quiet_until": "00:00" }))
        .await
}

fn items(claim: Claim<MessageAttempt>) -> Option<(Uuid, Vec<String>)> {
    match claim {
        Claim::Claimed(it) => Some((
            it.attempt_id,
            it.messages.iter().map(|it| it.id.to_string()).collect(),
        )),
        Claim::Skipped { .. } | Claim::Idle { .. } => None,
    }
}

/// Submits and settles like a sender that does not stop when it is told that it lost.
async fn send_all(worker: &Client, attempt: Uuid, items: &[String]) -> anyhow::Result<bool> {
    let ids: Vec<Uuid> = items
        .iter()
        .map(|it| it.parse())
        .collect::<Result<_, _>>()?;
    let letters = ids.iter().map(|id| letter(*id, &id.to_string())).collect();
    submit(worker, attempt, Vec::new(), letters).await?;
    let outcomes = ids.iter().map(|id| told(*id, sent())).collect();
    let settled = settle_messages(worker, attempt, outcomes).await?;
    Ok(matches!(settled, SettledMessages::Settled { .. }))
}

pub(crate) async fn claim_reminders(
    worker: &Client,
    trigger: Trigger,
) -> anyhow::Result<Claim<MessageAttempt>> {
    Ok(call(
        worker,
        ClaimReminders {
            trigger,
            worker: "test".to_owned(),
        },
    )
    .await?)
}

pub(crate) async fn claim_auto_syncs(
    worker: &Client,
    trigger: Trigger,
) -> anyhow::Result<Claim<MessageAttempt>> {
    Ok(call(
        worker,
        ClaimAutoSyncJobs {
            trigger,
            worker: "test".to_owned(),
        },
    )
    .await?)
}

/// The attempt of a claim that finds something.
pub(crate) fn claimed(claim: Claim<MessageAttempt>) -> anyhow::Result<MessageAttempt> {
    match claim {
        Claim::Claimed(it) => Ok(it),
        other => anyhow::bail!("nothing could be claimed: {other:?}"),
    }
}

pub(crate) async fn submit(
    worker: &Client,
    attempt_id: Uuid,
    outcomes: Vec<MessageOutcome>,
    letters: Vec<Letter>,
) -> anyhow::Result<Submit> {
    Ok(call(
        worker,
        SubmitMessages {
            attempt_id,
            outcomes,
            letters,
        },
    )
    .await?)
}

pub(crate) async fn settle_messages(
    worker: &Client,
    attempt_id: Uuid,
    outcomes: Vec<MessageOutcome>,
) -> anyhow::Result<SettledMessages> {
    Ok(call(
        worker,
        SettleMessages {
            attempt_id,
            outcomes,
            claim_next: false,
        },
    )
    .await?)
}

/// A letter to an address about whose time zone nothing is known.
pub(crate) fn letter(id: Uuid, address: &str) -> Letter {
    Letter {
        id,
        provider: "twilio",
        address: address.to_owned(),
        zones: Vec::new(),
        region: None,
        segments: None,
        subject: None,
        body: "Hello".to_owned(),
    }
}

/// A letter to where the application says.
pub(crate) fn letter_to(message: &Message) -> Letter {
    letter(message.id, &message.recipient)
}

pub(crate) fn told(id: Uuid, outcome: Outcome) -> MessageOutcome {
    MessageOutcome { id, outcome }
}

/// The provider has it.
pub(crate) fn sent() -> Outcome {
    found("SM1")
}

/// The provider has it under this id.
pub(crate) fn found(provider_id: &str) -> Outcome {
    submitted(provider_id, None)
}

/// The provider has it and knows more already.
pub(crate) fn sent_with(delivery: Option<Delivery>) -> Outcome {
    submitted("SM1", delivery)
}

fn submitted(provider_id: &str, delivery: Option<Delivery>) -> Outcome {
    Outcome::Submitted {
        provider: "twilio",
        provider_id: Some(provider_id.to_owned()),
        delivery,
    }
}

pub(crate) fn trouble(reason: &'static str) -> Trouble {
    Trouble {
        reason,
        detail: "it went wrong".to_owned(),
    }
}

/// A stopped clock, no quiet hours, and a claim of reminders about so many assignments.
pub(crate) struct Stage {
    pub(crate) db: Db,
    pub(crate) worker: Client,
    pub(crate) attempt: MessageAttempt,
}

impl Stage {
    pub(crate) async fn new(n: i32) -> anyhow::Result<Stage> {
        let db = Db::new().await?;
        db.freeze().await?;
        no_quiet_hours(&db).await?;
        db.add_assignments(n).await?;
        Stage::on(db).await
    }

    /// The same, so many at a time.
    pub(crate) async fn in_batches(n: i32, batch_size: i32) -> anyhow::Result<Stage> {
        let db = Db::new().await?;
        db.freeze().await?;
        prepare(&db, "follow-up-reminders", batch_size).await?;
        db.add_assignments(n).await?;
        Stage::on(db).await
    }

    /// The same on what a test has prepared.
    pub(crate) async fn on(db: Db) -> anyhow::Result<Stage> {
        let worker = db.worker().await?;
        let attempt = claimed(claim_reminders(&worker, Trigger::Manual).await?)?;
        Ok(Stage {
            db,
            worker,
            attempt,
        })
    }

    /// The messages of the present attempt, in order.
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.attempt.messages.iter().map(|it| it.id).collect()
    }

    /// Submits all messages of the present attempt; how many may go.
    pub(crate) async fn submit(&self) -> anyhow::Result<usize> {
        let letters = self.attempt.messages.iter().map(letter_to).collect();
        self.submit_letters(letters).await
    }

    /// Submits letters; how many may go.
    pub(crate) async fn submit_letters(&self, letters: Vec<Letter>) -> anyhow::Result<usize> {
        match submit(&self.worker, self.attempt.attempt_id, Vec::new(), letters).await? {
            Submit::Submitting { go } => Ok(go.len()),
            Submit::Lost { reason } => anyhow::bail!("the attempt is lost: {reason}"),
        }
    }

    /// Settles the present attempt.
    pub(crate) async fn settle(
        &self,
        outcomes: Vec<MessageOutcome>,
    ) -> anyhow::Result<SettledMessages> {
        settle_messages(&self.worker, self.attempt.attempt_id, outcomes).await
    }

    /// Submits and settles all messages of the present attempt with one outcome.
    pub(crate) async fn end_as(&self, outcome: &Outcome) -> anyhow::Result<SettledMessages> {
        self.submit().await?;
        let ids = self.ids();
        self.settle(ids.iter().map(|id| told(*id, outcome.clone())).collect())
            .await
    }

    /// Claims what is due now, as a tick does; what is to be done about each.
    pub(crate) async fn claim(&mut self) -> anyhow::Result<Vec<Action>> {
        self.attempt = claimed(claim_reminders(&self.worker, Trigger::Tick).await?)?;
        Ok(self.attempt.messages.iter().map(|it| it.action).collect())
    }

    /// That a tick finds nothing to do.
    pub(crate) async fn is_idle(&self) -> anyhow::Result<bool> {
        let claim = claim_reminders(&self.worker, Trigger::Tick).await?;
        Ok(matches!(claim, Claim::Idle { .. }))
    }

    /// Each message's status and reason, in the order of their making.
    pub(crate) async fn states(&self) -> anyhow::Result<Vec<String>> {
        let sql = "select concat_ws(' ', status, reason) from messages order by id";
        self.db.list(sql, &[]).await
    }
}
