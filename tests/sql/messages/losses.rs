//! Messages whose senders die: who pays, and when.

use baton::contract::native::call;
use baton::contract::scheduler::EndDeadAttempts;

use crate::support::settling::messages::{Stage, sent};

#[tokio::test]
async fn a_message_that_kills_its_senders_has_failed_after_the_third_and_pays_alone()
-> anyhow::Result<()> {
    let mut stage = Stage::in_batches(3, 3).await?;
    for _ in 0..2 {
        assert_eq!(stage.ids().len(), 3);
        die(&stage).await?;
        stage.claim().await?;
    }
    let guilty = stage.ids();
    assert_eq!(guilty.len(), 1, "the third time it is taken alone");
    die(&stage).await?;
    let failed = "select id::text from messages where status = 'failed' and reason = 'gave_up' and ended_at = baton.clock()";
    assert_eq!(stage.db.list(failed, &[]).await?, [guilty[0].to_string()]);
    for _ in 0..2 {
        assert_eq!(stage.claim().await?.len(), 1);
        stage.end_as(&sent()).await?;
    }
    let innocent = "select count(*) from messages where status = 'submitted'";
    assert_eq!(stage.db.count(innocent).await?, 2);
    assert!(stage.is_idle().await?);
    Ok(())
}

/// In a running cycle there are assignments enough to fill a batch with; they stay out of a dangerous one.
#[tokio::test]
async fn what_is_taken_alone_gets_no_company_from_the_cycle() -> anyhow::Result<()> {
    let mut stage = Stage::in_batches(3, 2).await?;
    for _ in 0..2 {
        assert_eq!(stage.ids().len(), 2);
        die(&stage).await?;
        stage.claim().await?;
    }
    for expected in [1, 1, 1] {
        assert_eq!(stage.ids().len(), expected);
        stage.end_as(&sent()).await?;
        if stage.db.count("select count(*) from messages").await? < 3 || expected > 1 {
            stage.claim().await?;
        } else {
            break;
        }
    }
    assert_eq!(stage.states().await?, ["submitted"; 3]);
    Ok(())
}

#[tokio::test]
async fn who_is_held_or_settles_loses_nothing() -> anyhow::Result<()> {
    let mut stage = Stage::in_batches(3, 3).await?;
    for _ in 0..5 {
        stage.settle(Vec::new()).await?;
        assert_eq!(
            stage.claim().await?.len(),
            3,
            "what was not reached is due at once"
        );
    }
    assert_eq!(stage.db.count("select sum(losses) from messages").await?, 0);
    Ok(())
}

async fn die(stage: &Stage) -> anyhow::Result<()> {
    stage.db.advance("9 seconds").await?;
    call(&stage.worker, EndDeadAttempts { limit: 10 }).await?;
    Ok(())
}
