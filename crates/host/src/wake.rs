//! The wake trigger: a `NOTIFY` whose payload is a path becomes a request to that path.
//! A wake is only a hint, so what is missed while the connection is down is looked for once when it is back.

mod calls;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use crate::app::App;
use crate::errand::{self, Answer};
use crate::pg;
use calls::Calls;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Before calling again what answered that it is unavailable.
const AFTER_UNAVAILABLE: Duration = Duration::from_secs(5);
/// Writers within so long of a notification send none of their own.
const WRITERS_SHARE: Duration = Duration::from_secs(1);
/// Paths that are remembered as notified.
const MOST_NOTIFIED: usize = 64;
/// The farthest call that an answer may ask for.
const LONGEST_WISH: Duration = Duration::from_secs(60);

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

/// Requests on notification, with the body `{"trigger":"wake"}`, and `{"trigger":"next"}` after an answer that asks for more.
#[derive(Clone)]
pub struct Wakes {
    /// Where they come from.
    pub source: Source,
    /// Sent as `Authorization: Bearer …`, from the next request on.
    pub bearer: watch::Receiver<String>,
}

/// Delivers wakes to the application itself until told to stop.
pub(crate) async fn run(
    app: Arc<App>,
    wakes: Wakes,
    listening: watch::Sender<bool>,
    mut stop: watch::Receiver<bool>,
) {
    let post = |path: String, trigger| {
        let (app, bearer) = (app.clone(), wakes.bearer.borrow().clone());
        async move { errand::send(&app, &path, &bearer, trigger).await }
    };
    tokio::select! {
        () = relay(&wakes.source, &listening, post) => {}
        _ = stop.changed() => {}
    }
}

/// Listens to a source and has `post` POST each path with the trigger, `wake` or `next`; until dropped, and connecting again
/// whenever the connection is lost. `listening` hears after each attempt to connect and each loss whether it listens.
pub async fn relay<P, F>(source: &Source, listening: &watch::Sender<bool>, post: P)
where
    P: Fn(String, &'static str) -> F,
    F: Future<Output = Answer> + Send + 'static,
{
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::select! {
        () = listen(source, listening, sender.clone()) => {}
        () = deliver(sender, receiver, post) => {}
    }
}

/// What asks for a call.
enum Hint {
    /// A notification, by its payload.
    Notified(String),
    /// A path that is to be looked at once more.
    Again(String),
}

async fn listen(
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
            Ok::<_, crate::Error>((client, notifications, polls))
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
fn tell(hints: &mpsc::UnboundedSender<Hint>, hint: Hint) {
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
        tokio::time::sleep(WRITERS_SHARE).await;
    }
}

/// Between half of it and the whole, so that many hosts do not come back in step.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 256;
    (pause / 2).mul_f64(1.0 + random as f64 / 255.0)
}

async fn deliver<P, F>(
    later: mpsc::UnboundedSender<Hint>,
    mut hints: mpsc::UnboundedReceiver<Hint>,
    post: P,
) where
    P: Fn(String, &'static str) -> F,
    F: Future<Output = Answer> + Send + 'static,
{
    let mut calls = Calls::default();
    let mut under_way = JoinSet::new();
    let mut started: HashMap<Id, (String, &'static str, Instant)> = HashMap::new();
    let mut notified: HashMap<String, Instant> = HashMap::new();
    let look_again = |path: String, at: Instant| {
        let later = later.clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            tell(&later, Hint::Again(path));
        });
    };
    loop {
        let call = tokio::select! {
            hint = hints.recv() => match hint {
                Some(Hint::Notified(payload)) => {
                    let path = payload.split(' ').next().unwrap_or_default();
                    if notified.len() < MOST_NOTIFIED {
                        notified.insert(path.to_owned(), Instant::now());
                    }
                    calls.notified(&payload)
                }
                Some(Hint::Again(path)) => calls.notified(&path),
                None => return,
            },
            Some(ended) = under_way.join_next_with_id() => {
                // A call that panicked has ended like any other.
                let (id, answer) = match ended {
                    Ok((id, answer)) => (id, answer),
                    Err(err) => (err.id(), Err(err.to_string())),
                };
                let (path, trigger, start) = started.remove(&id).expect("each call is noted when it starts");
                errand::log(&path, trigger, &answer);
                let wish = Wish::of(&answer);
                if let Some(pause) = wish.pause() {
                    look_again(path.clone(), Instant::now() + pause);
                }
                let call = calls.ended(path.clone(), wish.again);
                // Writers within a second of a notification send none; this call may have come before them.
                if call.is_none()
                    && let Some(at) = notified.remove(&path)
                    && start < at + WRITERS_SHARE
                {
                    look_again(path, at + WRITERS_SHARE);
                }
                call
            }
        };
        if let Some((path, trigger)) = call {
            let id = under_way.spawn(post(path.clone(), trigger)).id();
            started.insert(id, (path, trigger, Instant::now()));
        }
    }
}

/// What an answer wants of whoever delivers wakes.
#[derive(Default, Deserialize)]
struct Wish {
    /// Another call at once.
    again: bool,
    /// Otherwise a call after so many seconds.
    #[serde(default)]
    again_in: Option<f64>,
}

impl Wish {
    fn of(answer: &Answer) -> Self {
        match answer {
            // An answer of another shape wants nothing.
            Ok((200, body)) => serde_json::from_slice(body).unwrap_or_default(),
            // Whatever cannot be reached now may be back before the next tick.
            Ok((503, _)) => Self {
                again: false,
                again_in: Some(AFTER_UNAVAILABLE.as_secs_f64()),
            },
            Ok(_) | Err(_) => Self::default(),
        }
    }

    /// How long to wait for that call; what is farther off is left to the ticks.
    fn pause(&self) -> Option<Duration> {
        let pause = Duration::try_from_secs_f64(self.again_in?).ok()?;
        (!self.again && pause <= LONGEST_WISH).then_some(pause)
    }
}

#[cfg(test)]
mod tests;
