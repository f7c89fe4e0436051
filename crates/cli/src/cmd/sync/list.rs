use anyhow::Result;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stack::{api, context::Context, database::Database};
use terminal::output;
use terminal::output::counted;
use tokio_postgres::Client;

use super::{unknown_source, watch};
use crate::{board, moment};

/// The longest text of a chunk's work in a table.
const WIDEST_WORK: usize = 60;

/// What `sync list` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One source with its latest syncs.
    name: Option<String>,
    /// Failed chunks, the latest first, 100 at most.
    #[arg(long, conflicts_with = "attempts")]
    failed: bool,
    /// The last 50 attempts at chunks.
    #[arg(long)]
    attempts: bool,
}

/// Lists sources, syncs, failed chunks or attempts.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let name = args.name.as_deref();
        let (now, sources) = read::<board::Sync>(&client, SOURCES, name).await?;
        if let (Some(name), []) = (name, &sources[..]) {
            return Err(unknown_source(name));
        }
        if args.failed {
            let (now, chunks) = read(&client, FAILED, name).await?;
            return context.output.result(&chunks, || failed(&now, &chunks));
        }
        if args.attempts {
            let (now, attempts) = read(&client, ATTEMPTS, name).await?;
            return context.output.result(&attempts, || tried(&now, &attempts));
        }
        if let (Some(name), [source]) = (name, &sources[..]) {
            let (now, jobs) = read(&client, SYNC_JOBS, Some(name)).await?;
            let both = json!({ "source": source, "sync_jobs": jobs });
            return context.output.result(&both, || one(&now, source, &jobs));
        }
        context.output.result(&sources, || all(&now, &sources))
    })
    .await
}

const SOURCES: &str = "select jsonb_build_object('now', baton.clock(), 'rows', (
    select coalesce(jsonb_agg(to_jsonb(s) order by s.source), '[]') from baton_board.sync_overview s
    where $1::text is null or s.source = $1))";

const SYNC_JOBS: &str = "select jsonb_build_object('now', baton.clock(), 'rows', (
    select coalesce(jsonb_agg(to_jsonb(s) order by s.created_at desc), '[]') from (
        select id from baton.sync_jobs where source = $1 order by created_at desc limit 10) j
    join baton_board.chunk_processing_status s on s.parent_sync_job_id = j.id::text))";

const FAILED: &str = "select jsonb_build_object('now', baton.clock(), 'rows', (
    select coalesce(jsonb_agg(to_jsonb(f) order by f.completed_at desc), '[]') from (
        select * from baton_board.failed_chunks where $1::text is null or source = $1
        order by completed_at desc limit 100) f))";

const ATTEMPTS: &str = "select jsonb_build_object('now', baton.clock(), 'rows', (
    select coalesce(jsonb_agg(to_jsonb(a) order by a.ended_at desc), '[]') from (
        select * from baton_board.chunk_attempts where $1::text is null or source = $1
        order by ended_at desc limit 50) a))";

/// A sync of a source, past or under way.
#[derive(Debug, Serialize, Deserialize)]
struct SyncJob {
    parent_sync_job_id: String,
    kind: String,
    overall_status: String,
    total_chunks: u64,
    completed_chunks: u64,
    failed_chunks: u64,
    synced_items: u64,
    created_at: String,
    completed_at: Option<String>,
    error_message: Option<String>,
}

/// A chunk that was given up after its last attempt.
#[derive(Debug, Serialize, Deserialize)]
struct FailedChunk {
    source: String,
    sync_job_id: String,
    queue_id: String,
    work: Value,
    attempts: u32,
    error_message: Option<String>,
    completed_at: Option<String>,
}

/// An attempt at a chunk.
#[derive(Debug, Serialize, Deserialize)]
struct ChunkAttempt {
    source: String,
    sync_job_id: String,
    queue_id: String,
    number: u32,
    worker_id: String,
    started_at: String,
    ended_at: Option<String>,
    outcome: String,
    error: Option<String>,
}

