//! A replica that lacks the last commits is promoted, and transactions that were prepared.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use baton::contract::{Claim, Trigger};
use cluster::{Cluster, Options};
use serde_json::json;
use tokio::process::Command;

use crate::support::daemon::{Daemon, StateDir, free_ports, program};
use crate::support::db::Db;
use crate::support::settling::claim;
use crate::support::settling::messages::{
    claim_reminders, claimed, letter_to, no_quiet_hours, submit,
};
use crate::support::until;
use crate::support::variant::Variant;

/// A streaming replica of a server, in a folder of its own.
struct Replica {
    url: String,
    _server: Daemon,
    _state: StateDir,
}

impl Replica {
    async fn of(primary: &Cluster, bin: &Path, database: &str) -> anyhow::Result<Replica> {
        let state = StateDir::new(&["postgres", "nobody"])?;
        let data = state.path().join("data");
        let primary_url = primary.owner_url("postgres");
        let copied = Command::new(bin.join("pg_basebackup"))
            .args(["--dbname", &primary_url, "-D"])
            .arg(&data)
            .args(["--write-recovery-conf", "--checkpoint=fast"])
            .stdin(Stdio::null())
            .output()
            .await?;
        anyhow::ensure!(
            copied.status.success(),
            "{}",
            String::from_utf8_lossy(&copied.stderr)
        );
        state.give_all()?;
        let [port] = free_ports()?;
        let data = data.to_str().context("a path that is not UTF-8")?;
        let port_text = port.to_string();
        let args = [
            "-D",
            data,
            "-p",
            &port_text,
            "-c",
            "unix_socket_directories=",
        ];
        let mut server = Daemon::start("postgres", &bin.join("postgres"), &args, &state)?;
        let url = primary
            .owner_url(database)
            .replace(&format!(":{}/", primary.port()), &format!(":{port}/"));
        // A standby refuses sessions whose default is serializable.
        let url = format!("{url}&options=-c%20default_transaction_isolation%3Dread%5C%20committed");
        server
            .until_ready(async || {
                host::pg::connect(&url).await?;
                Ok(())
            })
            .await?;
        Ok(Replica {
            url,
            _server: server,
            _state: state,
        })
    }
}

/// The primary takes the submission with it when it dies: the replica believes that the messages never went out.
#[tokio::test]
async fn after_a_promotion_nothing_goes_out_blindly() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    // The installed version, because pg_basebackup has to be of the same.
    let options = Options {
        programs: None,
        ..Variant::read()?.options(&[("max_wal_senders", "4")])?
    };
    let primary = Cluster::start(&dir.path().join("primary"), options).await?;
    let db = Db::on(&primary).await?;
    no_quiet_hours(&db).await?;
    db.add_assignments(5).await?;
    let worker = db.worker().await?;
    let first = claimed(claim_reminders(&worker, Trigger::Manual).await?)?;
    let bin = newest_bin("pg_basebackup").or_else(|_| program("pg_basebackup"))?;
    let bin = bin.parent().context("it lies in a folder")?;
    let replica = Replica::of(&primary, bin, &db.name).await?;
    let standby = host::pg::connect(&replica.url).await?;
    until("the replica has caught up", async || {
        let there = "select count(*) from baton.messages where status = 'reserved'";
        Ok((standby.query_one(there, &[]).await?.get::<_, i64>(0) == 5).then_some(()))
    })
    .await?;
    standby
        .batch_execute("alter system set primary_conninfo = ''")
        .await?;
    standby.batch_execute("select pg_reload_conf()").await?;
    until("the replica receives nothing more", async || {
        let receivers = "select count(*) from pg_stat_wal_receiver";
        Ok((standby.query_one(receivers, &[]).await?.get::<_, i64>(0) == 0).then_some(()))
    })
    .await?;

    let letters = first.messages.iter().map(letter_to).collect();
    submit(&worker, first.attempt_id, Vec::new(), letters).await?;
    let submitting = "select count(*) from baton.messages where status = 'submitting'";
    assert_eq!(
        db.count(submitting).await?,
        5,
        "the provider hears of them now"
    );
    primary.kill_immediate().await?;
    standby.execute("select pg_promote()", &[]).await?;
    until("the replica is the primary", async || {
        let promoted = "select not pg_is_in_recovery()";
        Ok(standby
            .query_one(promoted, &[])
            .await?
            .get::<_, bool>(0)
            .then_some(()))
    })
    .await?;
    assert_eq!(
        standby.query_one(submitting, &[]).await?.get::<_, i64>(0),
        0,
        "the submission is lost"
    );

    let worker = host::pg::connect(&replica.url).await?;
    worker
        .batch_execute("set default_transaction_isolation = 'read committed'; set session authorization test_components")
        .await?;
    // The lease of the dead sender is over.
    standby
        .batch_execute("update baton.attempts set leased_until = now() - interval '1 second' where finished_at is null")
        .await?;
    let next = claim_reminders(&worker, Trigger::Tick).await?;
    assert!(
        matches!(&next, Claim::Skipped { reason, .. } if reason == "paused"),
        "{next:?}"
    );
    let shown = "select count(*) from baton_board.job_overview where state = 'paused' and reason like 'the database failed over%'";
    assert_eq!(standby.query_one(shown, &[]).await?.get::<_, i64>(0), 2);
    Ok(())
}

