//! What providers and recipients tell by themselves: deliveries, STOP and START.

use baton::contract::native::call;
use baton::contract::scheduler::EndDeadAttempts;
use baton::contract::{Trigger, codes};
use dispatch::{Channel, Delivery, Outcome};
use message_callbacks::calls::{RecordDelivery, RecordOptOut};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::db::Db;
use crate::support::settling::messages::{
    Stage, claim_auto_syncs, claimed, no_quiet_hours, sent, sent_with, told, trouble,
};

#[tokio::test]
async fn a_callback_beats_a_late_settlement() -> anyhow::Result<()> {
    for (delivery, expected) in [
        (Delivery::Submitted, "submitted"),
        (Delivery::Delivered, "delivered"),
        (
            Delivery::Undelivered(trouble("unreachable")),
            "undelivered unreachable",
        ),
        (Delivery::Failed(trouble("landline")), "failed landline"),
    ] {
        for settled in [
            sent(),
            Outcome::Unknown {
                trouble: trouble("timeout"),
                askable: true,
            },
            Outcome::Failed(trouble("rejected")),
        ] {
            let stage = Stage::new(1).await?;
            stage.submit().await?;
            let id = stage.ids()[0];
            assert_eq!(tell(&stage.worker, id, "SM1", &delivery).await?, "recorded");
            stage.settle(vec![told(id, settled)]).await?;
            assert_eq!(stage.states().await?, [expected]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_callback_settles_what_is_unknown_or_was_to_be_sent_again() -> anyhow::Result<()> {
    for again in [false, true] {
        let mut stage = Stage::new(1).await?;
        stage.submit().await?;
        stage.db.advance("9 seconds").await?;
        call(&stage.worker, EndDeadAttempts { limit: 10 }).await?;
        if again {
            for wait in ["1 minute", "59 minutes"] {
                stage.db.advance(wait).await?;
                stage.claim().await?;
                stage
                    .settle(vec![told(stage.ids()[0], Outcome::Absent)])
                    .await?;
            }
        }
        let id = stage.ids()[0];
        let told = tell(&stage.worker, id, "SM1", &Delivery::Delivered).await?;
        assert_eq!(told, "recorded");
        assert_eq!(stage.states().await?, ["delivered"]);
        stage.db.advance("1 day").await?;
        assert!(stage.is_idle().await?, "nobody sends it again");
    }
    Ok(())
}

/// What is known, what is told, whether that counts.
#[tokio::test]
async fn late_repeated_and_contradicting_callbacks_change_nothing() -> anyhow::Result<()> {
    let undelivered = || Delivery::Undelivered(trouble("unreachable"));
    let failed = || Delivery::Failed(trouble("landline"));
    for (known, news, counts) in [
        (Delivery::Submitted, Delivery::Submitted, false),
        (Delivery::Submitted, Delivery::Delivered, true),
        (Delivery::Submitted, undelivered(), true),
        (Delivery::Submitted, failed(), true),
        (Delivery::Delivered, Delivery::Submitted, false),
        (Delivery::Delivered, Delivery::Delivered, false),
        (Delivery::Delivered, undelivered(), false),
        (Delivery::Delivered, failed(), false),
        (undelivered(), Delivery::Submitted, false),
        (undelivered(), Delivery::Delivered, true),
        (undelivered(), undelivered(), false),
        (undelivered(), failed(), false),
        (failed(), Delivery::Submitted, false),
        (failed(), Delivery::Delivered, false),
        (failed(), undelivered(), false),
        (failed(), failed(), false),
    ] {
        let stage = Stage::new(1).await?;
        stage.end_as(&sent_with(Some(known.clone()))).await?;
        let row = "select to_jsonb(m) from messages m";
        let before = stage.db.text(row).await?;
        stage.db.advance("1 second").await?;
        let answer = tell(&stage.worker, stage.ids()[0], "SM1", &news).await?;
        let expected = if counts { "recorded" } else { "ignored" };
        assert_eq!(answer, expected, "{known:?}, then {news:?}");
        let same = stage.db.text(row).await? == before;
        assert_eq!(same, !counts, "{known:?}, then {news:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_callback_about_anothers_message_changes_nothing() -> anyhow::Result<()> {
    let stage = Stage::new(1).await?;
    stage.end_as(&sent()).await?;
    let id = stage.ids()[0];
    let delivered = Delivery::Delivered;
    assert_eq!(tell(&stage.worker, id, "SM2", &delivered).await?, "ignored");
    let error = tell(&stage.worker, Uuid::nil(), "SM1", &delivered).await;
    assert_eq!(code(&error), Some(codes::NO_SUCH_THING));
    let sql = "select baton_api.record_delivery($1, 'SM1', $2)";
    for delivery in [
        "{}",
        "[]",
        "null",
        r#"{"status": "read"}"#,
        r#"{"status": "unknown"}"#,
    ] {
        let delivery: serde_json::Value = serde_json::from_str(delivery)?;
        let error = stage.worker.execute(sql, &[&id, &delivery]).await;
        let error = error.expect_err("it is malformed");
        assert_eq!(
            error.code().map(|it| it.code()),
            Some(codes::BAD_ARGUMENT),
            "{delivery}"
        );
    }
    assert_eq!(stage.states().await?, ["submitted"]);
    Ok(())
}

#[tokio::test]
async fn who_said_stop_gets_nothing_until_start() -> anyhow::Result<()> {
    let stage = Stage::new(2).await?;
    let address = stage.attempt.messages[0].recipient.clone();
    for changed in [true, false] {
        let answer = opt(&stage.worker, Channel::Sms, &address, true).await?;
        assert_eq!(
            answer,
            serde_json::json!({ "status": "opted_out", "changed": changed })
        );
    }
    assert_eq!(stage.submit().await?, 1);
    let stopped = "select recipient from messages where status = 'failed' and reason = 'opted_out'";
    assert_eq!(stage.db.list(stopped, &[]).await?, [&*address]);
    for changed in [true, false] {
        let answer = opt(&stage.worker, Channel::Sms, &address, false).await?;
        assert_eq!(
            answer,
            serde_json::json!({ "status": "opted_in", "changed": changed })
        );
    }
    let left = "select count(*) from baton.opt_outs";
    assert_eq!(stage.db.count(left).await?, 0);
    // By the other channel somebody may still be written to.
    opt(&stage.worker, Channel::Email, &address, true).await?;
    let stage = {
        let db = stage.db;
        db.owner.batch_execute("delete from messages; update assignments set last_reminder_at = null; update baton.attempts set finished_at = baton.clock(), outcome = 'lost'").await?;
        Stage::on(db).await?
    };
    assert_eq!(stage.submit().await?, 2);
    let error = opt(&stage.worker, Channel::Sms, "", true).await;
    assert_eq!(code(&error), Some(codes::BAD_ARGUMENT));
    let sql = "select baton_api.record_opt_out('fax', '1', true)";
    let error = stage.worker.execute(sql, &[]).await.expect_err("no fax");
    assert_eq!(error.code().map(|it| it.code()), Some(codes::BAD_ARGUMENT));
    Ok(())
}

/// The provider keeps a list of its own, and tells of it by an answer or by a callback.
#[tokio::test]
async fn who_opted_out_at_the_provider_is_remembered() -> anyhow::Result<()> {
    let gone = || trouble("opted_out");
    let told_later = |delivery: Delivery| (sent(), Some(delivery));
    for (outcome, later) in [
        (Outcome::Failed(gone()), None),
        (sent_with(Some(Delivery::Failed(gone()))), None),
        (sent_with(Some(Delivery::Undelivered(gone()))), None),
        told_later(Delivery::Undelivered(gone())),
        told_later(Delivery::Failed(gone())),
    ] {
        let stage = Stage::new(1).await?;
        stage.end_as(&outcome).await?;
        if let Some(delivery) = later {
            tell(&stage.worker, stage.ids()[0], "SM1", &delivery).await?;
        }
        let recorded = "select concat_ws(' ', channel, address, opted_out_at = baton.clock()) from baton.opt_outs";
        let address = &stage.attempt.messages[0].recipient;
        assert_eq!(
            stage.db.list(recorded, &[]).await?,
            [format!("sms {address} t")],
            "{outcome:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_delivery_shows_in_the_table_of_the_application() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    no_quiet_hours(&db).await?;
    db.add_auto_sync(1, "25 hours").await?;
    let worker = db.worker().await?;
    let attempt = claimed(claim_auto_syncs(&worker, Trigger::Manual).await?)?;
    let stage = Stage {
        db,
        worker,
        attempt,
    };
    stage.end_as(&sent()).await?;
    tell(&stage.worker, stage.ids()[0], "SM1", &Delivery::Delivered).await?;
    let mirror =
        "select concat_ws(' ', status, body, sent_at = baton.clock()) from auto_sync_messages";
    assert_eq!(stage.db.list(mirror, &[]).await?, ["delivered Hello t"]);
    Ok(())
}

async fn tell(
    worker: &Client,
    message_id: Uuid,
    provider_id: &str,
    delivery: &Delivery,
) -> anyhow::Result<String> {
    let answer = call(
        worker,
        RecordDelivery {
            message_id,
            provider_id: provider_id.to_owned(),
            delivery: delivery.clone(),
        },
    )
    .await?;
    Ok(answer["status"].as_str().unwrap_or_default().to_owned())
}

async fn opt(
    worker: &Client,
    channel: Channel,
    address: &str,
    out: bool,
) -> anyhow::Result<serde_json::Value> {
    let address = address.to_owned();
    Ok(call(
        worker,
        RecordOptOut {
            channel,
            address,
            out,
            provider_id: None,
        },
    )
    .await?)
}

fn code<T>(answer: &anyhow::Result<T>) -> Option<&str> {
    let error = answer.as_ref().err()?;
    error
        .downcast_ref::<tokio_postgres::Error>()?
        .code()
        .map(|it| it.code())
}
