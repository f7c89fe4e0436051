mod figures;
mod load;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use baton::contract::Trigger;
use driver::http::Http;
use loopback_resolver::LoopbackResolver;
use serde_json::{Value, json};
use stack::{context::Context, database::Database, home::Home, scratch::Scratch};
use tokio_postgres::Client;

use crate::child::Child;
use crate::figures::Quantiles;
use crate::measure::{JOB, ROUTE};
use crate::measure::{call_job, configure, in_scratch, now, set_wake};
use figures::{Claim, Figures, Memory, Recovery, Throughput};

/// What `bench validate` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Contacts to validate at each batch size.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000), value_name = "N")]
    contacts: u32,
    /// Batch sizes to measure.
    #[arg(long, value_delimiter = ',', default_value = "50,500", value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "N,N")]
    batch: Vec<u32>,
    /// Numbers of contacts at which to measure how long a claim takes, such as 10000,1000000.
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1_000..=10_000_000), value_name = "N,N")]
    sizes: Vec<u32>,
}

/// How long one thing is measured, where time is what ends it.
const SPELL: Duration = Duration::from_secs(3);
/// How long a batch may take to reach the resolver.
const REACHES_WITHIN: Duration = Duration::from_secs(10);
/// When recovery is given up.
const RECOVERS_WITHIN: Duration = Duration::from_secs(120);
/// Claims measured at each size.
const CLAIMS: usize = 20;

/// Measures in a database of its own.
pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    home.check_components()?;
    let figures = Database::around(context, &home, async |database| {
        in_scratch(context, database, async |it| {
            measure(&args, &home, it).await
        })
        .await
    })
    .await?;
    context.output.result(&figures, || figures.text())
}

async fn measure(args: &Args, home: &Home, scratch: &Scratch) -> Result<Figures> {
    let client = &scratch.client;
    set_wake(client, "none").await?;
    let resolver = LoopbackResolver::start()
        .await
        .context("starting the resolver")?;
    load::fill(client, 1_000).await?;
    let baseline = load::baseline(client, SPELL).await?;

    let url = resolver.url();
    let arguments = ["--no-tick", "--no-wakes", "--resolver", &url];
    let child = Child::start(home, &scratch.address, &arguments).await?;
    let http = child.http(home)?;
    let at_rest = child.memory("VmRSS")?;
    let mut throughput = Vec::new();
    for batch in &args.batch {
        throughput.push(validate_all(client, &http, *batch, args.contacts).await?);
    }
    let under_load = child.memory("VmHWM")?;

    unlimited(client, 50).await?;
    load::fill(client, 1_000).await?;
    let mut skipped = Vec::new();
    for connections in [1, 8] {
        resolver.hold();
        let held = hold_a_batch(&http, &resolver).await?;
        skipped.push(load::skipped(&http, connections, SPELL).await?);
        resolver.release();
        held.await??;
    }

    let recovery = recover(home, scratch, &http, &resolver, child).await?;
    let mut claims = Vec::new();
    for size in &args.sizes {
        claims.push(claim(client, *size).await?);
    }
    Ok(Figures {
        contacts: args.contacts,
        baseline,
        throughput,
        skipped,
        memory: Memory {
            at_rest_mib: at_rest,
            under_load_mib: under_load,
        },
        recovery,
        claims,
    })
}

/// Validates all contacts, batch after batch.
async fn validate_all(
    client: &Client,
    http: &Http,
    batch: u32,
    contacts: u32,
) -> Result<Throughput> {
    unlimited(client, batch).await?;
    load::fill(client, contacts).await?;
    let before = load::written(client).await?;
    let start = now();
    let mut settled = 0;
    loop {
        // As the scheduler calls: batch after batch.
        let answer = call_job(http, ROUTE, Trigger::Next).await?;
        settled += answer["settled"].as_u64().unwrap_or(0);
        if answer["again"] != true {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let after = load::written(client).await?;
    let per_contact = |n: i64| n as f64 / f64::from(contacts);
    ensure!(
        settled == u64::from(contacts),
        "{settled} of {contacts} contacts were settled"
    );
    Ok(Throughput {
        batch,
        contacts_per_second: f64::from(contacts) / seconds,
        wal_bytes_per_contact: per_contact(after.wal_bytes - before.wal_bytes),
        write_transactions_per_contact: per_contact(after.transactions - before.transactions),
    })
}

/// Kills the host in the middle of a batch, starts another, and waits until a batch is settled.
async fn recover(
    home: &Home,
    scratch: &Scratch,
    http: &Http,
    resolver: &LoopbackResolver,
    child: Child,
) -> Result<Recovery> {
    let client = &scratch.client;
    load::fill(client, 1_000).await?;
    resolver.hold();
    let held = hold_a_batch(http, resolver).await?;
    child.kill().await?;
    resolver.release();
    // Its host is dead, so this request has failed.
    let _ = held.await?;
    set_wake(client, "listen").await?;
    let settled = async || -> Result<i64> {
        let sql =
            "select coalesce(sum(validated_count), 0)::bigint from baton_board.validation_progress";
        Ok(client.query_one(sql, &[]).await?.get(0))
    };
    let before = settled().await?;
    let start = now();
    let child = Child::start(home, &scratch.address, &["--resolver", &resolver.url()]).await?;
    let ready = start.elapsed();
    let recovering = async {
        while settled().await? <= before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    let recovered = match tokio::time::timeout(RECOVERS_WITHIN, recovering).await {
        Ok(recovered) => {
            recovered?;
            Some((start.elapsed() - ready).as_secs_f64())
        }
        Err(_elapsed) => None,
    };
    child.kill().await?;
    load::end_other_sessions(client).await?;
    Ok(Recovery {
        start_seconds: ready.as_secs_f64(),
        first_batch_seconds: recovered,
    })
}

/// How long a claim takes with so many contacts due, each in a transaction that is taken back.
async fn claim(client: &Client, contacts: u32) -> Result<Claim> {
    load::fill(client, contacts).await?;
    client
        .batch_execute("vacuum analyze public.contacts")
        .await?;
    client
        .batch_execute("select baton_api.start_validation_session()")
        .await?;
    let mut milliseconds = Vec::new();
    for _ in 0..CLAIMS {
        client.batch_execute("begin").await?;
        let start = now();
        client
            .query_one(
                "select baton_api.claim_contacts('manual', 'bench')->'status'",
                &[],
            )
            .await?;
        milliseconds.push(start.elapsed().as_secs_f64() * 1_000.0);
        client.batch_execute("rollback").await?;
    }
    Ok(Claim {
        contacts,
        p50_ms: Quantiles::of(milliseconds).p50_ms,
    })
}

type Held = tokio::task::JoinHandle<Result<Value>>;

/// Posts a batch, and returns when it waits for the resolver.
async fn hold_a_batch(http: &Http, resolver: &LoopbackResolver) -> Result<Held> {
    let posting = http.clone();
    let held = tokio::spawn(async move { call_job(&posting, ROUTE, Trigger::Manual).await });
    tokio::time::timeout(REACHES_WITHIN, resolver.until_waiting(1))
        .await
        .context("waiting for a batch to reach the resolver")?;
    Ok(held)
}

async fn unlimited(client: &Client, batch: u32) -> Result<()> {
    let changes = [
        ("batch_size", json!(batch)),
        ("rate_per_minute", json!(null)),
    ];
    configure(client, JOB, changes).await
}