/// Transaction managers prepare transactions, and PostgreSQL prepares none that notified.
#[tokio::test]
async fn a_transaction_that_wrote_contacts_can_be_prepared() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let settings = [("max_prepared_transactions", "4"), ("fsync", "off")];
    let options = Variant::read()?.options(&settings)?;
    let cluster = Cluster::start(&dir.path().join("cluster"), options).await?;
    let db = Db::on(&cluster).await?;
    let latest = "select latest from baton.woken_since(0)";
    let before: i64 = db.owner.query_one(latest, &[]).await?.get(0);
    db.owner
        .batch_execute("begin; insert into contacts (email) values ('a@x.test'); prepare transaction 'two-phase'")
        .await?;
    db.owner
        .batch_execute("commit prepared 'two-phase'")
        .await?;
    let woken = "select routes from baton.woken_since($1)";
    let routes: Vec<String> = db.owner.query_one(woken, &[&before]).await?.get(0);
    assert_eq!(routes, ["/jobs/validate-contacts"]);
    assert!(matches!(
        claim(&db.worker().await?, Trigger::Wake).await?,
        Claim::Claimed(_)
    ));

    // A listener finds it without a notification.
    let source = driver::Source {
        database_url: db.url.clone(),
        trust: host::pg::Trust::system(),
        channel: "baton_wake".to_owned(),
        poll: "select routes, latest from baton.woken_since($1)".to_owned(),
        after_loss: "/tick".to_owned(),
    };
    let (listening, mut listens) = tokio::sync::watch::channel(false);
    let (posted, mut posts) = tokio::sync::mpsc::unbounded_channel();
    let post = move |path: String, trigger: &'static str| {
        let posted = posted.clone();
        async move {
            posted.send((path, trigger)).map_err(|it| it.to_string())?;
            Ok((
                200,
                bytes::Bytes::from(json!({ "again": false }).to_string()),
            ))
        }
    };
    let writing = async {
        listens.wait_for(|it| *it).await?;
        for n in 0.. {
            let insert = format!("insert into contacts (email) values ('{n}@x.test')");
            db.owner.batch_execute(&insert).await?;
            if let Ok(heard) = tokio::time::timeout(Duration::from_secs(3), posts.recv()).await {
                return anyhow::Ok(heard);
            }
        }
        anyhow::bail!("nothing was heard")
    };
    tokio::select! {
        () = driver::relay(&source, &listening, post) => anyhow::bail!("the relay ended"),
        heard = writing => assert_eq!(heard?, Some(("/jobs/validate-contacts".to_owned(), "wake"))),
    }
    Ok(())
}

/// A program of the newest PostgreSQL that Debian's packages installed.
fn newest_bin(name: &str) -> anyhow::Result<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")?
        .filter_map(|it| Some(it.ok()?.path().join("bin").join(name)))
        .filter(|it| it.is_file())
        .collect();
    found.sort();
    found
        .pop()
        .with_context(|| format!("{name} is not installed; `scripts/setup` installs it"))
}
