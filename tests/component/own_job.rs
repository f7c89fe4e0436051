//! `examples/own-job`: a job that an application made, as a component of its own beside the scheduler.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use host::{FaultKind, FaultPlan};
use hyper::{Request, Response};
use serde_json::json;

use crate::support::app::{App, Setup};
use crate::support::db::Db;
use crate::support::scripted::Scripted;
use crate::support::server::lock;

const MANIFEST: &str = "examples/own-job/spin.toml";
const PATH: &str = "/jobs/invoice-export";

/// The bank: it answers what it is told to, and keeps the keys under which each invoice came.
struct Bank {
    server: Scripted,
    status: Arc<Mutex<u16>>,
}

impl Bank {
    async fn start() -> anyhow::Result<Bank> {
        let status = Arc::new(Mutex::new(201));
        let answer = Arc::clone(&status);
        let server = Scripted::start(move |_: &Request<Bytes>| {
            let mut response = Response::new(Bytes::new());
            let status = *lock(&answer);
            *response.status_mut() = status.try_into().expect("the tests use known statuses");
            response
                .headers_mut()
                .insert("retry-after", "7".parse().expect("digits are a value"));
            response
        })
        .await?;
        Ok(Bank { server, status })
    }

    fn answer(&self, status: u16) {
        *lock(&self.status) = status;
    }

    /// The idempotency keys of each invoice, in the order in which they came.
    fn keys(&self) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
        let mut keys = BTreeMap::<String, Vec<String>>::new();
        for request in self.server.asked() {
            let key = request.headers()["idempotency-key"].to_str()?.to_owned();
            keys.entry(request.uri().path().to_owned())
                .or_default()
                .push(key);
        }
        Ok(keys)
    }
}

/// A database with the job, so many invoices, and the clock stopped.
async fn database(invoices: i32) -> anyhow::Result<Db> {
    let db = Db::new().await?;
    db.freeze().await?;
    let migration = include_str!("../../examples/own-job/migrations/1_invoice_export.sql");
    // Safe to run again, as it says.
    for _ in 0..2 {
        db.owner.batch_execute(migration).await?;
    }
    db.let_log_in("invoice-export").await?;
    let insert = format!(
        "insert into public.invoices (number, cents) select 'R-' || g, 100 * g from generate_series(1, {invoices}) g"
    );
    db.owner.batch_execute(&insert).await?;
    Ok(db)
}

async fn application(db: &Db, bank: &Bank, faults: Option<FaultPlan>) -> anyhow::Result<App> {
    let mut setup = Setup::of(MANIFEST, vec![("bank_url", bank.server.url(""))]);
    setup.faults = faults;
    App::start(db, setup).await
}

async fn statuses(db: &Db) -> anyhow::Result<Vec<String>> {
    let sql = "select status || ' ' || count(*) from baton.items group by status order by 1";
    db.list(sql, &[]).await
}

#[tokio::test]
async fn a_tick_exports_every_invoice_once() -> anyhow::Result<()> {
    let (db, bank) = (database(45).await?, Bank::start().await?);
    let app = application(&db, &bank, None).await?;
    let (status, answer) = app.tick().await?;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("done")),
        "{answer}"
    );
    assert_eq!(statuses(&db).await?, ["completed 45"]);
    let keys = bank.keys()?;
    assert_eq!(keys.len(), 45);
    assert!(keys.values().all(|it| it.len() == 1), "{keys:?}");
    let (status, answer) = app.post(PATH, "").await?;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("idle")),
        "{answer}"
    );
    Ok(())
}

