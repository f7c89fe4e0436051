//! What a provider answers is told apart: what to give up, what to try again, when, and what nobody knows.

use loopback_sms::Fault;
use serde_json::json;

use crate::support::sms::{Scene, mentor, setup, tally};

/// For how many seconds channels are blocked, and why.
const BLOCKED: &str = "select string_agg(concat_ws(' ', channel, blocked_reason, round(extract(epoch from blocked_until - baton.clock()))), ', ')
                       from baton.channels where blocked_until is not null";

#[tokio::test]
async fn an_error_of_the_provider_leaves_a_message_in_doubt() -> anyhow::Result<()> {
    let scene = Scene::new(2).await?;
    let down = Fault::Error {
        status: 500,
        code: 20500,
    };
    scene.sms.misbehave(Some(&mentor(1)), down);
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["submitted"], &answer["unknown"]),
        (200, &json!(1), &json!(1)),
        "{answer}"
    );
    assert_eq!(
        scene.states().await?,
        tally([("submitted", 1), ("unknown provider_trouble", 1)])
    );
    scene.sms.heal();
    scene.settle_down().await?;
    assert_eq!(scene.states().await?, tally([("submitted", 2)]));
    scene.each_got_one((1..=2).map(mentor))
}

#[tokio::test]
async fn who_says_when_to_come_back_is_left_alone_until_then() -> anyhow::Result<()> {
    for fault in [
        Fault::Throttled { retry_after: 120 },
        Fault::Unavailable {
            retry_after: Some(120),
        },
    ] {
        let scene = Scene::new(25).await?;
        scene.sms.misbehave(None, fault);
        let (status, answer) = scene.app.remind().await?;
        assert_eq!(
            (
                status,
                &answer["held"],
                &answer["again"],
                &answer["again_in"]
            ),
            (200, &json!(25), &json!(false), &json!(120.0)),
            "{fault:?}: {answer}"
        );
        scene.sms.heal();
        let blocked = "sms provider_throttled 120";
        assert_eq!(scene.db.text(BLOCKED).await?.as_deref(), Some(blocked));
        for _ in 0..2 {
            let (status, answer) = scene.app.remind().await?;
            assert_eq!(
                (status, &answer["reason"]),
                (409, &json!("provider_throttled")),
                "{fault:?}: {answer}"
            );
            scene.tick().await?;
            scene.advance("119 seconds").await?;
        }
        let asked = scene.sms.asked();
        assert_eq!((asked.posts, asked.lists), (20, 0), "{fault:?}: one wave");
        let attempts = "select sum(attempts) from messages";
        assert_eq!(scene.db.count(attempts).await?, 0, "{fault:?}");

        scene.tick().await?;
        assert_eq!(scene.states().await?, tally([("submitted", 25)]));
        scene.each_got_one((1..=25).map(mentor))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_provider_that_is_down_without_saying_for_how_long_may_have_taken_it()
-> anyhow::Result<()> {
    let scene = Scene::new(1).await?;
    scene
        .sms
        .misbehave(None, Fault::Unavailable { retry_after: None });
    scene.app.remind().await?;
    assert_eq!(
        scene.states().await?,
        tally([("unknown provider_trouble", 1)])
    );
    Ok(())
}

#[tokio::test]
async fn silence_leaves_a_message_in_doubt_until_the_provider_is_asked() -> anyhow::Result<()> {
    let scene = Scene::new(3).await?;
    scene.sms.misbehave(Some(&mentor(1)), Fault::Hang);
    scene.sms.misbehave(Some(&mentor(2)), Fault::AcceptThenHang);
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["submitted"], &answer["unknown"]),
        (200, &json!(1), &json!(2)),
        "{answer}"
    );
    assert_eq!(
        scene.states().await?,
        tally([("submitted", 1), ("unknown timeout", 2)])
    );
    scene.sms.heal();
    scene.settle_down().await?;
    assert_eq!(scene.sms.asked().posts, 4, "only the first is sent again");
    scene.each_got_one((1..=3).map(mentor))
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_has_nothing_and_is_tried_again() -> anyhow::Result<()> {
    let scene = Scene::with(25, |sms| setup(sms).with("sms_url", "http://127.0.0.1:9")).await?;
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["held"], &answer["unknown"]),
        (200, &json!(25), &json!(0)),
        "{answer}"
    );
    assert_eq!(
        scene.states().await?,
        tally([("reserved", 5), ("reserved provider_unreachable", 20)])
    );
    let blocked = "sms provider_unreachable 30";
    assert_eq!(scene.db.text(BLOCKED).await?.as_deref(), Some(blocked));
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["reason"]),
        (409, &json!("provider_unreachable")),
        "{answer}"
    );

    let scene = scene.restart(setup).await?;
    scene.settle_down().await?;
    assert_eq!(scene.states().await?, tally([("submitted", 25)]));
    scene.each_got_one((1..=25).map(mentor))
}

