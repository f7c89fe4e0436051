//! What happened since the start, and what is under way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Counts since the start of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests handed to a component, chained and in-process calls included.
    pub requests: u64,
    /// Component instances made.
    pub instances: u64,
    /// Instances lost to a trap.
    pub traps: u64,
    /// Requests cut off by the deadline.
    pub deadlines: u64,
    /// Outside calls by component, counted as [`crate::FaultPlan`] says.
    pub outside_calls: BTreeMap<String, u64>,
}

#[derive(Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    instances: AtomicU64,
    traps: AtomicU64,
    deadlines: AtomicU64,
    closed: AtomicBool,
    in_flight: watch::Sender<usize>,
}

impl Counters {
    pub(crate) fn instance_created(&self) {
        self.instances.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn trapped(&self) {
        self.traps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn cut_off(&self) {
        self.deadlines.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self, outside_calls: BTreeMap<String, u64>) -> Stats {
        Stats {
            requests: self.requests.load(Ordering::Relaxed),
            instances: self.instances.load(Ordering::Relaxed),
            traps: self.traps.load(Ordering::Relaxed),
            deadlines: self.deadlines.load(Ordering::Relaxed),
            outside_calls,
        }
    }

    /// From now on, instances that are dropped early are no failures.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Waits until no request is under way.
    pub(crate) async fn quiet(&self) {
        let mut in_flight = self.in_flight.subscribe();
        // The sender is `self`, so it outlives the wait.
        _ = in_flight.wait_for(|it| *it == 0).await;
    }
}

/// A request under way, until dropped.
pub(crate) struct InFlight {
    counters: Arc<Counters>,
    start: Instant,
}

impl InFlight {
    pub(crate) fn new(counters: &Arc<Counters>) -> Self {
        counters.requests.fetch_add(1, Ordering::Relaxed);
        counters.in_flight.send_modify(|it| *it += 1);
        Self {
            counters: counters.clone(),
            #[expect(
                clippy::disallowed_methods,
                reason = "the request deadline is the host's own"
            )]
            start: Instant::now(),
        }
    }

    /// What is left of `deadline`, counted from the arrival of the request.
    pub(crate) fn remaining(&self, deadline: Duration) -> Duration {
        deadline.saturating_sub(self.start.elapsed())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.counters.in_flight.send_modify(|it| *it -= 1);
    }
}
