use std::time::Duration;

use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use process_chunks::sources::{Progress, StartedSync, SyncProgress};
use serde::Serialize;
use stack::api;
use terminal::output::counted;
use terminal::{advice, output};
use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::Client;

use crate::moment;

/// How often the database is asked.
const EVERY: Duration = Duration::from_millis(300);
/// How many times it is asked for each line where no bar can be drawn.
const ASKED_PER_LINE: u64 = 17;

/// A sync under way, and how far it is, if somebody watched.
#[derive(Debug, Serialize)]
pub(super) struct Sync {
    pub(super) source: String,
    #[serde(flatten)]
    pub(super) started: StartedSync,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<Progress>,
}

/// Shows the progress of the syncs until all have ended.
pub(super) async fn follow(client: &Client, syncs: &mut [Sync]) -> Result<()> {
    let view = View::new(syncs);
    let mut clock = interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 0_u64.. {
        clock.tick().await;
        let now = client
            .query_one("select to_jsonb(baton.clock()) #>> '{}'", &[])
            .await?;
        let now: String = now.try_get(0)?;
        for (at, sync) in syncs.iter_mut().enumerate() {
            if sync.progress.as_ref().is_some_and(has_ended) {
                continue;
            }
            let call = SyncProgress {
                sync_job: sync.started.sync_job_id.to_string(),
            };
            let Some(progress) = api::call(client, call).await? else {
                return Err(advice::error(
                    format!("the sync of {} is gone", sync.source),
                    "somebody removed its source; `baton sync list` lists what there is",
                ));
            };
            view.shows(at, round, &sync.source, &progress, &now);
            sync.progress = Some(progress);
        }
        if syncs
            .iter()
            .all(|it| it.progress.as_ref().is_some_and(has_ended))
        {
            break;
        }
    }
    view.ends();
    Ok(())
}

/// Fails when a sync that was watched did not complete.
pub(super) fn verdict(syncs: &[Sync]) -> Result<()> {
    let mut incomplete = syncs.iter().filter_map(|it| {
        let progress = it.progress.as_ref()?;
        (progress.overall_status != "completed").then_some((&it.source, progress))
    });
    let Some((source, progress)) = incomplete.next() else {
        return Ok(());
    };
    let message = match (incomplete.count(), &progress.error_message) {
        (0, Some(error)) => format!("the sync of {source} did not complete: {error}"),
        (0, None) => format!("the sync of {source} did not complete"),
        (others, _) => format!(
            "{} of {} syncs did not complete, among them that of {source}",
            others + 1,
            syncs.len()
        ),
    };
    let help = help(&Ended {
        source,
        status: &progress.overall_status,
        kind: &progress.kind,
        is_refused: progress.is_refused,
        error: progress.error_message.as_deref(),
    });
    Err(advice::error(message, help))
}

/// What errors contain that the same request would bring again: they name an option, the address, or what was not found there.
const NEED_OTHER_SETTINGS: [&str; 7] = [
    "--",
    "round in circles",
    "address",
    "sync add",
    "no array of records",
    "of the page has",
    "know the parameter",
];

/// A sync that has not completed.
pub(super) struct Ended<'a> {
    pub(super) source: &'a str,
    pub(super) status: &'a str,
    pub(super) kind: &'a str,
    pub(super) is_refused: bool,
    pub(super) error: Option<&'a str>,
}

/// What to do about it.
pub(super) fn help(sync: &Ended) -> String {
    let source = sync.source;
    let error = sync.error.unwrap_or_default();
    if sync.status == "cancelled" {
        format!("`baton sync run {source}` starts another")
    } else if sync.is_refused {
        format!(
            "`baton sync add` takes a new password or token for {source}, `baton sync retry {source}` goes on with it"
        )
    } else if error.contains("sync_hosts") {
        format!(
            "allow the server by the variable sync_hosts (`baton up --variable`), then `baton sync retry {source}`"
        )
    } else if NEED_OTHER_SETTINGS.iter().any(|it| error.contains(it)) {
        format!(
            "`baton sync add` changes the address and options of {source}, then `baton sync run {source} --watch`"
        )
    } else if sync.kind == "changes" {
        format!(
            "`baton sync retry {source}` tries again, `baton sync run {source} --full` fetches everything anew"
        )
    } else {
        format!(
            "`baton sync retry {source}` tries again, `baton sync list {source} --failed` shows every failed chunk"
        )
    }
}

/// The status for people.
pub(super) fn in_words(status: &str) -> &str {
    match status {
        "partial_failure" => "partial failure",
        other => other,
    }
}

/// Chunks and items in words.
pub(super) fn counts(progress: &Progress) -> String {
    let failed = match progress.failed_chunks {
        0 => String::new(),
        n => format!(" ({} failed)", output::count(n)),
    };
    format!(
        "{} of {}{failed}, {:.1} %, {}",
        output::count(done(progress)),
        counted(progress.total_chunks, "chunk"),
        progress.progress_percentage,
        counted(progress.synced_items, "item")
    )
}

/// Bars on a terminal, else now and then a line.
enum View {
    Bars(MultiProgress, Vec<ProgressBar>),
    Lines,
}

impl View {
    fn new(syncs: &[Sync]) -> Self {
        if !output::watched() {
            return Self::Lines;
        }
        let all = MultiProgress::new();
        let longest = syncs.iter().map(|it| it.source.len()).max().unwrap_or(0);
        let style = ProgressStyle::with_template("{prefix} {bar:24} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |sync: &Sync| {
            let bar = ProgressBar::new(0)
                .with_style(style.clone())
                .with_prefix(format!("{:longest$}", sync.source));
            all.add(bar)
        };
        let bars = syncs.iter().map(bar).collect();
        Self::Bars(all, bars)
    }

