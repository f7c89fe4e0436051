//! Reminders by e-mail: by Resend, with its idempotency keys, and by a receiver of signed webhooks.

use baton::webhook::{ID, SIGNATURE, Signed, TIMESTAMP, secret_text, secrets, verify};
use host::{FaultKind, FaultPlan};
use hyper::StatusCode;
use loopback_sms::{Fault, LoopbackMail, MAIL_KEY, MailFault};
use serde_json::{Value, json};

use crate::support::app::Setup;
use crate::support::db::Db;
use crate::support::receiver::Receiver;
use crate::support::sms::{Scene, tally, variables};

/// So many assignments of mentors who have nothing but an e-mail address.
async fn add_assignments(db: &Db, n: i32) -> anyhow::Result<()> {
    let sql = "insert into assignments (peer_mentor_name, peer_mentor_email, created_at)
               select 'Mentor ' || g, 'Mentor' || g || '@Example.COM', baton.clock() - interval '8 days' from generate_series(1, $1::int) g";
    db.owner.execute(sql, &[&n]).await?;
    Ok(())
}

fn by_webhook(receiver: &Receiver, secret: &str) -> Setup {
    Setup::offline()
        .with("email_provider", "webhook")
        .with("email_url", receiver.url())
        .with("email_path", "/hooks/mail")
        .with("email_key", secret)
}

fn by_resend(mail: &LoopbackMail) -> Setup {
    Setup::offline()
        .with("email_provider", "resend")
        .with("email_url", mail.url())
        .with("email_key", MAIL_KEY)
        .with("email_from", "Baton <baton@example.com>")
}

#[tokio::test]
async fn an_email_that_may_have_gone_out_is_posted_again_under_its_key_and_sent_once()
-> anyhow::Result<()> {
    let mail = LoopbackMail::start().await?;
    let scene = Scene::with(0, |_| by_resend(&mail)).await?;
    add_assignments(&scene.db, 3).await?;
    mail.misbehave(Some(MailFault::AcceptThenBreak));
    scene.app.remind().await?;
    assert_eq!(
        scene.states().await?,
        tally([("unknown provider_trouble", 3)])
    );
    assert_eq!(mail.emails().len(), 3);

    // Under one key goes one text, whatever has become of the template.
    scene
        .db
        .configure_settings(json!({ "follow_up_text": "Something else" }))
        .await?;
    mail.misbehave(None);
    scene.advance("1 minute").await?;
    scene.tick().await?;
    assert_eq!(scene.states().await?, tally([("submitted", 3)]));
    assert_eq!(mail.emails().len(), 3, "each counts once");
    for email in mail.emails() {
        let row = "select provider || ' ' || provider_id || ' ' || address, body, subject from messages where id = $1::text::uuid";
        let row = scene.db.owner.query_one(row, &[&email.key]).await?;
        let address = email.payload["to"]
            .as_str()
            .or(email.payload["to"][0].as_str())
            .unwrap_or_default();
        assert_eq!(
            row.get::<_, String>(0),
            format!("resend {} {address}", email.id)
        );
        assert!(address.ends_with("@example.com"), "{address}");
        assert_eq!(email.payload["text"], row.get::<_, &str>(1));
        assert_eq!(email.payload["subject"], row.get::<_, &str>(2));
        assert_eq!(email.payload["from"], "Baton <baton@example.com>");
    }
    Ok(())
}

