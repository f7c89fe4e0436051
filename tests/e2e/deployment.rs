use std::process::Stdio;

use anyhow::Context as _;
use hyper::StatusCode;
use serde_json::Value;
use tokio::process::Command;

use crate::support::baton::{Home, Up};
use crate::support::daemon::free_ports;
use crate::support::db::Db;
use crate::support::jmap::{Jmap, PASSWORD, USER};
use crate::support::receiver::Receiver;

/// The program that `scripts/check-deployment` builds and runs.
const PROGRAM: &str = env!("CARGO_BIN_EXE_check-deployment");

/// A webhook secret of no deployment.
const SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A deployment by `baton up` and what its checks need.
struct Deployment {
    db: Db,
    home: Home,
    up: Up,
    stand_ins: String,
}

impl Deployment {
    /// Started with the variables that the checks ask for, except `without`.
    async fn start(without: &[&str]) -> anyhow::Result<Deployment> {
        let (db, home) = (Db::new().await?, Home::new()?);
        let (stand_ins, port) = ports()?;
        let url = format!("http://127.0.0.1:{port}");
        let asked = run(&mut program(&url, &stand_ins, &["--variables"])).await?;
        let is_wanted = |it: &&str| !without.iter().any(|name| it.starts_with(name));
        let variables = asked.out.lines().filter(is_wanted);
        let variables = variables.flat_map(|it| ["--variable", it]);
        let listen = format!("127.0.0.1:{port}");
        let args: Vec<&str> = ["--no-tick"].into_iter().chain(variables).collect();
        let up = home.up_at(&listen, &db, &args).await?;
        Ok(Deployment {
            db,
            home,
            up,
            stand_ins,
        })
    }

    fn check(&self, args: &[&str]) -> Command {
        let mut command = program(&self.up.url, &self.stand_ins, args);
        command
            .args(["--key-file", ".baton/service-key"])
            .args(["--webhook-file", ".baton/webhook-secret"])
            .env("DATABASE_URL", &self.db.url)
            .current_dir(self.home.path());
        command
    }
}

/// The first of three free ports in a row, as an address, and another one.
fn ports() -> anyhow::Result<(String, u16)> {
    for _ in 0..100 {
        let [first, other] = free_ports()?;
        let is_free = |port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        if first < u16::MAX - 2 && (first + 1..=first + 2).all(|it| it != other && is_free(it)) {
            return Ok((format!("127.0.0.1:{first}"), other));
        }
    }
    anyhow::bail!("there are no three free ports in a row")
}

fn program(url: &str, stand_ins: &str, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args([url, "--stand-ins", stand_ins])
        .args(args)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn run(command: &mut Command) -> anyhow::Result<Ended> {
    let ended = command.output().await?;
    Ok(Ended {
        code: ended.status.code(),
        out: String::from_utf8(ended.stdout)?,
        err: String::from_utf8(ended.stderr)?,
    })
}

/// Settings that an operator made, and everything that checks could leave behind.
async fn state(db: &Db) -> anyhow::Result<Option<String>> {
    db.text(
        "select jsonb_build_array(
           (select jsonb_agg(j order by j.name) from baton.jobs j), (select jsonb_agg(to_jsonb(s) - array['server_history', 'hold_revision']) from baton.settings s),
           (select count(*) from contacts), (select count(*) from assignments), (select count(*) from auto_syncs),
           (select count(*) from crews), (select count(*) from baton.sources), (select count(*) from synced_emails),
           (select count(*) from baton.messages), (select count(*) from baton.opt_outs))",
    )
    .await
}