    fn shows(&self, at: usize, round: u64, source: &str, progress: &Progress, now: &str) {
        let eta = progress.eta.as_deref().filter(|_| !has_ended(progress));
        let eta = eta.map(|it| moment::relative(now, it));
        // Where each page leads to the next, a single chunk always waits, as if it were the last.
        let eta = eta.filter(|it| it != "now" && !it.ends_with(" ago"));
        let eta = eta.map(|it| format!(", done {it}")).unwrap_or_default();
        let status = match progress.overall_status.as_str() {
            "processing" => String::new(),
            other => format!(", {}", in_words(other)),
        };
        let message = format!("{}{eta}{status}", counts(progress));
        match self {
            Self::Bars(_, bars) => {
                bars[at].set_length(progress.total_chunks);
                bars[at].set_position(done(progress));
                bars[at].set_message(message);
            }
            Self::Lines if has_ended(progress) => {}
            Self::Lines if round.is_multiple_of(ASKED_PER_LINE) => {
                output::note(&format!("{source}: {message}"));
            }
            Self::Lines => {}
        }
    }

    /// The result says the same as the last state of the bars.
    fn ends(self) {
        match self {
            Self::Bars(all, bars) => {
                for bar in bars {
                    bar.finish_and_clear();
                }
                // A terminal that is gone has nothing to clear.
                drop(all.clear());
            }
            Self::Lines => {}
        }
    }
}

fn done(progress: &Progress) -> u64 {
    progress.completed_chunks + progress.failed_chunks
}

fn has_ended(progress: &Progress) -> bool {
    !matches!(progress.overall_status.as_str(), "pending" | "processing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(source: &str, status: &str) -> Sync {
        let progress = Progress {
            parent_sync_job_id: Default::default(),
            source: source.to_owned(),
            kind: "full".to_owned(),
            overall_status: status.to_owned(),
            total_chunks: 1200,
            pending_chunks: 0,
            processing_chunks: 0,
            completed_chunks: 1199,
            failed_chunks: 1,
            synced_items: 59_950,
            progress_percentage: 99.9,
            eta: None,
            error_message: None,
            is_refused: false,
        };
        Sync {
            source: source.to_owned(),
            started: StartedSync {
                sync_job_id: Default::default(),
                started: true,
                kind: "full".to_owned(),
            },
            progress: Some(progress),
        }
    }

    #[test]
    fn only_a_sync_that_was_watched_to_another_end_than_completed_is_a_failure() {
        let check = |syncs: &[Sync], expected: Option<&str>| {
            let message = verdict(syncs).err().map(|it| it.to_string());
            assert_eq!(message.as_deref(), expected);
        };
        check(&[sync("alice", "completed")], None);
        let unwatched = Sync {
            progress: None,
            ..sync("alice", "pending")
        };
        check(&[unwatched], None);
        check(
            &[sync("alice", "completed"), sync("bob", "cancelled")],
            Some("the sync of bob did not complete"),
        );
        check(
            &[sync("alice", "failed"), sync("bob", "partial_failure")],
            Some("2 of 2 syncs did not complete, among them that of alice"),
        );
    }

    #[test]
    fn the_error_and_the_help_that_fits_it_are_told() {
        let check =
            |status: &str, kind: &str, is_refused: bool, error: Option<&str>, expected: &str| {
                let help = help(&Ended {
                    source: "alice",
                    status,
                    kind,
                    is_refused,
                    error,
                });
                assert!(help.contains(expected), "{help}");
                let mut sync = sync("alice", status);
                let progress = sync.progress.as_mut().expect("it was watched");
                progress.error_message = error.map(str::to_owned);
                let told = verdict(&[sync])
                    .expect_err("it did not complete")
                    .to_string();
                assert!(
                    told.ends_with(error.unwrap_or("did not complete")),
                    "{told}"
                );
            };
        check(
            "failed",
            "full",
            true,
            Some("the source refuses the credentials (401)"),
            "takes a new password",
        );
        check(
            "failed",
            "full",
            false,
            Some("more: use --offset-param"),
            "`baton sync add`",
        );
        check(
            "partial_failure",
            "changes",
            false,
            Some("the server fails"),
            "`baton sync run alice --full`",
        );
        check(
            "partial_failure",
            "full",
            false,
            Some("the source is in trouble (500)"),
            "`baton sync retry alice`",
        );
        check("cancelled", "full", false, None, "starts another");
        for error in [
            "there is nothing at this address (404)",
            "the source has moved (301); add it with its new address, https://a.example",
            "the answer has no array of records at \"/items\"",
            "record 4 of the page has the id null at \"/id\"",
            "the server now names https://a.example; run `baton sync add` again to allow it",
        ] {
            check("failed", "full", false, Some(error), "`baton sync add`");
        }
        let denied = "the variable sync_hosts does not allow https://a.example";
        check(
            "failed",
            "full",
            false,
            Some(denied),
            "`baton up --variable`",
        );
    }

    #[test]
    fn progress_is_told_in_numbers() {
        let progress = sync("alice", "partial_failure").progress;
        let progress = progress.expect("it was watched");
        let expected = "1,200 of 1,200 chunks (1 failed), 99.9 %, 59,950 items";
        assert_eq!(counts(&progress), expected);
        assert!(has_ended(&progress));
    }
}
