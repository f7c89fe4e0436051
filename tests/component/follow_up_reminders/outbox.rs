//! What is held back: without a provider, and at night where the recipient is.

use serde_json::json;

use crate::support::app::Setup;
use crate::support::sms::{Scene, mentor, setup, tally};

#[tokio::test]
async fn without_a_provider_messages_wait_in_the_outbox_and_go_out_when_there_is_one()
-> anyhow::Result<()> {
    let scene = Scene::with(3, |_| Setup::offline()).await?;
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["status"], &answer["held"]),
        (200, &json!("ran"), &json!(3)),
        "{answer}"
    );
    assert_eq!(scene.states().await?, tally([("reserved no_provider", 3)]));
    let held = "select distinct held_until - baton.clock() = interval '1 hour' from message_log";
    assert_eq!(scene.db.text(held).await?.as_deref(), Some("true"));

    let scene = scene.restart(setup).await?;
    scene.tick().await?;
    assert_eq!(scene.sms.asked().posts, 0, "not before it was said");
    scene.advance("1 hour").await?;
    scene.tick().await?;
    assert_eq!(scene.states().await?, tally([("submitted", 3)]));
    scene.each_got_one((1..=3).map(mentor))
}

#[tokio::test]
async fn a_provider_without_all_that_it_needs_stops_the_run_before_it_begins() -> anyhow::Result<()>
{
    for (name, value) in [
        ("sms_account", ""),
        ("sms_key", " "),
        ("sms_from", ""),
        ("sms_url", ""),
        ("sms_provider", "pigeon"),
    ] {
        let scene = Scene::with(1, |sms| setup(sms).with(name, value)).await?;
        let (status, answer) = scene.app.remind().await?;
        assert_eq!((status, &answer["code"]), (500, &json!("internal")));
        let log = scene.app.log("follow-up-reminders");
        assert!(log.contains(name), "{log}");
        assert!(!answer.to_string().contains(name), "{answer}");
        let traces = "select (select count(*) from messages) + (select count(*) from attempts)";
        assert_eq!(scene.db.count(traces).await?, 0, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn nobody_is_reminded_at_night_wherever_they_may_be() -> anyhow::Result<()> {
    let scene = Scene::new(0).await?;
    scene
        .db
        .configure_settings(json!({ "quiet_from": "21:00", "quiet_until": "08:00" }))
        .await?;
    scene.db.freeze_at("2026-11-20 05:00:00+00").await?;
    scene.advance("0").await?;
    // A country with one zone, one with many, one far away by its number, and one by its own zone.
    let insert = "insert into assignments (peer_mentor_phone, timezone, created_at)
                  values ('+41791000001', null, '2026-11-01'), ('+12125550123', null, '2026-11-01'),
                         ('+81312345678', null, '2026-11-01'), ('+41791000002', 'Asia/Tokyo', '2026-11-01')";
    scene.db.owner.execute(insert, &[]).await?;
    scene.app.remind().await?;
    let waiting = "select address || ' ' || to_char(held_until at time zone 'UTC', 'DD HH24:MI') from message_log where reason = 'quiet_hours' order by 1";
    // Country code 1 reaches from Newfoundland to Guam: there it is 8 o'clock when it is 22:00 here.
    assert_eq!(
        scene.db.list(waiting, &[]).await?,
        ["+12125550123 20 22:00", "+41791000001 20 07:00"]
    );
    scene.each_got_one(
        ["+81312345678", "+41791000002"]
            .map(str::to_owned)
            .into_iter(),
    )?;
    scene.advance("2 hours").await?;
    scene.tick().await?;
    assert_eq!(scene.sms.sent_to("+41791000001"), 1);
    scene.advance("14 hours 59 minutes").await?;
    scene.tick().await?;
    assert_eq!(scene.sms.sent_to("+12125550123"), 0);
    scene.advance("1 minute").await?;
    scene.tick().await?;
    assert_eq!(scene.states().await?, tally([("submitted", 4)]));
    Ok(())
}
