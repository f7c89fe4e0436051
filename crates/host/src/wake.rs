//! The wake trigger: a `NOTIFY` whose payload is a path becomes a request to that path.
//! A wake is only a hint, so what is missed while the connection is down is left to the ticks.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::app::App;
use crate::{errand, pg};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Requests on notification, with the body `{"trigger":"wake"}`.
#[derive(Clone)]
pub struct Wakes {
    /// Where to listen.
    pub database_url: String,
    /// The channel to listen to; the payload of its notifications is the path to POST to.
    pub channel: String,
    /// Sent as `Authorization: Bearer …`.
    pub bearer: String,
}

/// Listens until told to stop, connecting again whenever the connection is lost.
/// `tried` hears when it listens, or when the first attempt failed.
pub(crate) async fn run(
    app: Arc<App>,
    wakes: Wakes,
    tried: oneshot::Sender<()>,
    mut stop: watch::Receiver<bool>,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::select! {
        () = listen(&wakes, tried, sender) => {}
        () = deliver(&app, &wakes.bearer, receiver, stop.clone()) => {}
        _ = stop.changed() => {}
    }
}

async fn listen(wakes: &Wakes, tried: oneshot::Sender<()>, paths: mpsc::UnboundedSender<String>) {
    let mut tried = Some(tried);
    let mut pause = FIRST_PAUSE;
    let statement = format!("listen \"{}\"", wakes.channel.replace('"', "\"\""));
    loop {
        let connected = async {
            let (client, notifications) = pg::connect_and_listen(&wakes.database_url).await?;
            client.batch_execute(&statement).await?;
            Ok::<_, crate::Error>((client, notifications))
        };
        let connected = connected.await;
        // Nobody may have waited for it.
        _ = tried.take().map(|it| it.send(()));
        match connected {
            Ok((_client, mut notifications)) => {
                pause = FIRST_PAUSE;
                while let Some(it) = notifications.recv().await {
                    if it.channel() == wakes.channel && paths.send(it.payload().to_owned()).is_err()
                    {
                        return;
                    }
                }
                tracing::warn!("lost the connection that listens for wakes");
            }
            Err(err) => tracing::warn!("cannot listen for wakes: {err}"),
        }
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Between half of it and the whole, so that many hosts do not come back in step.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 256;
    (pause / 2).mul_f64(1.0 + random as f64 / 255.0)
}

/// Per path at most one request is under way and one more is pending, however many notifications arrive.
async fn deliver(
    app: &Arc<App>,
    bearer: &str,
    mut paths: mpsc::UnboundedReceiver<String>,
    stop: watch::Receiver<bool>,
) {
    let mut pending: BTreeMap<String, bool> = BTreeMap::new();
    let mut under_way: JoinSet<String> = JoinSet::new();
    let spawn = |under_way: &mut JoinSet<String>, path: String| {
        let (app, bearer) = (app.clone(), bearer.to_owned());
        under_way.spawn(async move {
            errand::post(&app, &path, &bearer, "wake").await;
            path
        });
    };
    loop {
        tokio::select! {
            path = paths.recv() => match path {
                Some(path) if !path.starts_with('/') => {
                    tracing::warn!("a wake without a path was ignored");
                }
                Some(path) => match pending.get_mut(&path) {
                    Some(again) => *again = true,
                    None => {
                        pending.insert(path.clone(), false);
                        spawn(&mut under_way, path);
                    }
                },
                None => return,
            },
            Some(finished) = under_way.join_next() => {
                // A request that panicked leaves its path blocked, which the ticks make good.
                let Ok(path) = finished else { continue };
                match pending.get_mut(&path) {
                    Some(again) if *again && !*stop.borrow() => {
                        *again = false;
                        spawn(&mut under_way, path);
                    }
                    _ => drop(pending.remove(&path)),
                }
            }
        }
    }
}
