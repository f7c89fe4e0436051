use loopback_sms::{Fault, LoopbackSms};
use serde_json::{Value, json};

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::settling::messages::no_quiet_hours;
use crate::support::sms::{each_got_one, mentor, states, tally, variables};
use crate::support::until;

const REMINDERS: usize = 300;
const KILLS: usize = 4;

/// A database without quiet hours and with so many due assignments, and a stand-in.
async fn stage(assignments: i32) -> anyhow::Result<(Db, LoopbackSms)> {
    let (db, sms) = (Db::new().await?, LoopbackSms::start().await?);
    no_quiet_hours(&db).await?;
    db.add_assignments(assignments).await?;
    Ok((db, sms))
}

/// By which `baton up` sends by this stand-in.
fn arguments(sms: &LoopbackSms) -> Vec<String> {
    let variables = variables(sms).map(|(name, value)| format!("{name}={value}"));
    let pairs = variables
        .into_iter()
        .flat_map(|it| ["--variable".to_owned(), it]);
    ["--no-wakes".to_owned()].into_iter().chain(pairs).collect()
}

#[tokio::test]
async fn reminders_go_out_and_the_command_line_says_what_became_of_them() -> anyhow::Result<()> {
    let (db, sms) = stage(5).await?;
    db.configure_job("follow-up-reminders", json!({ "batch_size": 2 }))
        .await?;
    let invalid = Fault::Error {
        status: 400,
        code: 21211,
    };
    sms.misbehave(Some(&mentor(4)), invalid);
    sms.misbehave(Some(&mentor(5)), Fault::AcceptThenBreak);
    let home = Home::new()?;
    let args = arguments(&sms);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let up = home.up(&db, &args).await?;
    // A person starts the cycle, and ticks go on with it.
    let (status, answer) = up.post("/jobs/follow-up-reminders").await?;
    assert_eq!(
        (status, &answer["submitted"], &answer["again"]),
        (200, &json!(2), &json!(true)),
        "{answer}"
    );
    let (code, out, err) = home.run(&db, &["tick"]).await?;
    assert!(
        code == 0 && out.contains("Everything that was due is done."),
        "{out}{err}"
    );
    each_got_one(&sms, [1, 2, 3, 5].into_iter().map(mentor))?;

    let (_, out, err) = home.run(&db, &["messages"]).await?;
    for expected in ["submitted", "unknown", "21211", &mentor(4)] {
        assert!(out.contains(expected), "{expected}: {out}{err}");
    }
    let (_, out, err) = home.run(&db, &["status"]).await?;
    for expected in ["follow-up-reminders", "1 message: may have gone out or not"] {
        assert!(out.contains(expected), "{expected}: {out}{err}");
    }
    let (_, out, _) = home.run(&db, &["--json", "messages", "--unknown"]).await?;
    let listed: Value = serde_json::from_str(&out)?;
    let message = &listed["messages"][0];
    assert_eq!(message["address"], mentor(5), "{out}");
    let id = message["id"].as_str().unwrap_or_default();
    let (code, _, err) = home
        .run(&db, &["messages", "resolve", id, "delivered"])
        .await?;
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        states(&db).await?,
        tally([
            ("delivered", 1),
            ("failed invalid_number", 1),
            ("submitted", 3)
        ])
    );
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_killed_again_and_again_sends_nobody_two_messages() -> anyhow::Result<()> {
    let (db, sms) = stage(i32::try_from(REMINDERS)?).await?;
    db.configure_job("follow-up-reminders", json!({ "batch_size": 35 }))
        .await?;
    let home = Home::new()?;
    let args = arguments(&sms);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    for kill in 0..KILLS {
        let up = home.up(&db, &args).await?;
        // What the death before left is done by the next, or a third death would be one too many.
        let (status, answer) = up.post("/jobs/follow-up-reminders").await?;
        assert_eq!(
            (status, &answer["submitted"]),
            (200, &json!(35)),
            "{answer}"
        );
        // Now it has all of a wave and does not answer, now it has nothing of it.
        match kill % 2 {
            0 => sms.hold(),
            _ => sms.misbehave(None, Fault::Hang),
        }
        tokio::select! {
            answer = up.post("/tick") => panic!("nobody answers: {answer:?}"),
            () = sms.until_waiting(20) => up.kill().await?,
        }
        sms.release();
        sms.heal();
        // What it asked of the database while it waited renews its lease.
        until("its last statement has ended", async || {
            let active = db.sessions("state = 'active' and pid <> pg_backend_pid()");
            Ok((active.await? == 0).then_some(()))
        })
        .await?;
        // Its silence is not waited for.
        let sql = "update attempts set leased_until = now() - interval '1 second' where finished_at is null";
        db.owner.batch_execute(sql).await?;
    }
    let doubtful = "select count(*) from messages where status in ('unknown', 'submitting')";
    let n_doubtful = db.count(doubtful).await?;
    assert!(n_doubtful >= 20, "the kills hit something: {n_doubtful}");

    let up = home.up(&db, &args).await?;
    until("each has gone its way", async || {
        // Nor is the hour that passes before the provider is asked again.
        let sql = "update messages set due_at = now(),
                     submitting_at = submitting_at - case reason when 'not_at_provider' then interval '1 hour' else interval '0' end
                   where status = 'unknown' and attempt_id is null";
        db.owner.batch_execute(sql).await?;
        let (status, answer) = up.post("/tick").await?;
        assert_eq!(status, 200, "{answer}");
        let left = "select count(*) from messages where status <> 'submitted'";
        Ok((db.count(left).await? == 0).then_some(()))
    })
    .await?;
    let all = i64::try_from(REMINDERS)?;
    assert_eq!(states(&db).await?, tally([("submitted", all)]));
    each_got_one(&sms, (1..=REMINDERS).map(mentor))?;
    let cycles = "select concat_ws(' ', status, done_items) from cycle_log where job = 'follow-up-reminders'";
    assert_eq!(db.list(cycles, &[]).await?, ["completed 300"]);
    let died =
        "select count(*) from execution_log where status = 'failed' and reason = 'lease_expired'";
    assert_eq!(db.count(died).await?, i64::try_from(KILLS)?);
    assert_eq!(db.left_behind().await?, 0);
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}
