//! Death at every point on the way of a message: nobody gets two, and what is in doubt is said to be.

use host::{FaultKind, FaultPlan};
use loopback_sms::Fault;
use serde_json::json;

use crate::support::sms::{Scene, mentor, setup, tally};

/// What a death leaves of a batch of three.
struct Death {
    /// Where it dies.
    point: &'static str,
    /// Connect, claim, submit, three posts, settle.
    nth_call: u64,
    kind: FaultKind,
    /// The status of all three then.
    left: &'static str,
    /// How many messages the provider may have then.
    kept: std::ops::RangeInclusive<usize>,
}

const DEATHS: [Death; 7] = [
    Death {
        point: "after the claim",
        nth_call: 2,
        kind: FaultKind::AfterTrap,
        left: "reserved",
        kept: 0..=0,
    },
    Death {
        point: "before it notes that they go out",
        nth_call: 3,
        kind: FaultKind::Trap,
        left: "reserved",
        kept: 0..=0,
    },
    Death {
        point: "before the first goes out",
        nth_call: 3,
        kind: FaultKind::AfterTrap,
        left: "submitting",
        kept: 0..=0,
    },
    Death {
        point: "while they go out",
        nth_call: 4,
        kind: FaultKind::Trap,
        left: "submitting",
        kept: 0..=2,
    },
    Death {
        point: "when the provider has one and says so",
        nth_call: 4,
        kind: FaultKind::AfterTrap,
        left: "submitting",
        kept: 1..=3,
    },
    Death {
        point: "after the answers",
        nth_call: 7,
        kind: FaultKind::Trap,
        left: "submitting",
        kept: 3..=3,
    },
    Death {
        point: "after it settled",
        nth_call: 7,
        kind: FaultKind::AfterTrap,
        left: "submitted",
        kept: 3..=3,
    },
];

#[tokio::test]
async fn whoever_dies_on_the_way_leaves_nobody_with_two_messages() -> anyhow::Result<()> {
    for death in DEATHS {
        let point = death.point;
        let scene = Scene::with(3, |sms| {
            let mut setup = setup(sms);
            setup.faults = Some(FaultPlan {
                component: "follow-up-reminders".to_owned(),
                nth_call: death.nth_call,
                kind: death.kind,
            });
            setup
        })
        .await?;
        let (status, answer) = scene.app.remind().await?;
        assert_eq!(status, 500, "{point}: {answer}");
        assert_eq!(scene.states().await?, tally([(death.left, 3)]), "{point}");
        let kept = scene.sms.messages().len();
        assert!(death.kept.contains(&kept), "{point}: {kept}");

        scene.advance("9 seconds").await?;
        scene
            .db
            .owner
            .execute("select baton_api.end_dead_attempts(100)", &[])
            .await?;
        let noticed = match death.left {
            // Nobody tells by guessing whether it went out.
            "submitting" => "unknown worker_died",
            left => left,
        };
        assert_eq!(scene.states().await?, tally([(noticed, 3)]), "{point}");
        let failed = "select count(*) from execution_log where status = 'failed' and reason = 'lease_expired'";
        let settled = death.left == "submitted";
        assert_eq!(
            scene.db.count(failed).await?,
            i64::from(!settled),
            "{point}"
        );

        scene.settle_down().await?;
        assert_eq!(scene.states().await?, tally([("submitted", 3)]), "{point}");
        scene.each_got_one((1..=3).map(mentor))?;
        assert_eq!(scene.db.left_behind().await?, 0, "{point}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_provider_took_without_saying_so_is_found_there_and_not_sent_again()
-> anyhow::Result<()> {
    for fault in [Fault::AcceptThenBreak, Fault::AcceptThen500] {
        let scene = Scene::new(3).await?;
        scene.sms.misbehave(Some(&mentor(1)), fault);
        scene.app.remind().await?;
        assert_eq!(
            scene.states().await?,
            tally([("submitted", 2), ("unknown provider_trouble", 1)]),
            "{fault:?}"
        );
        let listed = "select address from message_log where status = 'unknown'";
        assert_eq!(scene.db.text(listed).await?, Some(mentor(1)), "{fault:?}");
        scene.advance("1 minute").await?;
        scene.tick().await?;
        assert_eq!(
            scene.states().await?,
            tally([("submitted", 3)]),
            "{fault:?}"
        );
        let same = "select count(distinct provider_id) from messages";
        assert_eq!(scene.db.count(same).await?, 3, "{fault:?}");
        assert_eq!(scene.sms.asked().posts, 3, "{fault:?}");
        scene.each_got_one((1..=3).map(mentor))?;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_provider_never_got_is_sent_again_once_it_was_asked_twice() -> anyhow::Result<()> {
    let scene = Scene::new(1).await?;
    scene.sms.misbehave(None, Fault::Break);
    scene.app.remind().await?;
    scene.sms.heal();
    assert_eq!(
        scene.states().await?,
        tally([("unknown provider_trouble", 1)])
    );
    // Asked after a minute, and again an hour after the attempt.
    for (wait, posts, lists, state) in [
        ("59 seconds", 1, 0, "unknown provider_trouble"),
        ("1 second", 1, 1, "unknown not_at_provider"),
        ("58 minutes", 1, 1, "unknown not_at_provider"),
        ("1 minute", 2, 2, "submitted"),
        ("1 day", 2, 2, "submitted"),
    ] {
        scene.advance(wait).await?;
        scene.tick().await?;
        let asked = scene.sms.asked();
        assert_eq!((asked.posts, asked.lists), (posts, lists), "{wait}");
        assert_eq!(scene.states().await?, tally([(state, 1)]), "{wait}");
    }
    scene.each_got_one([mentor(1)].into_iter())
}

#[tokio::test]
async fn a_list_that_cannot_be_read_proves_nothing() -> anyhow::Result<()> {
    let scene = Scene::new(1).await?;
    scene.sms.misbehave(None, Fault::AcceptThenBreak);
    scene.app.remind().await?;
    let down = Fault::Error {
        status: 500,
        code: 20500,
    };
    scene.sms.misbehave(None, down);
    for _ in 0..30 {
        scene.advance("1 minute").await?;
        scene.tick().await?;
    }
    let asked = scene.sms.asked();
    assert_eq!(asked.posts, 1);
    assert!(
        (4..10).contains(&asked.lists),
        "ever more rarely: {asked:?}"
    );
    assert_eq!(
        scene.states().await?,
        tally([("unknown provider_trouble", 1)])
    );
    scene.sms.heal();
    scene.advance("1 hour").await?;
    scene.tick().await?;
    assert_eq!(scene.states().await?, tally([("submitted", 1)]));
    assert_eq!(scene.sms.asked().posts, 1);
    Ok(())
}

/// Deadlines do not count the time that a machine sleeps: when it wakes, its message may have gone out by another sender.
#[tokio::test]
async fn a_sender_that_was_suspended_sends_nothing() -> anyhow::Result<()> {
    let scene = Scene::with(3, |sms| {
        let mut setup = setup(sms);
        // Connect, claim, submit.
        setup.faults = Some(FaultPlan {
            component: "follow-up-reminders".to_owned(),
            nth_call: 3,
            kind: FaultKind::Suspend,
        });
        setup
    })
    .await?;
    let (status, answer) = scene.app.remind().await?;
    assert_eq!((status, &answer["held"]), (200, &json!(3)), "{answer}");
    assert_eq!(scene.sms.asked().posts, 0);
    assert_eq!(scene.states().await?, tally([("reserved sender_slept", 3)]));
    scene.settle_down().await?;
    scene.each_got_one((1..=3).map(mentor))
}
