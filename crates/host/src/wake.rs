//! The wake trigger: a `NOTIFY` whose payload is a path becomes a request to that path.
//! A wake is only a hint, so what is missed while the connection is down is left to the ticks.

mod calls;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};

use crate::app::App;
use crate::errand::{self, Answer};
use crate::pg;
use calls::Calls;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Before calling again what answered that it is unavailable.
const AFTER_UNAVAILABLE: Duration = Duration::from_secs(5);
/// The farthest call that an answer may ask for.
const LONGEST_WISH: Duration = Duration::from_secs(60);

/// Requests on notification, with the body `{"trigger":"wake"}`, and `{"trigger":"next"}` after an answer that asks for more.
#[derive(Clone)]
pub struct Wakes {
    /// Where to listen.
    pub database_url: String,
    /// Whose certificates are accepted there.
    pub trust: pg::Trust,
    /// The channel to listen to; the payload of its notifications is the path to POST to, and perhaps, after a space,
    /// how many calls of it should be under way at least.
    pub channel: String,
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
        () = relay(&wakes.database_url, &wakes.trust, &wakes.channel, &listening, post) => {}
        _ = stop.changed() => {}
    }
}

/// Listens to `channel`, as [`Wakes`] describes it, and has `post` POST each path with the trigger, `wake` or `next`;
/// until dropped, and connecting again whenever the connection is lost.
/// `listening` hears after each attempt to connect and each loss whether it listens.
pub async fn relay<P, F>(
    database_url: &str,
    trust: &pg::Trust,
    channel: &str,
    listening: &watch::Sender<bool>,
    post: P,
) where
    P: Fn(String, &'static str) -> F,
    F: Future<Output = Answer> + Send + 'static,
{
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::select! {
        () = listen(database_url, trust, channel, listening, sender.clone()) => {}
        () = deliver(sender, receiver, post) => {}
    }
}

async fn listen(
    database_url: &str,
    trust: &pg::Trust,
    channel: &str,
    listening: &watch::Sender<bool>,
    payloads: mpsc::UnboundedSender<String>,
) {
    let mut pause = FIRST_PAUSE;
    let statement = format!("listen \"{}\"", channel.replace('"', "\"\""));
    loop {
        let connected = async {
            let (client, notifications) = pg::connect_and_listen(database_url, trust).await?;
            client.batch_execute(&statement).await?;
            Ok::<_, crate::Error>((client, notifications))
        };
        match connected.await {
            Ok((_client, mut notifications)) => {
                listening.send_replace(true);
                pause = FIRST_PAUSE;
                while let Some(it) = notifications.recv().await {
                    if it.channel() == channel && payloads.send(it.payload().to_owned()).is_err() {
                        return;
                    }
                }
                tracing::warn!("lost the connection that listens for wakes");
            }
            Err(err) => tracing::warn!("cannot listen for wakes: {err}"),
        }
        listening.send_replace(false);
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Between half of it and the whole, so that many hosts do not come back in step.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 256;
    (pause / 2).mul_f64(1.0 + random as f64 / 255.0)
}

async fn deliver<P, F>(
    later: mpsc::UnboundedSender<String>,
    mut payloads: mpsc::UnboundedReceiver<String>,
    post: P,
) where
    P: Fn(String, &'static str) -> F,
    F: Future<Output = Answer> + Send + 'static,
{
    let mut calls = Calls::default();
    let mut under_way = JoinSet::new();
    let mut started: HashMap<Id, (String, &'static str)> = HashMap::new();
    loop {
        let call = tokio::select! {
            payload = payloads.recv() => match payload {
                Some(payload) => calls.notified(&payload),
                None => return,
            },
            Some(ended) = under_way.join_next_with_id() => {
                // A call that panicked has ended like any other.
                let (id, answer) = match ended {
                    Ok((id, answer)) => (id, answer),
                    Err(err) => (err.id(), Err(err.to_string())),
                };
                let (path, trigger) = started.remove(&id).expect("each call is noted when it starts");
                errand::log(&path, trigger, &answer);
                let wish = Wish::of(&answer);
                if let Some(pause) = wish.pause() {
                    let (path, later) = (path.clone(), later.clone());
                    tokio::spawn(async move {
                        tokio::time::sleep(pause).await;
                        // Nobody listens any more when it is stopped.
                        _ = later.send(path);
                    });
                }
                calls.ended(path, wish.again)
            }
        };
        if let Some((path, trigger)) = call {
            let id = under_way.spawn(post(path.clone(), trigger)).id();
            started.insert(id, (path, trigger));
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
