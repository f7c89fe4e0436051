//! Requests without the right credentials: counted, and logged once a minute, so that strangers cannot fill the disk.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::logs::Log;

/// Between two lines of one component.
const PAUSE: Duration = Duration::from_secs(60);

/// The refused requests of one component.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<State>);

#[derive(Default)]
struct State {
    /// Not logged yet.
    requests: u64,
    logged_at: Option<Instant>,
}

impl Refusals {
    /// Counts a request.
    pub(crate) fn count(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .requests += 1;
    }

    /// Logs what was counted, unless a line was logged within the last minute.
    pub(crate) fn log(&self, log: &Log, component: &str) {
        let requests = self.take(Instant::now(), Some(PAUSE));
        write(log, component, requests);
    }

    /// Logs what was counted, because the host stops.
    pub(crate) fn log_rest(&self, log: &Log, component: &str) {
        let requests = self.take(Instant::now(), None);
        write(log, component, requests);
    }

    fn take(&self, now: Instant, pause: Option<Duration>) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = pause.is_some_and(|pause| {
            state
                .logged_at
                .is_some_and(|it| now.duration_since(it) < pause)
        });
        if state.requests == 0 || recent {
            return 0;
        }
        state.logged_at = Some(now);
        std::mem::take(&mut state.requests)
    }
}

fn write(log: &Log, component: &str, requests: u64) {
    let plural = if requests == 1 { "" } else { "s" };
    if requests > 0 {
        log.write(
            format!(
                "component={component} http_status=401 requests={requests} \
                 message=\"{requests} request{plural} without the right credentials\"\n"
            )
            .as_bytes(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_requests_are_logged_once_a_minute() {
        let refusals = Refusals::default();
        let start = Instant::now();
        let take = |seconds| refusals.take(start + Duration::from_secs(seconds), Some(PAUSE));
        assert_eq!(take(0), 0);
        refusals.count();
        assert_eq!(take(0), 1, "the first at once");
        for _ in 0..1000 {
            refusals.count();
            assert_eq!(take(59), 0);
        }
        assert_eq!(take(60), 1000, "all others together");
        refusals.count();
        assert_eq!(refusals.take(start, None), 1, "the rest at the end");
    }
}
