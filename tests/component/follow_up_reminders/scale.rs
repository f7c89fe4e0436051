//! Many assignments: one cycle of short invocations.

use serde_json::json;

use crate::support::sms::{Scene, let_time_go_on, mentor, tally};

const ASSIGNMENTS: usize = 10_000;

#[tokio::test]
async fn ten_thousand_assignments_are_one_cycle_of_many_invocations() -> anyhow::Result<()> {
    let scene = Scene::new(i32::try_from(ASSIGNMENTS)?).await?;
    // How long it takes is for the log to say.
    let_time_go_on(&scene.db, &scene.sms).await?;
    let mut invocations = 0;
    loop {
        let (status, answer) = scene.app.remind().await?;
        assert_eq!(
            (status, &answer["status"], &answer["submitted"]),
            (200, &json!("ran"), &json!(100)),
            "{answer}"
        );
        invocations += 1;
        if answer["again"] == false {
            break;
        }
    }
    assert_eq!(invocations, ASSIGNMENTS / 100);
    assert_eq!(
        scene.states().await?,
        tally([("submitted", ASSIGNMENTS.try_into()?)])
    );
    scene.each_got_one((1..=ASSIGNMENTS).map(mentor))?;
    let cycles = "select concat_ws(' ', status, total_items, done_items, iteration, trigger, seconds > 0) from cycle_log where job = 'follow-up-reminders'";
    assert_eq!(
        scene.db.list(cycles, &[]).await?,
        ["completed 10000 10000 100 manual t"]
    );
    Ok(())
}
