//! The application and the stand-in for Twilio, made known to each other.

use std::collections::BTreeMap;

use loopback_sms::{ACCOUNT, AUTH_TOKEN, LoopbackSms, NUMBER};
use serde_json::Value;

use super::app::{App, Setup};
use super::db::Db;
use super::settling::messages::no_quiet_hours;

/// Where the stand-in believes the application to be; what it posts there is for the test to deliver.
pub(crate) const PUBLIC_URL: &str = "https://baton.example";

/// What is not at its end: messages that wait or are under way, assignments without a reminder, and open attempts.
const LEFT: &str = "select (select count(*) from messages where due_at is not null or attempt_id is not null)
                         + (select count(*) from assignments where last_reminder_at is null)
                         + (select count(*) from job_queue where status = 'pending' and scheduled_at <= baton.clock())
                         + (select count(*) from attempts where finished_at is null)";
/// So many minutes and then so many times twenty: longer than it takes to ask twice about what is unknown.
const ROUNDS: [(usize, &str); 2] = [(5, "1 minute"), (10, "20 minutes")];

/// Text messages by this stand-in, DNS off.
pub(crate) fn setup(sms: &LoopbackSms) -> Setup {
    variables(sms)
        .into_iter()
        .fold(Setup::offline(), |setup, (name, value)| {
            setup.with(name, value)
        })
}

/// The variables by which text messages go to this stand-in.
pub(crate) fn variables(sms: &LoopbackSms) -> [(&'static str, String); 6] {
    [
        ("sms_provider", "twilio".to_owned()),
        ("sms_url", sms.url()),
        ("sms_account", ACCOUNT.to_owned()),
        ("sms_key", AUTH_TOKEN.to_owned()),
        ("sms_from", NUMBER.to_owned()),
        ("public_url", PUBLIC_URL.to_owned()),
    ]
}

/// Stops the stand-in's clock at the database's time; needed again whenever that advances.
pub(crate) async fn agree_on_time(db: &Db, sms: &LoopbackSms) -> anyhow::Result<()> {
    let seconds = "select floor(extract(epoch from baton.clock()))::bigint";
    sms.set_clock(Some(db.owner.query_one(seconds, &[]).await?.get(0)));
    Ok(())
}

/// Sets both clocks right and going again.
pub(crate) async fn let_time_go_on(db: &Db, sms: &LoopbackSms) -> anyhow::Result<()> {
    let sql = "update baton.test_clock set at = null";
    db.owner.batch_execute(sql).await?;
    sms.set_clock(None);
    Ok(())
}

/// The number of the mentor of the `n`-th assignment of [`Db::add_assignments`].
pub(crate) fn mentor(n: usize) -> String {
    format!("+4179{}", 1_000_000 + n)
}

/// The number of the `n`-th member of a crew of [`Db::add_auto_sync`].
pub(crate) fn member(n: usize) -> String {
    format!("+4178{}", 1_000_000 + n)
}

/// A database, the stand-in and the application, without quiet hours, and with clocks that stand still.
pub(crate) struct Scene {
    pub(crate) db: Db,
    pub(crate) sms: LoopbackSms,
    pub(crate) app: App,
}

impl Scene {
    /// With so many assignments that are due for a reminder.
    pub(crate) async fn new(assignments: i32) -> anyhow::Result<Scene> {
        Scene::with(assignments, setup).await
    }

    /// The same with the application as a test wants it.
    pub(crate) async fn with(
        assignments: i32,
        setup: impl FnOnce(&LoopbackSms) -> Setup,
    ) -> anyhow::Result<Scene> {
        let (db, sms) = stage(assignments).await?;
        let app = App::start(&db, setup(&sms)).await?;
        Ok(Scene { db, sms, app })
    }

    /// The same place with another application.
    pub(crate) async fn restart(
        self,
        setup: impl FnOnce(&LoopbackSms) -> Setup,
    ) -> anyhow::Result<Scene> {
        let Scene { db, sms, app } = self;
        app.stop().await;
        let app = App::start(&db, setup(&sms)).await?;
        Ok(Scene { db, sms, app })
    }

    /// Moves both clocks.
    pub(crate) async fn advance(&self, by: &str) -> anyhow::Result<()> {
        self.db.advance(by).await?;
        agree_on_time(&self.db, &self.sms).await
    }

    /// One tick, which has to get through.
    pub(crate) async fn tick(&self) -> anyhow::Result<Value> {
        let (status, answer) = self.app.tick().await?;
        anyhow::ensure!(
            status == 200 && answer["status"] == "done",
            "{status} {answer}"
        );
        Ok(answer)
    }

    /// Tick by tick, until nothing is left to be done.
    pub(crate) async fn settle_down(&self) -> anyhow::Result<()> {
        let waits = ROUNDS.map(|(n, wait)| std::iter::repeat_n(wait, n));
        for wait in waits.into_iter().flatten() {
            self.advance(wait).await?;
            // Who died before there was a cycle left nothing that a tick would go on with.
            if self.db.count("select count(*) from cycles").await? == 0 {
                self.app.remind().await?;
            }
            // One in which a fault strikes goes on until its deadline.
            let (status, answer) = self.app.tick().await?;
            anyhow::ensure!([200, 504].contains(&status), "{status} {answer}");
            if self.db.count(LEFT).await? == 0 {
                return Ok(());
            }
        }
        anyhow::bail!("it never ends: {:?}", self.states().await?)
    }

    /// How many messages stand where, and why.
    pub(crate) async fn states(&self) -> anyhow::Result<BTreeMap<String, i64>> {
        states(&self.db).await
    }

    /// That each of these numbers got one message, and nobody else any.
    pub(crate) fn each_got_one(&self, numbers: impl Iterator<Item = String>) -> anyhow::Result<()> {
        each_got_one(&self.sms, numbers)
    }
}

/// A database with so many assignments that are due for a reminder, and a stand-in.
pub(crate) async fn stage(assignments: i32) -> anyhow::Result<(Db, LoopbackSms)> {
    let (db, sms) = (Db::new().await?, LoopbackSms::start().await?);
    db.freeze().await?;
    agree_on_time(&db, &sms).await?;
    no_quiet_hours(&db).await?;
    db.add_assignments(assignments).await?;
    Ok((db, sms))
}

/// How many messages stand where, and why.
pub(crate) async fn states(db: &Db) -> anyhow::Result<BTreeMap<String, i64>> {
    let sql = "select concat_ws(' ', status, reason), count(*) from message_log group by 1";
    let rows = db.owner.query(sql, &[]).await?;
    Ok(rows.iter().map(|it| (it.get(0), it.get(1))).collect())
}

/// That each of these numbers got one message, and nobody else any.
pub(crate) fn each_got_one(
    sms: &LoopbackSms,
    numbers: impl Iterator<Item = String>,
) -> anyhow::Result<()> {
    let mut expected: Vec<String> = numbers.collect();
    let mut got: Vec<String> = sms.messages().into_iter().map(|it| it.to).collect();
    expected.sort();
    got.sort();
    anyhow::ensure!(got == expected, "messages went to {got:?}");
    Ok(())
}

/// What [`Scene::states`] answers.
pub(crate) fn tally<const N: usize>(counts: [(&str, i64); N]) -> BTreeMap<String, i64> {
    counts.map(|(state, n)| (state.to_owned(), n)).into()
}