/// The database's time, and what a view shows of one source or of all.
async fn read<T: DeserializeOwned>(
    client: &Client,
    sql: &str,
    name: Option<&str>,
) -> Result<(String, Vec<T>)> {
    #[derive(Deserialize)]
    struct Answer<T> {
        now: String,
        rows: Vec<T>,
    }
    let row = client
        .query_one(sql, &[&name])
        .await
        .map_err(api::explain)?;
    let Answer { now, rows } = serde_json::from_value(row.try_get(0)?)?;
    Ok((now, rows))
}

/// The latest sync of each source, as `status` shows it, too.
pub(in crate::cmd) fn latest(now: &str, syncs: &[board::Sync]) -> String {
    let rows = syncs.iter().map(|it| {
        let n = |count: Option<u64>| count.map(output::count).unwrap_or_default();
        [
            it.source.clone(),
            status(it),
            n(it.total_chunks),
            n(it.completed_chunks),
            n(it.failed_chunks),
            it.progress_percentage
                .map(|it| format!("{it:.1} %"))
                .unwrap_or_default(),
            when(now, it.eta.as_deref()),
            n(it.synced_items),
            when(now, it.last_synced_at.as_deref()),
        ]
    });
    output::table(
        [
            "SOURCE",
            "STATUS",
            "CHUNKS",
            "DONE",
            "FAILED",
            "PERCENT",
            "ETA",
            "ITEMS",
            "LAST SYNCED",
        ],
        rows,
    )
}

fn all(now: &str, sources: &[board::Sync]) -> String {
    if sources.is_empty() {
        return "There are no sources yet: `baton sync add --help` says how to add one.".to_owned();
    }
    let mut parts = vec![latest(now, sources)];
    parts.extend(sources.iter().filter_map(|it| remark(now, it)));
    parts.join("\n\n")
}

fn one(now: &str, source: &board::Sync, jobs: &[SyncJob]) -> String {
    let mut parts = vec![format!(
        "{} syncs {} ({}).",
        source.source, source.url, source.kind
    )];
    if let Some(id) = &source.sync_job_id {
        let n = |count: Option<u64>| output::count(count.unwrap_or(0));
        parts.push(format!(
            "Chunks of its latest sync, {id}: {} pending, {} processing, {} completed, {} failed. They brought {}.",
            n(source.pending_chunks),
            n(source.processing_chunks),
            n(source.completed_chunks),
            n(source.failed_chunks),
            counted(source.synced_items.unwrap_or(0), "item"),
        ));
    }
    parts.extend(remark(now, source));
    if jobs.is_empty() {
        parts.push(format!(
            "It was never synced: `baton sync run {}` starts.",
            source.source
        ));
        return parts.join("\n\n");
    }
    let rows = jobs.iter().map(|it| {
        [
            when(now, Some(&it.created_at)),
            it.kind.clone(),
            watch::in_words(&it.overall_status).to_owned(),
            output::count(it.total_chunks),
            output::count(it.completed_chunks),
            output::count(it.failed_chunks),
            output::count(it.synced_items),
            when(now, it.completed_at.as_deref()),
            it.error_message.clone().unwrap_or_default(),
        ]
    });
    parts.push(output::table(
        [
            "CREATED", "KIND", "STATUS", "CHUNKS", "DONE", "FAILED", "ITEMS", "ENDED", "ERROR",
        ],
        rows,
    ));
    parts.join("\n\n")
}

fn failed(now: &str, chunks: &[FailedChunk]) -> String {
    if chunks.is_empty() {
        return "No chunk has failed.".to_owned();
    }
    let rows = chunks.iter().map(|it| {
        [
            it.source.clone(),
            shortened(&it.work.to_string()),
            it.attempts.to_string(),
            when(now, it.completed_at.as_deref()),
            it.error_message.clone().unwrap_or_default(),
        ]
    });
    output::table(["SOURCE", "WORK", "ATTEMPTS", "FAILED", "ERROR"], rows)
}

