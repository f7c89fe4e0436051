//! Turns hints into calls, and answers into further calls.

use std::collections::HashMap;
use std::time::Duration;

use baton::contract::RunAnswer;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use crate::answer::{self, Answer};
use crate::calls::Calls;
use crate::listen::{Hint, tell};

/// Before calling again what answered that it is unavailable.
const AFTER_UNAVAILABLE: Duration = Duration::from_secs(5);
/// Writers who send no notification, because others just did, are looked for so long after the last one that came close behind another,
/// and, if their transactions took longer, so long after any.
const LOOKS: [Duration; 2] = [Duration::from_millis(15), Duration::from_secs(1)];
/// Closer ones than that may have writers between them who sent none (`baton.mark_woken`).
const CLOSE: Duration = Duration::from_millis(25);
/// Paths that are remembered as notified.
const MOST_NOTIFIED: usize = 64;
/// The farthest call that an answer may ask for.
const FARTHEST_CALL: Duration = Duration::from_secs(60);

/// Has `post` POST the path of each hint, and what answers ask for, until there are no more hints.
pub(crate) async fn deliver<P, F>(
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
    let mut notified: HashMap<String, Notified> = HashMap::new();
    let look_again = |hint: Hint, at: Instant| {
        let later = later.clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            tell(&later, hint);
        });
    };
    loop {
        let call = tokio::select! {
            hint = hints.recv() => match hint {
                Some(Hint::Notified(payload)) => {
                    let path = payload.split(' ').next().unwrap_or_default();
                    let at = Instant::now();
                    let is_close = notified.get(path).is_some_and(|it| at < it.at + CLOSE);
                    if notified.contains_key(path) || notified.len() < MOST_NOTIFIED {
                        let looks = if is_close { &LOOKS[..] } else { &LOOKS[1..] };
                        notified.insert(path.to_owned(), Notified { at, looks });
                    }
                    calls.notified(&payload)
                }
                Some(Hint::Again(path)) => calls.notified(&path),
                Some(Hint::Behind(path, since)) => match notified.get(&path) {
                    Some(it) if it.at > since => None,
                    _ => calls.notified(&path),
                },
                None => return,
            },
            Some(ended) = under_way.join_next_with_id() => {
                // A call that panicked has ended like any other.
                let (id, answer) = match ended {
                    Ok((id, answer)) => (id, answer),
                    Err(err) => (err.id(), Err(err.to_string())),
                };
                let (path, trigger, start) = started.remove(&id).expect("each call is noted when it starts");
                answer::log(&path, trigger, &answer);
                let next = NextCall::of(&answer);
                if let Some(pause) = next.pause() {
                    look_again(Hint::Again(path.clone()), Instant::now() + pause);
                }
                let call = calls.ended(path.clone(), next.again);
                if call.is_none() && let Some(it) = notified.get_mut(&path) {
                    match it.look_after(start) {
                        Some(look) => look_again(Hint::Behind(path, it.at), look),
                        None => _ = notified.remove(&path),
                    }
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

/// When a path was notified last, and when it is still to be looked at.
struct Notified {
    at: Instant,
    looks: &'static [Duration],
}

impl Notified {
    /// The next look that a call does not serve that began at `start`.
    fn look_after(&mut self, start: Instant) -> Option<Instant> {
        let (next, rest) = self.looks.split_first()?;
        self.looks = rest;
        let at = self.at + *next;
        if start < at {
            Some(at)
        } else {
            self.look_after(start)
        }
    }
}

/// The call that an answer asks for.
#[derive(Default)]
struct NextCall {
    /// Another call at once.
    again: bool,
    /// Otherwise a call after so many seconds.
    again_in: Option<f64>,
}

impl NextCall {
    fn of(answer: &Answer) -> Self {
        match answer {
            Ok((200, body)) => match serde_json::from_slice(body) {
                Ok(RunAnswer::Ran {
                    again, again_in, ..
                }) => Self { again, again_in },
                // An answer of another shape wants nothing.
                Ok(_) | Err(_) => Self::default(),
            },
            // Whatever cannot be reached now may be back before the next tick.
            Ok((503, _)) => Self {
                again: false,
                again_in: Some(AFTER_UNAVAILABLE.as_secs_f64()),
            },
            Ok(_) | Err(_) => Self::default(),
        }
    }

    /// How long to wait for a call that is not at once; what is farther off is left to the ticks.
    fn pause(&self) -> Option<Duration> {
        let pause = Duration::try_from_secs_f64(self.again_in?).ok()?;
        (!self.again && pause <= FARTHEST_CALL).then_some(pause)
    }
}

#[cfg(test)]
mod tests;
