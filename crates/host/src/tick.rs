//! The tick trigger: one request at the start and one every so often.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::errand;

/// A request at regular times, with the body `{"trigger":"tick"}`.
#[derive(Clone)]
pub struct Tick {
    /// The path to POST to; starts with a slash.
    pub path: String,
    /// The time between two ticks; the first one comes at the start.
    pub every: Duration,
    /// Sent as `Authorization: Bearer …`, from the next tick on.
    pub bearer: watch::Receiver<String>,
}

/// Ticks until told to stop; a tick that falls into the previous one's request is left out.
pub(crate) async fn run(app: Arc<App>, tick: Tick, mut stop: watch::Receiver<bool>) {
    let mut interval = tokio::time::interval(tick.every.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            _ = stop.changed() => return,
        }
        let bearer = tick.bearer.borrow().clone();
        errand::post(&app, &tick.path, &bearer, "tick").await;
    }
}
