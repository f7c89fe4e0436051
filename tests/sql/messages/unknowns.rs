//! Messages of which nobody knows whether they went out, and how that is found out.

use baton::contract::Trigger;
use baton::contract::native::call;
use baton::contract::scheduler::EndDeadAttempts;
use dispatch::Outcome;
use dispatch::calls::{Action, SettledMessages};

use crate::support::settling::messages::{
    Stage, claim_reminders, found, letter, letter_to, sent, submit, told, trouble,
};

const UNANSWERED: &str = "timeout";

#[tokio::test]
async fn what_a_dead_sender_had_submitted_is_unknown_and_the_rest_is_due() -> anyhow::Result<()> {
    let mut stage = Stage::new(4).await?;
    let letters = &stage.attempt.messages[..2];
    let letters = letters.iter().map(letter_to);
    assert_eq!(stage.submit_letters(letters.collect()).await?, 2);
    stage.db.advance("9 seconds").await?;
    assert_eq!(
        call(&stage.worker, EndDeadAttempts { limit: 10 })
            .await?
            .lost,
        1
    );
    let states = [
        "unknown worker_died",
        "unknown worker_died",
        "reserved",
        "reserved",
    ];
    assert_eq!(
        sorted(stage.states().await?),
        sorted(states.map(str::to_owned).into())
    );
    assert_eq!(
        stage.claim().await?,
        [Action::Send; 2],
        "those that never went"
    );
    stage.end_as(&sent()).await?;
    stage.db.advance("1 minute").await?;
    assert_eq!(
        stage.claim().await?,
        [Action::Reconcile; 2],
        "the others are asked about, not sent"
    );
    let sent_before = stage.attempt.messages[0]
        .sent
        .as_ref()
        .expect("it may have gone out");
    assert_eq!(
        (sent_before.address.as_str(), sent_before.body.as_str()),
        (stage.attempt.messages[0].recipient.as_str(), "Hello")
    );
    // Even who submits it gets no leave to send.
    assert_eq!(stage.submit().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_late_sender_neither_submits_nor_settles() -> anyhow::Result<()> {
    let mut stage = Stage::new(2).await?;
    let late = stage.attempt.clone();
    stage.submit().await?;
    stage.db.advance("9 seconds").await?;
    call(&stage.worker, EndDeadAttempts { limit: 10 }).await?;
    assert!(stage.is_idle().await?);
    let submitted = stage.submit().await;
    assert!(
        submitted
            .expect_err("it is lost")
            .to_string()
            .contains("lease_expired")
    );
    let outcomes = stage.ids().into_iter().map(|id| told(id, sent())).collect();
    let settled = stage.settle(outcomes).await?;
    assert!(matches!(settled, SettledMessages::Lost { .. }));
    assert_eq!(stage.states().await?, ["unknown worker_died"; 2]);
    stage.db.advance("1 minute").await?;
    stage.claim().await?;
    let ids = stage.ids().into_iter();
    let outcomes = ids.map(|id| told(id, found(&id.to_string()))).collect();
    stage.settle(outcomes).await?;
    assert_eq!(stage.states().await?, ["submitted"; 2]);
    assert_eq!(late.messages.len(), 2);
    Ok(())
}

#[tokio::test]
async fn an_unknown_message_is_asked_about_ever_more_rarely_and_for_a_day() -> anyhow::Result<()> {
    let mut stage = Stage::new(1).await?;
    let unanswered = Outcome::Unknown {
        trouble: trouble(UNANSWERED),
        askable: true,
    };
    stage.end_as(&unanswered).await?;
    let mut minutes = 0;
    for wait in [1, 1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(stage.states().await?, ["unknown timeout"]);
        stage
            .db
            .advance(&format!("{wait} minutes - 1 second"))
            .await?;
        assert!(stage.is_idle().await?, "not before {wait} minutes");
        stage.db.advance("1 second").await?;
        assert_eq!(stage.claim().await?, [Action::Reconcile]);
        stage
            .settle(vec![told(stage.ids()[0], unanswered.clone())])
            .await?;
        minutes += wait;
    }
    stage
        .db
        .advance(&format!("{} minutes", 24 * 60 - minutes))
        .await?;
    stage.claim().await?;
    stage.settle(vec![told(stage.ids()[0], unanswered)]).await?;
    stage.db.advance("100 days").await?;
    let claim = claim_reminders(&stage.worker, Trigger::Tick).await?;
    assert!(matches!(
        claim,
        baton::contract::Claim::Idle { until: None, .. }
    ));
    assert_eq!(
        stage.states().await?,
        ["unknown timeout"],
        "a person decides"
    );
    Ok(())
}

#[tokio::test]
async fn what_nobody_can_be_asked_about_waits_for_a_person() -> anyhow::Result<()> {
    let stage = Stage::new(1).await?;
    let silent = Outcome::Unknown {
        trouble: trouble(UNANSWERED),
        askable: false,
    };
    stage.end_as(&silent).await?;
    stage.db.advance("1 year").await?;
    assert!(stage.is_idle().await?);
    assert_eq!(stage.states().await?, ["unknown timeout"]);
    Ok(())
}

/// What the provider answers each time, in order, after waiting for so many minutes; whether it is sent again then.
#[tokio::test]
async fn an_unknown_message_is_sent_again_only_when_the_provider_said_twice_that_it_has_none()
-> anyhow::Result<()> {
    let absent = || Outcome::Absent;
    let unreadable = || Outcome::Unknown {
        trouble: trouble("provider_trouble"),
        askable: true,
    };
    let throttled = || Outcome::Retry {
        trouble: trouble("throttled"),
        wait: Some(10),
    };
    let rows = [
        (
            "twice",
            vec![(1, absent()), (59, absent())],
            "reserved not_at_provider",
        ),
        ("once", vec![(1, absent())], "unknown not_at_provider"),
        (
            "once, and late",
            vec![(60, absent())],
            "unknown not_at_provider",
        ),
        (
            "unreadable, then none",
            vec![(1, unreadable()), (9, absent())],
            "unknown not_at_provider",
        ),
        (
            "none, then unreadable, then none",
            vec![(1, absent()), (59, unreadable()), (9, absent())],
            "unknown not_at_provider",
        ),
        (
            "throttled, then none",
            vec![(1, throttled()), (9, absent())],
            "unknown not_at_provider",
        ),
        (
            "none, then there",
            vec![(1, absent()), (59, sent())],
            "submitted",
        ),
    ];
    for (row, answers, expected) in rows {
        let mut stage = Stage::new(1).await?;
        stage.submit().await?;
        stage.db.advance("9 seconds").await?;
        call(&stage.worker, EndDeadAttempts { limit: 10 }).await?;
        for (wait, answer) in answers {
            stage.db.advance(&format!("{wait} minutes")).await?;
            assert_eq!(stage.claim().await?, [Action::Reconcile], "{row}");
            stage.settle(vec![told(stage.ids()[0], answer)]).await?;
        }
        assert_eq!(stage.states().await?, [expected], "{row}");
        if expected.starts_with("reserved") {
            assert_eq!(stage.claim().await?, [Action::Send]);
            stage.end_as(&sent()).await?;
            assert_eq!(stage.states().await?, ["submitted"]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_second_look_comes_an_hour_after_the_attempt() -> anyhow::Result<()> {
    let mut stage = Stage::new(1).await?;
    stage.submit().await?;
    stage.db.advance("9 seconds").await?;
    call(&stage.worker, EndDeadAttempts { limit: 10 }).await?;
    let due = "select extract(epoch from due_at - submitting_at)::int from messages";
    assert_eq!(stage.db.count(due).await?, 69);
    stage.db.advance("1 minute").await?;
    stage.claim().await?;
    stage
        .settle(vec![told(stage.ids()[0], Outcome::Absent)])
        .await?;
    assert_eq!(stage.db.count(due).await?, 3600);
    assert!(stage.is_idle().await?);
    Ok(())
}

/// Else one of two messages of the same words would be taken for the other, and never sent.
#[tokio::test]
async fn what_the_provider_has_once_is_one_message_and_not_two() -> anyhow::Result<()> {
    let mut stage = Stage::new(3).await?;
    let letters = stage.ids().into_iter().map(|id| letter(id, "+41790000001"));
    assert_eq!(stage.submit_letters(letters.collect()).await?, 3);
    let [first, second, third] = stage.ids()[..] else {
        panic!("there are three")
    };
    stage.settle(vec![told(third, sent())]).await?;
    stage.db.advance("1 minute").await?;
    stage.claim().await?;
    let others: Vec<_> = stage.attempt.messages.iter().map(|it| &it.sent).collect();
    assert!(
        others
            .iter()
            .all(|it| it.as_ref().is_some_and(|it| it.others == ["SM1"])),
        "{others:?}"
    );
    let both = [first, second].map(|it| told(it, found("SM2")));
    stage.settle(both.into()).await?;
    let states = ["submitted", "unknown worker_died", "submitted"];
    assert_eq!(stage.states().await?, states);
    stage.db.advance("1 minute").await?;
    assert_eq!(stage.claim().await?, [Action::Reconcile]);
    stage.settle(vec![told(second, found("SM2"))]).await?;
    assert_eq!(stage.states().await?, states, "nor later");
    Ok(())
}

#[tokio::test]
async fn what_the_provider_does_not_have_is_not_sent_when_it_has_expired() -> anyhow::Result<()> {
    let mut stage = Stage::new(1).await?;
    stage
        .db
        .owner
        .execute(
            "update messages set expires_at = baton.clock() + interval '2 minutes'",
            &[],
        )
        .await?;
    stage.submit().await?;
    stage.db.advance("9 seconds").await?;
    call(&stage.worker, EndDeadAttempts { limit: 10 }).await?;
    for wait in ["1 minute", "59 minutes"] {
        stage.db.advance(wait).await?;
        stage.claim().await?;
        stage
            .settle(vec![told(stage.ids()[0], Outcome::Absent)])
            .await?;
    }
    assert_eq!(stage.states().await?, ["failed not_at_provider"]);
    Ok(())
}

/// Whoever settles without a word about what it submitted is no better than dead.
#[tokio::test]
async fn what_was_submitted_and_not_told_of_is_unknown() -> anyhow::Result<()> {
    let stage = Stage::new(3).await?;
    let letters = stage.attempt.messages[..2].iter();
    let letters = letters.map(letter_to).collect();
    let attempt = stage.attempt.attempt_id;
    submit(&stage.worker, attempt, Vec::new(), letters).await?;
    let [first, _, _] = stage.ids()[..] else {
        panic!("there are three")
    };
    let settled = stage.settle(vec![told(first, sent())]).await?;
    assert!(
        matches!(
            settled,
            SettledMessages::Settled {
                submitted: 1,
                held: 1,
                unknown: 1,
                again: true,
                ..
            }
        ),
        "{settled:?}"
    );
    let losses = "select sum(losses) from messages";
    assert_eq!(stage.db.count(losses).await?, 0, "nobody died");
    Ok(())
}

/// A wave tells of the one before.
#[tokio::test]
async fn outcomes_come_with_the_next_wave_as_well() -> anyhow::Result<()> {
    let stage = Stage::new(2).await?;
    let [first, second] = stage.ids()[..] else {
        panic!("there are two")
    };
    let letters = |n: usize| vec![letter_to(&stage.attempt.messages[n])];
    let attempt = stage.attempt.attempt_id;
    submit(&stage.worker, attempt, Vec::new(), letters(0)).await?;
    stage.db.advance("7 seconds").await?;
    submit(
        &stage.worker,
        attempt,
        vec![told(first, sent())],
        letters(1),
    )
    .await?;
    assert_eq!(stage.states().await?, ["submitted", "submitting"]);
    stage.db.advance("7 seconds").await?;
    assert_eq!(
        call(&stage.worker, EndDeadAttempts { limit: 10 })
            .await?
            .lost,
        0,
        "each wave renews the lease"
    );
    stage.settle(vec![told(second, sent())]).await?;
    assert_eq!(stage.states().await?, ["submitted"; 2]);
    Ok(())
}

fn sorted(mut states: Vec<String>) -> Vec<String> {
    states.sort();
    states
}
