//! Syncs of sources, chunk by chunk.

use std::time::Duration;

use uuid::Uuid;

use super::{Check, Outcome, Passed, expect, mismatch, seen, tick, verify};
use crate::pages::RECORDS;
use crate::scene::Scene;
use crate::stand_ins::PAGES;

/// A sync of a few chunks is done by then.
const DONE_WITHIN: Duration = Duration::from_secs(60);

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "again",
        expects: "after a wake, one call of process-chunks does all chunks that are due, and answers `again` false",
        run: |it| Box::pin(again(it)),
    },
    Check {
        name: "json-sync",
        expects: "ticks complete a sync of JSON pages: every page asked for once, every record stored",
        run: |it| Box::pin(json_sync(it)),
    },
    Check {
        name: "jmap-sync",
        expects: "ticks complete a sync of a JMAP mailbox and store its messages",
        run: |it| Box::pin(jmap_sync(it)),
    },
];

async fn again(scene: &Scene) -> Outcome {
    let sync_job = scene.add_chunks(3).await?;
    let body = r#"{"trigger":"wake"}"#;
    let answer = scene.call("POST", "/jobs/process-chunks", body).await?;
    expect(&answer, 200, &[("status", "ran")])?;
    let holds = answer.json["again"] == false && answer.number_of("completed") == 3;
    verify(holds, &answer, "3 chunks completed, again false")?;
    let state = scene.sync_state(sync_job).await?;
    let completed = "completed (3 completed)";
    verify(
        state == completed,
        format!("the sync is {state}"),
        completed,
    )?;
    seen(format!("3 chunks by one call; the sync is {state}"))
}

/// Ticks until a sync has ended; how it stands.
async fn finish(scene: &Scene, sync_job: Uuid) -> anyhow::Result<String> {
    let state = scene
        .until(DONE_WITHIN, async || {
            tick(scene).await?;
            let state = scene.sync_state(sync_job).await?;
            let goes_on = state.starts_with("pending") || state.starts_with("processing");
            Ok(if goes_on { Err(state) } else { Ok(state) })
        })
        .await?
        .unwrap_or_else(|unfinished| unfinished);
    verify(
        state.starts_with("completed"),
        format!("the sync is {state}"),
        "completed, with the variable sync_hosts as --variables prints it",
    )?;
    Ok(state)
}

async fn stored(scene: &Scene, source: &str) -> anyhow::Result<i64> {
    let sql = "select count(*) from public.synced_emails where source = $1";
    scene.db.count(sql, &[&source]).await
}

async fn json_sync(scene: &Scene) -> Outcome {
    let pages = 1..=PAGES;
    let asked = || {
        pages
            .clone()
            .map(|it| scene.stand_ins.source.asked(it))
            .collect::<Vec<_>>()
    };
    let before = asked();
    let (source, sync_job) = scene.sync_pages().await?;
    let state = finish(scene, sync_job).await?;
    let times: Vec<usize> = asked()
        .iter()
        .zip(&before)
        .map(|(now, then)| now - then)
        .collect();
    let (records, expected) = (stored(scene, &source).await?, i64::from(PAGES) * RECORDS);
    verify(
        records == expected && times.iter().all(|it| *it == 1),
        format!("{state}; {records} records stored; pages asked for {times:?} times"),
        format!("{expected} records stored, each page asked for once"),
    )?;
    seen(format!(
        "{state}; {records} records stored, {PAGES} pages asked for once each"
    ))
}

async fn jmap_sync(scene: &Scene) -> Outcome {
    let Some(url) = &scene.jmap_url else {
        return Ok(Passed::Skipped(
            "no JMAP server is named with --jmap-url".to_owned(),
        ));
    };
    if scene.secrets.sync.is_none() {
        return Err(mismatch(
            "BATON_SYNC_SECRET is not set",
            "the password of the JMAP user",
        ));
    }
    let (source, sync_job) = scene.sync_jmap(url).await?;
    let state = finish(scene, sync_job).await?;
    let messages = stored(scene, &source).await?;
    verify(
        messages > 0,
        format!("{state}; {messages} messages stored"),
        "at least one message",
    )?;
    seen(format!("{state}; {messages} messages stored"))
}
