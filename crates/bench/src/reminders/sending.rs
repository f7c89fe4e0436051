use std::collections::HashSet;

use anyhow::{Context as _, Result, ensure};
use baton::contract::Trigger;
use driver::http::Http;
use loopback_sms::{ACCOUNT, AUTH_TOKEN, LoopbackSms, NUMBER};
use serde_json::json;
use stack::{home::Home, scratch::Scratch};
use tokio_postgres::Client;

use super::figures::Sent;
use super::people;
use crate::child::Child;
use crate::measure::{call_job, configure};
use crate::meter::{Meter, settle_down};

/// The job that reminds of assignments.
const REMINDERS: &str = "follow-up-reminders";
/// The job that works auto-syncs.
const AUTO_SYNCS: &str = "auto-sync-jobs";

/// Reminds of so many assignments, in one cycle.
pub(super) async fn reminders(
    home: &Home,
    scratch: &Scratch,
    assignments: u32,
    batch: u32,
) -> Result<Sent> {
    let client = &scratch.client;
    configure(client, REMINDERS, [("batch_size", json!(batch))]).await?;
    let fill = async || people::add_assignments(client, assignments).await;
    let sent = all(home, scratch, REMINDERS, assignments, fill).await?;
    let cycles = client
        .query(
            "select status, done_items from baton.cycles where job = $1",
            &[&REMINDERS],
        )
        .await?;
    let cycles: Vec<(String, i64)> = cycles.iter().map(|it| (it.get(0), it.get(1))).collect();
    ensure!(
        cycles == [("completed".to_owned(), i64::from(assignments))],
        "not one cycle of {assignments} reminders: {cycles:?}"
    );
    Ok(sent)
}

/// Works one auto-sync, which writes to so many members, at the batch size that the job has by default.
pub(super) async fn auto_sync(home: &Home, scratch: &Scratch, members: u32) -> Result<Sent> {
    let fill = async || people::add_auto_sync(&scratch.client, members).await;
    all(home, scratch, AUTO_SYNCS, members, fill).await
}

/// Makes so many messages due, and sends them through the real component.
async fn all(
    home: &Home,
    scratch: &Scratch,
    job: &str,
    messages: u32,
    fill: impl AsyncFnOnce() -> Result<()>,
) -> Result<Sent> {
    let client = &scratch.client;
    people::set_up(client).await?;
    let batch: i32 = client
        .query_one("select batch_size from baton.jobs where name = $1", &[&job])
        .await?
        .get(0);
    let sms = LoopbackSms::start()
        .await
        .context("starting the stand-in for the provider")?;
    let child = start(home, scratch, &sms).await?;
    let http = child.http(home)?;
    let route = format!("/jobs/{job}");
    // Nothing is due yet, so this opens the connection and no more.
    call_until_done(&http, &route).await?;
    fill().await?;
    settle_down(client).await?;

    let meter = Meter::start(client, &child).await?;
    let calls = call_until_done(&http, &route).await?;
    let cost = meter.stop(client, child, messages, 0).await?;
    check_sent(client, &sms, messages).await?;
    Ok(Sent {
        messages,
        batch: u32::try_from(batch).context("reading the batch size")?,
        calls,
        cost,
    })
}

/// A host that sends by the stand-in and nobody else, whatever the environment says.
async fn start(home: &Home, scratch: &Scratch, sms: &LoopbackSms) -> Result<Child> {
    let variables = [
        "sms_provider=twilio".to_owned(),
        format!("sms_url={}", sms.url()),
        format!("sms_account={ACCOUNT}"),
        format!("sms_key={AUTH_TOKEN}"),
        format!("sms_from={NUMBER}"),
        "email_provider=none".to_owned(),
        "public_url=".to_owned(),
    ];
    let mut arguments = vec!["--no-tick", "--no-wakes"];
    arguments.extend(variables.iter().flat_map(|it| ["--variable", it.as_str()]));
    Child::start(home, &scratch.address, &arguments).await
}

/// Calls a job for as long as its answers ask for that, and says how often.
async fn call_until_done(http: &Http, route: &str) -> Result<u32> {
    let mut answer = call_job(http, route, Trigger::Manual).await?;
    let mut calls = 1;
    while answer["again"] == true {
        ensure!(answer["submitted"] != 0, "nothing was sent: {answer}");
        answer = call_job(http, route, Trigger::Next).await?;
        calls += 1;
    }
    Ok(calls)
}

/// Every message has to be at the provider, once, and known to be there.
async fn check_sent(client: &Client, sms: &LoopbackSms, messages: u32) -> Result<()> {
    let submitted: i64 = client
        .query_one(
            "select count(*) from baton.messages where status = 'submitted'",
            &[],
        )
        .await?
        .get(0);
    let sent = sms.messages();
    let numbers: HashSet<&str> = sent.iter().map(|it| it.to.as_str()).collect();
    ensure!(
        submitted == i64::from(messages)
            && (sent.len(), numbers.len()) == (messages as usize, messages as usize),
        "of {messages} messages the provider has {}, to {} numbers, and {submitted} count as sent",
        sent.len(),
        numbers.len()
    );
    Ok(())
}
