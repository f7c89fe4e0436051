//! What people decide about messages.

use baton::contract::codes;
use baton::contract::native::call;
use baton::contract::scheduler::EndDeadAttempts;
use dispatch::calls::{Action, ResolveMessage};
use dispatch::{Delivery, Outcome};
use message_callbacks::calls::RecordDelivery;
use uuid::Uuid;

use crate::support::settling::messages::{Stage, sent, sent_with, told, trouble};

/// How a message got into its state, and what each word makes of it, if it may be said.
#[tokio::test]
async fn a_person_may_say_what_can_be_true_and_nothing_else() -> anyhow::Result<()> {
    let unknown = || Outcome::Unknown {
        trouble: trouble("timeout"),
        askable: true,
    };
    let retry = || Outcome::Retry {
        trouble: trouble("provider_trouble"),
        wait: None,
    };
    let undelivered = || sent_with(Some(Delivery::Undelivered(trouble("unreachable"))));
    let rows = [
        (
            "unknown",
            Some(unknown()),
            [Some("delivered"), Some("failed resolved"), Some("reserved")],
        ),
        (
            "waiting",
            Some(retry()),
            [None, Some("failed resolved"), Some("reserved")],
        ),
        (
            "undelivered",
            Some(undelivered()),
            [None, None, Some("reserved")],
        ),
        (
            "failed",
            Some(Outcome::Failed(trouble("invalid_number"))),
            [None, None, Some("reserved")],
        ),
        (
            "delivered",
            Some(sent_with(Some(Delivery::Delivered))),
            [None, None, None],
        ),
        ("submitted", Some(sent()), [None, None, None]),
        ("submitting", None, [None, None, None]),
        ("held", None, [None, None, None]),
        ("without address", None, [None, None, Some("reserved")]),
    ];
    for (state, outcome, expected) in rows {
        for (word, expected) in ["delivered", "failed", "again"].into_iter().zip(expected) {
            let stage = Stage::new(1).await?;
            let id = stage.ids()[0];
            match (&outcome, state) {
                (Some(outcome), _) => {
                    stage.end_as(outcome).await?;
                }
                (None, "submitting") => {
                    stage.submit().await?;
                }
                (None, "without address") => {
                    let lost = "update messages set channel = null, recipient = '', status = 'failed', attempt_id = null, ended_at = baton.clock()";
                    stage.db.owner.execute(lost, &[]).await?;
                }
                (None, _) => {}
            }
            let before = stage.states().await?;
            let resolved = resolve(&stage, id, word).await;
            match expected {
                Some(expected) => {
                    let answer = serde_json::json!({ "id": id, "status": expected.split(' ').next(),
                        "recipient": "+41791000001", "corrected_from": null });
                    assert_eq!(resolved?, answer);
                    assert_eq!(stage.states().await?, [expected], "{state}: {word}");
                    let audit = "select concat_ws(' ', noun, noun_id, to_state, who) from baton.events order by id desc limit 1";
                    let to = expected.split(' ').next().unwrap_or_default();
                    assert_eq!(
                        stage.db.list(audit, &[]).await?,
                        [format!("message {id} {to} ann")]
                    );
                }
                None => {
                    assert_eq!(
                        code(&resolved),
                        Some(codes::ILLEGAL_TRANSITION),
                        "{state}: {word}: {resolved:?}"
                    );
                    assert_eq!(stage.states().await?, before);
                    let audit = "select count(*) from baton.events where noun = 'message'";
                    assert_eq!(stage.db.count(audit).await?, 0);
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn another_word_or_message_is_refused() -> anyhow::Result<()> {
    let stage = Stage::new(1).await?;
    let id = stage.ids()[0];
    for word in ["sent", "", "DELIVERED"] {
        let error = resolve(&stage, id, word).await;
        assert_eq!(code(&error), Some(codes::BAD_ARGUMENT), "{word}");
    }
    let error = resolve(&stage, Uuid::nil(), "failed").await;
    assert_eq!(code(&error), Some(codes::NO_SUCH_THING));
    let error = call(
        &stage.worker,
        ResolveMessage {
            message_id: id,
            resolution: "failed".to_owned(),
            who: "a component".to_owned(),
        },
    )
    .await
    .expect_err("only people decide");
    assert_eq!(error.code().map(|it| it.code()), Some("42501"));
    Ok(())
}

#[tokio::test]
async fn what_is_to_be_sent_again_goes_out_at_the_next_tick_like_a_new_one() -> anyhow::Result<()> {
    let mut stage = Stage::new(1).await?;
    let id = stage.ids()[0];
    stage
        .end_as(&sent_with(Some(Delivery::Undelivered(trouble(
            "unreachable",
        )))))
        .await?;
    // Longer than it was good for.
    stage.db.advance("8 days").await?;
    resolve(&stage, id, "again").await?;
    let fresh = "select concat_ws(' ', losses, looks, due_at = baton.clock(), expires_at - baton.clock() = interval '1 day', ended_at) from messages";
    assert_eq!(stage.db.text(fresh).await?.as_deref(), Some("0 0 t t"));
    assert_eq!(stage.claim().await?, [Action::Send]);
    let second = Outcome::Submitted {
        provider: "twilio",
        provider_id: Some("SM2".to_owned()),
        delivery: None,
    };
    stage.end_as(&second).await?;
    for (provider_id, delivery, expected) in [
        (
            "SM1",
            Delivery::Undelivered(trouble("unreachable")),
            "ignored",
        ),
        ("SM2", Delivery::Delivered, "recorded"),
    ] {
        let answer = call(
            &stage.worker,
            RecordDelivery {
                message_id: id,
                provider_id: provider_id.to_owned(),
                delivery,
            },
        )
        .await?;
        assert_eq!(answer["status"], expected);
    }
    assert_eq!(stage.states().await?, ["delivered"]);
    Ok(())
}

/// Somebody knows better while the provider is being asked.
#[tokio::test]
async fn a_decision_beats_the_answer_to_a_question_under_way() -> anyhow::Result<()> {
    for (word, expected) in [
        ("delivered", "delivered"),
        ("failed", "failed resolved"),
        ("again", "reserved"),
    ] {
        let mut stage = Stage::new(1).await?;
        stage.submit().await?;
        stage.db.advance("9 seconds").await?;
        call(&stage.worker, EndDeadAttempts { limit: 10 }).await?;
        stage.db.advance("1 minute").await?;
        assert_eq!(stage.claim().await?, [Action::Reconcile]);
        let id = stage.ids()[0];
        resolve(&stage, id, word).await?;
        stage.settle(vec![told(id, sent())]).await?;
        assert_eq!(stage.states().await?, [expected]);
    }
    Ok(())
}

async fn resolve(stage: &Stage, id: Uuid, resolution: &str) -> anyhow::Result<serde_json::Value> {
    let decision = ResolveMessage {
        message_id: id,
        resolution: resolution.to_owned(),
        who: "ann".to_owned(),
    };
    Ok(call(&stage.db.owner, decision).await?)
}

fn code<T>(answer: &anyhow::Result<T>) -> Option<&str> {
    let error = answer.as_ref().err()?;
    error
        .downcast_ref::<tokio_postgres::Error>()?
        .code()
        .map(|it| it.code())
}
