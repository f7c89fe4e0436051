use loopback_sms::Fault;
use serde_json::json;

use crate::support::app::KEY;
use crate::support::sms::{Scene, member, tally};

/// The queue of an auto-sync, in the order of its jobs.
const QUEUE: &str =
    "select concat_ws(' ', job_type, status, error_message) from job_queue order by scheduled_at";

/// A scene in which reminders come after 5 minutes and the pause after 10.
async fn demo() -> anyhow::Result<Scene> {
    let scene = Scene::new(0).await?;
    scene
        .db
        .configure_settings(
            json!({ "auto_sync_reminder_after": "5 minutes", "auto_sync_pause_after": "10 minutes" }),
        )
        .await?;
    Ok(scene)
}

/// As somebody calls it who knows it by its old name.
async fn call_by_its_old_name(scene: &Scene) -> anyhow::Result<(u16, serde_json::Value)> {
    let authorization = format!("Bearer {KEY}");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
    ];
    let path = "/functions/v1/process-auto-sync-jobs";
    scene
        .app
        .post_with(path, &headers, r#"{"trigger": "manual"}"#)
        .await
}

#[tokio::test]
async fn who_has_not_answered_is_reminded_and_then_the_auto_sync_is_paused() -> anyhow::Result<()> {
    let scene = demo().await?;
    let sync = scene.db.add_auto_sync(4, "0").await?;
    // One has answered, and one is the organizer.
    scene
        .db
        .owner
        .batch_execute(
            "insert into auto_sync_responses (auto_sync_id, member_id, response)
             select s.id, m.id, 'yes' from auto_syncs s join crew_members m on m.name = 'Member 1';
             update crew_members m set user_id = s.organizer_id from auto_syncs s where m.name = 'Member 2'",
        )
        .await?;
    let (status, answer) = call_by_its_old_name(&scene).await?;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("idle")),
        "{answer}"
    );
    scene.advance("5 minutes").await?;
    let (status, answer) = call_by_its_old_name(&scene).await?;
    let counts = [
        "status",
        "processed",
        "skipped",
        "retried",
        "claimed",
        "submitted",
    ];
    assert_eq!(
        (status, counts.map(|it| answer[it].clone())),
        (
            200,
            [
                json!("ran"),
                json!(1),
                json!(0),
                json!(0),
                json!(2),
                json!(2)
            ]
        ),
        "{answer}"
    );
    scene.each_got_one([member(3), member(4)].into_iter())?;
    let texts: Vec<String> = scene.sms.messages().into_iter().map(|it| it.body).collect();
    assert!(
        texts.iter().all(|it| it.contains("Test Event")),
        "{texts:?}"
    );
    assert_eq!(
        scene.db.list(QUEUE, &[]).await?,
        ["reminder_24h processed", "pause_check_48h pending"]
    );

    // The application finds in its own table what was sent, and what became of it.
    let mirrored = "select concat_ws(' ', message_type, status, sent_at = baton.clock(), body like '%Test Event%')
                    from auto_sync_messages where auto_sync_id = $1 order by id";
    let submitted = "reminder submitted t t";
    assert_eq!(
        scene.db.list(mirrored, &[&sync]).await?,
        [submitted, submitted]
    );
    for message in scene.sms.messages() {
        let post = scene.sms.call_back(&message.sid, "delivered", None);
        let post = post.expect("it is asked for");
        let (status, answer) = scene
            .app
            .post_with(post.path(), &post.headers(), &post.body)
            .await?;
        assert_eq!(status, 204, "{answer}");
    }
    let delivered = "reminder delivered t t";
    assert_eq!(
        scene.db.list(mirrored, &[&sync]).await?,
        [delivered, delivered]
    );

    scene.advance("4 minutes 59 seconds").await?;
    scene.tick().await?;
    let status =
        "select status || coalesce(' ' || (paused_at = baton.clock()), '') from auto_syncs";
    assert_eq!(scene.db.text(status).await?.as_deref(), Some("running"));
    scene.advance("1 second").await?;
    scene.tick().await?;
    assert_eq!(scene.db.text(status).await?.as_deref(), Some("paused true"));
    assert_eq!(
        scene.db.list(QUEUE, &[]).await?,
        ["reminder_24h processed", "pause_check_48h processed"]
    );
    Ok(())
}

#[tokio::test]
async fn who_answers_while_the_message_waits_is_not_written_to() -> anyhow::Result<()> {
    let scene = demo().await?;
    scene.db.add_auto_sync(2, "5 minutes").await?;
    scene
        .sms
        .misbehave(None, Fault::Throttled { retry_after: 60 });
    scene.app.work_auto_syncs().await?;
    assert_eq!(scene.states().await?, tally([("reserved throttled", 2)]));
    scene.sms.heal();
    scene
        .db
        .owner
        .batch_execute(
            "insert into auto_sync_responses (auto_sync_id, member_id)
             select s.id, m.id from auto_syncs s join crew_members m on m.name = 'Member 1'",
        )
        .await?;
    scene.advance("1 minute").await?;
    scene.tick().await?;
    assert_eq!(
        scene.states().await?,
        tally([("failed not_needed", 1), ("submitted", 1)])
    );
    scene.each_got_one([member(2)].into_iter())
}

#[tokio::test]
async fn a_run_works_ten_jobs_and_the_next_one_the_rest() -> anyhow::Result<()> {
    let scene = demo().await?;
    for _ in 0..12 {
        scene.db.add_auto_sync(1, "5 minutes").await?;
    }
    // Their members share a number, and somebody's day has a limit.
    scene
        .db
        .configure_settings(json!({ "daily_cap": 100 }))
        .await?;
    let (_, answer) = scene.app.work_auto_syncs().await?;
    assert_eq!(
        (&answer["processed"], &answer["submitted"], &answer["again"]),
        (&json!(10), &json!(10), &json!(true)),
        "{answer}"
    );
    let (_, answer) = scene.app.work_auto_syncs().await?;
    assert_eq!(
        (&answer["processed"], &answer["submitted"], &answer["again"]),
        (&json!(2), &json!(2), &json!(false)),
        "{answer}"
    );
    assert_eq!(scene.sms.sent_to(&member(1)), 12);
    Ok(())
}

#[tokio::test]
async fn jobs_that_need_no_message_are_counted_too() -> anyhow::Result<()> {
    let scene = demo().await?;
    for status in ["cancelled", "paused"] {
        let sync = scene.db.add_auto_sync(1, "5 minutes").await?;
        scene
            .db
            .owner
            .execute(
                "update auto_syncs set status = $2 where id = $1",
                &[&sync, &status],
            )
            .await?;
    }
    let (status, answer) = scene.app.work_auto_syncs().await?;
    let counts = ["status", "processed", "skipped", "claimed", "submitted"];
    assert_eq!(
        (status, counts.map(|it| answer[it].clone())),
        (200, [json!("ran"), json!(0), json!(2), json!(0), json!(0)]),
        "{answer}"
    );
    assert_eq!(scene.sms.asked().posts, 0);
    Ok(())
}