#[tokio::test]
async fn what_resend_says_is_told_apart() -> anyhow::Result<()> {
    for (status, name, http_status, expected) in [
        (422, "validation_error", 200, "failed rejected"),
        (403, "invalid_api_key", 502, "reserved provider_refused"),
        (429, "rate_limit_exceeded", 200, "reserved throttled"),
        (
            500,
            "internal_server_error",
            200,
            "unknown provider_trouble",
        ),
    ] {
        let mail = LoopbackMail::start().await?;
        let scene = Scene::with(0, |_| by_resend(&mail)).await?;
        add_assignments(&scene.db, 1).await?;
        let fault = MailFault::Error(StatusCode::from_u16(status)?, name);
        mail.misbehave(Some(fault));
        assert_eq!(scene.app.remind().await?.0, http_status, "{name}");
        assert_eq!(scene.states().await?, tally([(expected, 1)]), "{name}");
        let told = "select string_agg(detail, ' ') from messages";
        let told = scene.db.text(told).await?.unwrap_or_default();
        assert!(!told.contains(MAIL_KEY), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_receiver_of_webhooks_gets_signed_emails_and_is_never_asked_twice() -> anyhow::Result<()>
{
    let receiver = Receiver::start().await?;
    let secret = secret_text(&[7; 32]);
    let scene = Scene::with(0, |_| by_webhook(&receiver, &secret)).await?;
    add_assignments(&scene.db, 1).await?;
    scene.app.remind().await?;
    assert_eq!(scene.states().await?, tally([("submitted", 1)]));
    let received = receiver.received();
    let [request] = &received[..] else {
        panic!("one e-mail is one request: {received:?}")
    };
    assert_eq!(
        (request.method().as_str(), request.uri().path()),
        ("POST", "/hooks/mail")
    );
    let header = |name: &str| request.headers()[name].to_str();
    let signed = Signed {
        id: header(ID)?,
        timestamp: header(TIMESTAMP)?,
        signatures: header(SIGNATURE)?,
    };
    let now = scene
        .db
        .count("select floor(extract(epoch from baton.clock()))")
        .await?;
    let valid = |text: &str| -> anyhow::Result<bool> {
        let now = u64::try_from(now)?;
        Ok(verify(&secrets(text)?, signed, request.body(), now))
    };
    assert!(valid(&secret)?);
    assert!(!valid(&secret_text(&[8; 32]))?);
    let told: Value = serde_json::from_slice(request.body())?;
    let expected = "select jsonb_build_object('id', id, 'channel', 'email', 'to', 'Mentor1@example.com', 'subject', subject, 'text', body) from messages";
    let expected: Value = scene.db.owner.query_one(expected, &[]).await?.get(0);
    assert_eq!(told, expected);
    assert_eq!(told["id"], signed.id);

    // It keeps no list, so what it may have is for a person to decide.
    receiver.answer_with(StatusCode::INTERNAL_SERVER_ERROR);
    scene.advance("7 days").await?;
    scene.app.remind().await?;
    let states = tally([("submitted", 1), ("unknown provider_trouble", 1)]);
    assert_eq!(scene.states().await?, states);
    for _ in 0..10 {
        scene.advance("1 hour").await?;
        scene.tick().await?;
    }
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(scene.states().await?, states);
    Ok(())
}

#[tokio::test]
async fn what_one_provider_may_have_is_neither_asked_of_another_nor_sent_by_it()
-> anyhow::Result<()> {
    let (mail, receiver) = (LoopbackMail::start().await?, Receiver::start().await?);
    let secret = secret_text(&[7; 32]);
    let scene = Scene::with(0, |_| {
        let mut setup = by_webhook(&receiver, &secret);
        // The first provider has it, and nobody lives to tell.
        setup.faults = Some(FaultPlan {
            component: "follow-up-reminders".to_owned(),
            nth_call: 4,
            kind: FaultKind::AfterTrap,
        });
        setup
    })
    .await?;
    add_assignments(&scene.db, 1).await?;
    assert_eq!(scene.app.remind().await?.0, 500);
    assert_eq!(receiver.received().len(), 1);
    let scene = scene.restart(|_| by_resend(&mail)).await?;
    for _ in 0..3 {
        scene.advance("1 hour").await?;
        scene.tick().await?;
    }
    assert_eq!((mail.emails().len(), receiver.received().len()), (0, 1));
    let unknown = "select count(*) from message_log where status = 'unknown'";
    assert_eq!(scene.db.count(unknown).await?, 1, "for a person to decide");
    Ok(())
}

#[tokio::test]
async fn a_throttled_sms_provider_holds_up_no_email() -> anyhow::Result<()> {
    let mail = LoopbackMail::start().await?;
    let scene = Scene::with(30, |sms| {
        let sms = variables(sms).into_iter();
        sms.fold(by_resend(&mail), |setup, (name, value)| {
            setup.with(name, value)
        })
    })
    .await?;
    add_assignments(&scene.db, 30).await?;
    scene
        .sms
        .misbehave(None, Fault::Throttled { retry_after: 600 });
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["submitted"], &answer["held"]),
        (200, &json!(30), &json!(30)),
        "{answer}"
    );
    assert_eq!(mail.emails().len(), 30);
    let posts = scene.sms.asked().posts;
    assert!(posts <= 20, "{posts}: one wave");

    // A job that shares the account waits, too, and sends e-mail meanwhile.
    scene.db.add_auto_sync(2, "25 hours").await?;
    let by_mail = "update crew_members set email = 'member@example.com', phone = null
                   where id = (select id from crew_members limit 1)";
    scene.db.owner.execute(by_mail, &[]).await?;
    scene.tick().await?;
    assert_eq!((scene.sms.asked().posts, mail.emails().len()), (posts, 31));

    scene.sms.heal();
    scene.advance("10 minutes").await?;
    scene.tick().await?;
    assert_eq!(scene.states().await?, tally([("submitted", 62)]));
    Ok(())
}