#[tokio::test]
async fn one_call_does_batches_for_a_tick_and_one_batch_for_a_person() -> anyhow::Result<()> {
    let (db, bank) = (database(65).await?, Bank::start().await?);
    let app = application(&db, &bank, None).await?;
    let (status, answer) = app.post(PATH, "").await?;
    assert_eq!(status, 200, "{answer} {}", app.log("invoice-export"));
    assert_eq!(
        (&answer["claimed"], &answer["again"]),
        (&json!(20), &json!(true)),
        "{answer}"
    );
    let (status, answer) = app.post(PATH, r#"{"trigger": "next"}"#).await?;
    assert_eq!(status, 200, "{answer}");
    let expected = json!({
        "status": "ran", "claimed": 45, "completed": 45, "retried": 0, "failed": 0, "left": 0, "again": false, "again_in": null,
    });
    assert_eq!(answer, expected);
    Ok(())
}

#[tokio::test]
async fn a_busy_bank_is_left_alone_and_the_try_does_not_count() -> anyhow::Result<()> {
    let (db, bank) = (database(1).await?, Bank::start().await?);
    let app = application(&db, &bank, None).await?;
    bank.answer(429);
    app.post(PATH, "").await?;
    bank.answer(201);
    let (_, answer) = app.post(PATH, "").await?;
    assert_ne!(answer["status"], "ran", "{answer}");
    assert_eq!(bank.server.asked().len(), 1);
    assert_eq!(db.count("select sum(attempts) from baton.items").await?, 0);
    db.advance("8 seconds").await?;
    let (_, answer) = app.post(PATH, "").await?;
    assert_eq!(answer["completed"], 1, "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_broken_bank_is_asked_five_times_and_then_the_invoice_is_a_dead_letter()
-> anyhow::Result<()> {
    let (db, bank) = (database(1).await?, Bank::start().await?);
    let app = application(&db, &bank, None).await?;
    bank.answer(500);
    for attempt in 1..=5 {
        // After so long every backoff is over.
        db.advance("1 day").await?;
        let (status, answer) = app.post(PATH, "").await?;
        assert_eq!((status, &answer["claimed"]), (200, &json!(1)), "{answer}");
        assert_eq!(answer["retried"], i32::from(attempt < 5), "{answer}");
        assert_eq!(bank.server.asked().len(), attempt);
        let (_, answer) = app.post(PATH, "").await?;
        assert_ne!(answer["status"], "ran", "no backoff: {answer}");
    }
    assert_eq!(statuses(&db).await?, ["failed 1"]);
    let errors = db.list("select error from baton.items", &[]).await?;
    let expected = format!(
        "PUT {}: the server answered 500",
        bank.server.url("/invoices/R-1")
    );
    assert_eq!(errors, [expected]);
    let keys = bank.keys()?;
    let keys: BTreeSet<&String> = keys["/invoices/R-1"].iter().collect();
    assert_eq!(keys.len(), 1, "one key for all tries");
    Ok(())
}

#[tokio::test]
async fn data_without_a_field_fails_alone() -> anyhow::Result<()> {
    let (db, bank) = (database(1).await?, Bank::start().await?);
    db.owner
        .batch_execute("select baton.enqueue('invoice-export', '{\"number\": \"R-0\"}')")
        .await?;
    let app = application(&db, &bank, None).await?;
    let (_, answer) = app.post(PATH, "").await?;
    assert_eq!(
        (&answer["completed"], &answer["failed"]),
        (&json!(1), &json!(1)),
        "{answer}"
    );
    let errors = "select error from baton.items where status = 'failed'";
    assert_eq!(db.list(errors, &[]).await?, ["data: missing field `cents`"]);
    Ok(())
}

/// Three invoices: a connection, a claim, three requests, a settlement.
#[tokio::test]
async fn a_death_at_any_call_loses_and_doubles_nothing() -> anyhow::Result<()> {
    for nth_call in 1..=6 {
        for kind in [FaultKind::Trap, FaultKind::AfterTrap] {
            let (db, bank) = (database(3).await?, Bank::start().await?);
            let plan = FaultPlan {
                component: "invoice-export".to_owned(),
                nth_call,
                kind,
            };
            let app = application(&db, &bank, Some(plan)).await?;
            let (status, _) = app.post(PATH, "").await?;
            assert_eq!(status, 500, "{kind:?} in call {nth_call}");
            // Longer than a lease, and than the pause after a death.
            db.advance("1 minute").await?;
            let (status, answer) = app.tick().await?;
            assert_eq!(status, 200, "{answer}");
            assert_eq!(
                statuses(&db).await?,
                ["completed 3"],
                "{kind:?} in call {nth_call}"
            );
            for (invoice, keys) in bank.keys()? {
                let keys: BTreeSet<String> = keys.into_iter().collect();
                assert_eq!(keys.len(), 1, "{invoice}: a bank takes it once");
            }
        }
    }
    Ok(())
}
