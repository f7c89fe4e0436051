//! A call at the start and one every so often.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::answer::{self, Answer};

const TRIGGER: &str = "tick";

/// A call at regular times, with the trigger `tick`.
#[derive(Clone)]
pub struct Tick {
    /// The path to POST to; starts with a slash.
    pub path: String,
    /// The time between two ticks; the first one comes at the start.
    pub every: Duration,
}

/// Ticks until told to stop; a tick that falls into the previous one's call is left out.
pub(crate) async fn run<P, F>(tick: Tick, post: P, mut stop: watch::Receiver<bool>)
where
    P: Fn(String, &'static str) -> F,
    F: Future<Output = Answer>,
{
    let mut interval = tokio::time::interval(tick.every.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            // First, because a tick may be due already.
            biased;
            _ = stop.changed() => return,
            _ = interval.tick() => {}
        }
        let answer = post(tick.path.clone(), TRIGGER).await;
        answer::log(&tick.path, TRIGGER, &answer);
    }
}