#[tokio::test]
async fn a_sound_deployment_passes_every_check() -> anyhow::Result<()> {
    let deployment = Deployment::start(&[]).await?;
    let before = state(&deployment.db).await?;
    let jmap = Jmap::start(3).await?;
    let mut command = deployment.check(&["--json", "--jmap-url", &jmap.url(), "--jmap-user", USER]);
    let ended = run(command.env("BATON_SYNC_SECRET", PASSWORD)).await?;
    let report: Value = serde_json::from_str(&ended.out).context(ended.err)?;
    let checks = report["checks"].as_array().context("there are no checks")?;
    let not_ok: Vec<_> = checks.iter().filter(|it| it["result"] != "ok").collect();
    assert!(not_ok.is_empty(), "{not_ok:#?}");
    assert_eq!(ended.code, Some(0));
    assert_eq!(state(&deployment.db).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_broken_deployment_fails_the_checks_of_what_is_broken() -> anyhow::Result<()> {
    let deployment = Deployment::start(&["email_url", "public_url"]).await?;
    let db = &deployment.db;
    db.owner
        .batch_execute("select baton_api.pause_job('process-chunks', 'test', 'audit')")
        .await?;
    let before = state(db).await?;
    let only = [
        "healthz-get",
        "again",
        "sms-reminder",
        "sms-delivered",
        "sms-stop",
        "email-reminder",
    ];
    let args: Vec<&str> = only.iter().flat_map(|it| ["--only", it]).collect();
    let ended = run(&mut deployment.check(&args)).await?;
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    for (check, result, text) in [
        ("healthz-get", "ok", "200"),
        ("sms-reminder", "ok", "one text"),
        (
            "sms-delivered",
            "FAILED",
            "expected the variable public_url",
        ),
        ("sms-stop", "FAILED", "-> 404"),
        ("email-reminder", "FAILED", "expected 200 ran, one e-mail"),
        ("again", "FAILED", "\"reason\":\"paused\""),
    ] {
        let line = ended
            .out
            .lines()
            .find(|it| it.contains(&format!(" {check} ")));
        let line = line.with_context(|| format!("no line of {check}: {}", ended.out))?;
        assert!(line.starts_with(result) && line.contains(text), "{line}");
    }
    assert_eq!(state(db).await?, before, "the pause included");
    Ok(())
}

#[tokio::test]
async fn a_source_that_cannot_be_reached_fails_its_check() -> anyhow::Result<()> {
    let deployment = Deployment::start(&["sync_hosts"]).await?;
    let ended = run(&mut deployment.check(&["--only", "json-sync"])).await?;
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    let expected = "expected completed, with the variable sync_hosts";
    assert!(ended.out.contains(expected), "{}", ended.out);
    Ok(())
}

#[tokio::test]
async fn the_wrong_key_fails_every_check_that_needs_it() -> anyhow::Result<()> {
    let deployment = Deployment::start(&[]).await?;
    let file = deployment.home.path().join("another-key");
    std::fs::write(&file, "a-key-of-another-deployment")?;
    let mut command = program(&deployment.up.url, &deployment.stand_ins, &["--json"]);
    command
        .arg("--key-file")
        .arg(&file)
        .args([
            "--only",
            "routes",
            "--only",
            "no-key",
            "--only",
            "webhook-valid",
        ])
        .env("BATON_WEBHOOK_SECRET", SECRET)
        .env("DATABASE_URL", &deployment.db.url);
    let ended = run(&mut command).await?;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out)?;
    let without_key = [
        "healthz-get",
        "healthz-head",
        "healthz-post",
        "unknown-routes",
        "no-key",
    ];
    assert_eq!(names(&report, "ok"), without_key);
    Ok(())
}

/// Answers every request with this status and no body.
async fn answer_everything(with: StatusCode, db: &Db) -> anyhow::Result<Value> {
    let server = Receiver::start().await?;
    server.answer_with(with);
    let (stand_ins, _) = ports()?;
    let mut command = program(&server.url(), &stand_ins, &["--json"]);
    command
        .env("BATON_SERVICE_KEY", "a-key-of-no-deployment")
        .env("BATON_WEBHOOK_SECRET", SECRET)
        .env("DATABASE_URL", &db.url);
    let ended = run(&mut command).await?;
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    serde_json::from_str(&ended.out).context(ended.err)
}

fn names<'a>(report: &'a Value, result: &str) -> Vec<&'a str> {
    let checks = report["checks"].as_array().into_iter().flatten();
    let checks = checks.filter(|it| it["result"] == result);
    checks.filter_map(|it| it["name"].as_str()).collect()
}

#[tokio::test]
async fn a_server_that_does_nothing_passes_no_check_of_the_deployment() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let report = answer_everything(StatusCode::INTERNAL_SERVER_ERROR, &db).await?;
    assert_eq!(names(&report, "ok"), ["nothing-left-behind"]);
    assert_eq!(names(&report, "skipped"), ["jmap-sync"]);

    // What a component would leave behind, and a server that agrees to everything.
    let left = db.session().await?;
    left.batch_execute("begin; select pg_advisory_xact_lock(123456789)")
        .await?;
    let report = answer_everything(StatusCode::OK, &db).await?;
    assert_eq!(names(&report, "ok"), ["healthz-head"]);
    Ok(())
}

#[tokio::test]
async fn a_refusal_that_leaves_a_trace_fails_its_check() -> anyhow::Result<()> {
    let deployment = Deployment::start(&[]).await?;
    // The number of sync jobs is another one whenever it is asked for.
    let sql = "alter table baton.sync_jobs rename to renamed;
               create view baton.sync_jobs as select r.* from baton.renamed r
               right join generate_series(1, 1 + (random() * 1000000)::int) on false";
    deployment.db.owner.batch_execute(sql).await?;
    let ended = run(&mut deployment.check(&["--json", "--only", "refusals"])).await?;
    let report: Value = serde_json::from_str(&ended.out).context(ended.err)?;
    assert_eq!(names(&report, "ok"), [""; 0], "{report:#}");
    for check in report["checks"].as_array().into_iter().flatten() {
        let seen = check["seen"].as_str().unwrap_or_default();
        assert!(seen.contains("these changed: [\"sync jobs\"]"), "{check:#}");
    }
    Ok(())
}

#[tokio::test]
async fn rows_of_others_are_left_alone_unless_told_otherwise() -> anyhow::Result<()> {
    let deployment = Deployment::start(&[]).await?;
    deployment.db.add_contacts(&["ann@gmail.com"]).await?;
    let before = state(&deployment.db).await?;
    let ended = run(&mut deployment.check(&["--only", "routes"])).await?;
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    assert!(
        ended.err.contains("1 contacts") && ended.err.contains("--yes"),
        "{}",
        ended.err
    );
    assert_eq!(state(&deployment.db).await?, before);
    let ended = run(&mut deployment.check(&["--only", "contacts", "--yes"])).await?;
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    Ok(())
}

#[tokio::test]
async fn an_interrupted_check_sets_everything_back() -> anyhow::Result<()> {
    let deployment = Deployment::start(&[]).await?;
    let before = state(&deployment.db).await?;
    let mut command = deployment.check(&["--only", "skips"]);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    crate::support::until("a check is under way", async || {
        let sql = "select count(*) from baton.runs where reason = 'paused'";
        Ok((deployment.db.count(sql).await? > 0).then_some(()))
    })
    .await?;
    let pid = child.id().context("it is running")?.to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().await?;
    assert!(sent.success());
    assert_eq!(child.wait().await?.code(), Some(130));
    assert_eq!(state(&deployment.db).await?, before);
    Ok(())
}
