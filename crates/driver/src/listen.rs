//! Listens to the database: a notification is a hint that a path should be called.
//! A wake is only a hint, so what is missed while the connection is down is looked for once when it is back.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use host::pg;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Between two questions to a server that does not notify.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Where wakes come from.
#[derive(Clone)]
pub struct Source {
    /// Where to listen.
    pub database_url: String,
    /// Whose certificates are accepted there.
    pub trust: pg::Trust,
    /// The channel to listen to; the payload of its notifications is the path to POST to, and perhaps, after a space,
    /// how many calls of it should be under way at least.
    pub channel: String,
    /// A statement that tells what was woken since a moment, its parameter (bigint): the paths (text[]) and the latest such
    /// moment (bigint). It is asked every second where the server lets transactions be prepared, which cannot notify.
    pub poll: String,
    /// A path that finds what is due by itself; it is called after each loss of the connection, when that is back.
    pub after_loss: String,
}

/// What asks for a call.
pub(crate) enum Hint {
    /// A notification, by its payload.
    Notified(String),
    /// A path that is to be looked at once more.
    Again(String),
    /// A path that is to be looked at once more, unless it was notified since that moment.
    Behind(String, Instant),
}

/// Passes on each notification as a hint, connecting again whenever the connection is lost, until dropped.
pub(crate) async fn listen(
    source: &Source,
    listening: &watch::Sender<bool>,
    hints: mpsc::UnboundedSender<Hint>,
) {
    let (mut pause, mut lost) = (FIRST_PAUSE, false);
    let statement = format!("listen \"{}\"", source.channel.replace('"', "\"\""));
    loop {
        let connected = async {
            let connecting = pg::connect_and_listen(&source.database_url, &source.trust);
            let (client, notifications) = connecting.await?;
            let prepares = "select current_setting('max_prepared_transactions') <> '0'";
            let polls: bool = client.query_one(prepares, &[]).await?.get(0);
            client.batch_execute(&statement).await?;
            Ok::<_, host::Error>((client, notifications, polls))
        };
        match connected.await {
            Ok((client, mut notifications, polls)) => {
                listening.send_replace(true);
                pause = FIRST_PAUSE;
                if std::mem::take(&mut lost) {
                    tracing::warn!("listening for wakes again; what was missed is looked for");
                    tell(&hints, Hint::Again(source.after_loss.clone()));
                }
                let notified = async {
                    while let Some(it) = notifications.recv().await {
                        if it.channel() == source.channel {
                            tell(&hints, Hint::Notified(it.payload().to_owned()));
                        }
                    }
                };
                tokio::select! {
                    () = notified => {}
                    () = poll(&client, source, &hints), if polls => {}
                }
                tracing::warn!("lost the connection that listens for wakes; connecting again");
            }
            Err(err) => tracing::warn!("cannot listen for wakes: {err}"),
        }
        lost = true;
        listening.send_replace(false);
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Passes a hint on. When the trigger is stopped, its deliverer is gone and the hint with it.
pub(crate) fn tell(hints: &mpsc::UnboundedSender<Hint>, hint: Hint) {
    _ = hints.send(hint);
}

/// Asks for what was woken, until that fails.
async fn poll(
    client: &tokio_postgres::Client,
    source: &Source,
    hints: &mpsc::UnboundedSender<Hint>,
) {
    let mut since = 0_i64;
    loop {
        let row = match client.query_one(&source.poll, &[&since]).await {
            Ok(row) => row,
            Err(err) => return tracing::warn!("cannot ask what was woken: {err}"),
        };
        let (paths, latest): (Vec<String>, i64) = (row.get(0), row.get(1));
        // What was woken before is what a tick finds.
        let news = if since == 0 { Vec::new() } else { paths };
        for path in news {
            tell(hints, Hint::Notified(path));
        }
        since = latest.max(1);
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// Between half of it and the whole, so that many hosts do not come back in step.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 256;
    (pause / 2).mul_f64(1.0 + random as f64 / 255.0)
}