#[tokio::test]
async fn what_is_wrong_with_one_recipient_concerns_nobody_else() -> anyhow::Result<()> {
    let scene = Scene::new(8).await?;
    let told = [
        (21211, "invalid_number"),
        (21614, "landline"),
        (21610, "opted_out"),
        (21408, "region_not_enabled"),
        (21612, "rejected"),
        (29999, "rejected"),
    ];
    for (n, (code, _)) in (1..).zip(told) {
        scene
            .sms
            .misbehave(Some(&mentor(n)), Fault::Error { status: 400, code });
    }
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["submitted"], &answer["failed"]),
        (200, &json!(2), &json!(6)),
        "{answer}"
    );
    for (n, (code, reason)) in (1..).zip(told) {
        let row = "select status || ' ' || reason || ' ' || (detail like '%' || $2::int || '%') from message_log where address = $1";
        let code = i32::try_from(code)?;
        let row = scene.db.owner.query_one(row, &[&mentor(n), &code]).await?;
        assert_eq!(row.get::<_, &str>(0), format!("failed {reason} true"));
    }
    scene.each_got_one((7..=8).map(mentor))?;

    // What the provider told of somebody's wish holds from then on.
    let opted_out = "select channel || ' ' || address from opt_outs";
    assert_eq!(
        scene.db.list(opted_out, &[]).await?,
        [format!("sms {}", mentor(3))]
    );
    scene.sms.heal();
    scene.advance("7 days").await?;
    scene.app.remind().await?;
    assert_eq!(scene.sms.asked().posts, 8 + 7);
    assert_eq!(scene.sms.sent_to(&mentor(3)), 0);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_written_or_addressed_fails_alone_and_asks_nobody() -> anyhow::Result<()> {
    let scene = Scene::new(1).await?;
    let insert = "insert into assignments (peer_mentor_name, peer_mentor_phone, created_at)
                  select 'Someone', phone, baton.clock() - interval '8 days'
                  from unnest(array['call me', '079 100 00 02', '+41 79 100 00 03', '+41 1', '  ']) as phone";
    scene.db.owner.execute(insert, &[]).await?;
    scene.app.remind().await?;
    assert_eq!(
        scene.states().await?,
        tally([
            ("failed invalid_number", 3),
            ("failed no_address", 1),
            ("submitted", 2)
        ])
    );
    scene.each_got_one([1, 3].into_iter().map(mentor))?;

    // Where numbers without a country are of ours, one more is a number.
    scene
        .db
        .configure_settings(
            json!({ "default_region": "CH", "follow_up_text": "Dear {{ nobody }}" }),
        )
        .await?;
    scene.advance("7 days").await?;
    scene.app.remind().await?;
    assert_eq!(scene.states().await?.get("failed template"), Some(&3));
    assert_eq!(scene.sms.messages().len(), 2);
    scene
        .db
        .configure_settings(json!({ "follow_up_text": "{{ days }} days" }))
        .await?;
    scene.advance("7 days").await?;
    scene.app.remind().await?;
    assert_eq!(scene.sms.sent_to(&mentor(2)), 1);
    let texts: Vec<String> = scene.sms.messages().into_iter().map(|it| it.body).collect();
    assert_eq!(texts[2..], ["22 days", "22 days", "22 days"]);
    Ok(())
}

#[tokio::test]
async fn a_provider_that_the_manifest_does_not_allow_is_not_asked() -> anyhow::Result<()> {
    let scene = Scene::with(3, |sms| {
        let mut setup = setup(sms);
        // Where it is allowed, not where it is named.
        setup.without = Some(", \"{{ sms_url }}\"");
        setup
    })
    .await?;
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["reason"]),
        (502, &json!("provider_refused")),
        "{answer}"
    );
    let why = "select distinct detail from message_log";
    let why = scene.db.text(why).await?.unwrap_or_default();
    assert!(why.contains("sms_url"), "{why}");
    assert_eq!(scene.sms.asked().posts, 0);
    Ok(())
}
