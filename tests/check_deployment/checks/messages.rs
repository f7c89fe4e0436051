//! Messages go out once, and what the provider and the recipient say of them is heard.

use loopback_sms::{Email, Message};
use serde_json::json;

use super::{Check, Outcome, expect, mismatch, seen, verify};
use crate::scene::{ALIAS, Scene};
use crate::variables::MAIL_FROM;

const REMINDERS: &str = "/jobs/follow-up-reminders";

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "sms-reminder",
        expects: "a due assignment gets one text; further calls and ticks send nothing more",
        run: |it| Box::pin(sms_reminder(it)),
    },
    Check {
        name: "sms-delivered",
        expects: "Twilio's signed report makes the message delivered, once and for good",
        run: |it| Box::pin(sms_delivered(it)),
    },
    Check {
        name: "sms-stop",
        expects: "after a signed STOP a number gets nothing; START ends that",
        run: |it| Box::pin(sms_stop(it)),
    },
    Check {
        name: "email-reminder",
        expects: "a due assignment without a phone gets one e-mail; further calls and ticks send nothing more",
        run: |it| Box::pin(email_reminder(it)),
    },
    Check {
        name: "auto-sync",
        expects: "/functions/v1/process-auto-sync-jobs sends one text to the member and schedules the pause check",
        run: |it| Box::pin(auto_sync(it)),
    },
];

/// Calls the reminders and ticks, after the first message went out.
async fn go_on(scene: &Scene) -> anyhow::Result<()> {
    for path in [REMINDERS, "/tick", REMINDERS] {
        let answer = scene.post(path).await?;
        expect(&answer, 200, &[])?;
    }
    Ok(())
}

/// Makes a reminder go out; the assignment and what the stand-in got.
async fn reminded(scene: &Scene, number: &str) -> anyhow::Result<(String, Message)> {
    let assignment = scene.add_assignment(Some(number), None).await?;
    let answer = scene.post(REMINDERS).await?;
    let stored = scene.messages_about(&assignment).await?;
    let texts = scene.texts_to(number);
    let sound = answer.status == 200 && stored == ["submitted"] && texts.len() == 1;
    match texts.into_iter().next() {
        Some(text) if sound => Ok((assignment, text)),
        text => Err(mismatch(
            format!("{answer}; messages {stored:?}; the stand-in got {text:?}"),
            "200 ran, one message submitted, with the variables sms_… as --variables prints them",
        )),
    }
}

async fn sms_reminder(scene: &Scene) -> Outcome {
    let number = scene.number();
    let (assignment, text) = reminded(scene, &number).await?;
    go_on(scene).await?;
    let (texts, stored) = (
        scene.texts_to(&number).len(),
        scene.messages_about(&assignment).await?,
    );
    verify(
        texts == 1 && stored == ["submitted"],
        format!("{texts} texts after two more calls and a tick, messages {stored:?}"),
        "one",
    )?;
    seen(format!(
        "one text to {number}, submitted, still one after two more calls and a tick: {:?}",
        text.body
    ))
}

async fn sms_delivered(scene: &Scene) -> Outcome {
    let (assignment, text) = reminded(scene, &scene.number()).await?;
    for (report, code, expected) in [
        ("sent", None, "submitted"),
        ("delivered", None, "delivered"),
        ("delivered", None, "delivered"),
        ("undelivered", Some(30003), "delivered"),
    ] {
        let post = scene.stand_ins.sms.call_back(&text.sid, report, code);
        let post = post.ok_or_else(|| {
            mismatch(
                "a message without StatusCallback",
                "the variable public_url as --variables prints it",
            )
        })?;
        let answer = scene.deliver(&post).await?;
        expect(&answer, 204, &[])?;
        let stored = scene.messages_about(&assignment).await?;
        verify(
            stored == [expected],
            format!("{stored:?} after the report {report}"),
            expected,
        )?;
    }
    seen("204 for each report; delivered, also after a repeated and a late one")
}

async fn sms_stop(scene: &Scene) -> Outcome {
    let number = scene.number();
    let opted_out = async || {
        let sql = "select count(*) from baton.opt_outs where channel = 'sms' and address = $1";
        scene.db.count(sql, &[&number]).await
    };
    let answer = scene.deliver(&scene.reply(&number, "STOP")).await?;
    expect(&answer, 204, &[])?;
    let rows = opted_out().await?;
    verify(
        rows == 1,
        format!("{answer}; {rows} rows in opt_outs"),
        "one row in opt_outs",
    )?;
    let assignment = scene.add_assignment(Some(&number), None).await?;
    let answer = scene.post(REMINDERS).await?;
    let (stored, texts) = (
        scene.messages_about(&assignment).await?,
        scene.texts_to(&number).len(),
    );
    verify(
        stored == ["failed opted_out"] && texts == 0,
        format!("{answer}; messages {stored:?}; {texts} texts"),
        "a message that failed as opted_out, and no text",
    )?;
    let answer = scene.deliver(&scene.reply(&number, "START")).await?;
    expect(&answer, 204, &[])?;
    let rows = opted_out().await?;
    verify(
        rows == 0,
        format!("{answer}; {rows} rows in opt_outs"),
        "no row in opt_outs",
    )?;
    seen(
        "opted out after STOP, the reminder failed as opted_out, nothing sent; opted in after START",
    )
}

async fn email_reminder(scene: &Scene) -> Outcome {
    let address = scene.address();
    let assignment = scene.add_assignment(None, Some(&address)).await?;
    let answer = scene.post(REMINDERS).await?;
    let got = || -> Vec<Email> {
        let mut emails = scene.stand_ins.mail.emails();
        emails.retain(|it| it.payload["to"] == json!([address]));
        emails
    };
    let first = got();
    let stored = scene.messages_about(&assignment).await?;
    let sound =
        stored == ["submitted"] && matches!(&first[..], [it] if it.payload["from"] == MAIL_FROM);
    verify(
        sound,
        format!("{answer}; messages {stored:?}; the stand-in got {first:?}"),
        "200 ran, one e-mail submitted, with the variables email_… as --variables prints them",
    )?;
    go_on(scene).await?;
    let n = got().len();
    verify(
        n == 1,
        format!("{n} e-mails after two more calls and a tick"),
        "one",
    )?;
    seen(format!(
        "one e-mail to {address}, submitted, still one after two more calls and a tick"
    ))
}

async fn auto_sync(scene: &Scene) -> Outcome {
    let number = scene.number();
    let sync = scene.add_auto_sync(&number).await?;
    let answer = scene.call("POST", ALIAS, r#"{"trigger":"manual"}"#).await?;
    expect(&answer, 200, &[("status", "ran")])?;
    let counts = ["processed", "submitted"].map(|it| answer.number_of(it));
    verify(
        counts.iter().all(|it| *it > 0),
        &answer,
        "1 processed, 1 submitted",
    )?;
    let answer = scene.post(ALIAS).await?;
    expect(&answer, 200, &[])?;
    let texts = scene.texts_to(&number).len();
    let sql = "select string_agg(job_type || ' ' || status, ', ' order by scheduled_at) from public.job_queue where sync_id = $1";
    let queue = scene.db.text(sql, &[&sync]).await?;
    let expected = "reminder_24h processed, pause_check_48h pending";
    verify(
        texts == 1 && queue == expected,
        format!("{texts} texts; the queue: {queue}"),
        format!("one text; the queue: {expected}"),
    )?;
    seen(format!("one text to {number}; the queue: {queue}"))
}