fn tried(now: &str, attempts: &[ChunkAttempt]) -> String {
    if attempts.is_empty() {
        return "No chunk was tried yet.".to_owned();
    }
    let rows = attempts.iter().map(|it| {
        [
            it.source.clone(),
            it.queue_id.clone(),
            it.number.to_string(),
            it.outcome.clone(),
            when(now, Some(&it.started_at)),
            when(now, it.ended_at.as_deref()),
            it.worker_id.clone(),
            it.error.clone().unwrap_or_default(),
        ]
    });
    output::table(
        [
            "SOURCE", "CHUNK", "ATTEMPT", "OUTCOME", "STARTED", "ENDED", "WORKER", "ERROR",
        ],
        rows,
    )
}

fn status(sync: &board::Sync) -> String {
    let status = sync.overall_status.as_deref().unwrap_or("never synced");
    watch::in_words(status).to_owned()
}

/// What a person should know about a source beyond its numbers.
fn remark(now: &str, sync: &board::Sync) -> Option<String> {
    let name = &sync.source;
    if let Some(until) = &sync.blocked_until {
        let why = sync.blocked_reason.as_deref().unwrap_or("source_waits");
        let why = board::in_words("throttled", Some(why));
        return Some(format!(
            "{name}: {why} It goes on {}.",
            moment::relative(now, until)
        ));
    }
    let error = sync.error_message.as_deref();
    let status = sync.overall_status.as_deref().unwrap_or_default();
    if !matches!(status, "failed" | "partial_failure") {
        return error.map(|it| format!("{name}: {it}"));
    }
    let help = watch::help(&watch::Ended {
        source: name,
        status,
        kind: sync.sync_kind.as_deref().unwrap_or_default(),
        is_refused: sync.is_refused.unwrap_or(false),
        error,
    });
    Some(format!(
        "{name}: {}\n  {help}",
        error.unwrap_or("some chunks have failed")
    ))
}

fn when(now: &str, at: Option<&str>) -> String {
    at.map(|it| moment::relative(now, it)).unwrap_or_default()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= WIDEST_WORK {
        return text.to_owned();
    }
    let kept: String = text.chars().take(WIDEST_WORK - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(fields: Value) -> String {
        let mut sync =
            json!({ "source": "alice", "kind": "jmap", "url": "https://mail.example.com/jmap" });
        if let (Some(sync), Value::Object(fields)) = (sync.as_object_mut(), fields) {
            sync.extend(fields);
        }
        let sync = serde_json::from_value(sync).expect("it is a sync");
        all("2026-03-01T09:30:00+00:00", &[sync])
    }

    #[test]
    fn it_says_how_far_each_source_is_and_what_to_do() {
        let check = |fields: Value, expected: &[&str]| {
            let text = shown(fields);
            for expected in expected {
                assert!(text.contains(expected), "{expected}: {text}");
            }
        };
        check(json!({}), &["alice", "never synced"]);
        check(
            json!({ "overall_status": "processing", "total_chunks": 1203, "completed_chunks": 301, "failed_chunks": 0,
                "progress_percentage": 25.02, "eta": "2026-03-01T09:30:42+00:00" }),
            &["processing", "1,203", "301", "25.0 %", "in 42 s"],
        );
        check(
            json!({ "overall_status": "processing", "blocked_until": "2026-03-01T09:30:30+00:00", "blocked_reason": "source_waits" }),
            &["alice: The source asked to wait. It goes on in 30 s."],
        );
        check(
            json!({ "overall_status": "partial_failure", "failed_chunks": 1, "error_message": "the source is in trouble (500)",
                "synced_items": 1200, "last_synced_at": "2026-02-28T09:30:00+00:00" }),
            &[
                "partial failure",
                "1,200  24 h ago",
                "alice: the source is in trouble (500)\n  `baton",
                "`baton sync list alice --failed`",
                "`baton sync retry alice`",
            ],
        );
        check(
            json!({ "overall_status": "cancelled", "failed_chunks": 1, "error_message": "cancelled by bob" }),
            &["alice: cancelled by bob"],
        );
    }

    #[test]
    fn long_work_is_cut_between_letters() {
        assert_eq!(shortened("{}"), "{}");
        let cut = shortened(&"é".repeat(WIDEST_WORK + 1));
        assert_eq!(cut.chars().count(), WIDEST_WORK);
        assert!(cut.ends_with("é…"), "{cut}");
    }
}
