//! Faults on purpose, for tests: the n-th outside call of a component goes wrong in a chosen way, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmtime_wasi::clocks::HostWallClock;

/// Which outside call goes wrong, and how.
/// Opening a connection, a query, an execute and an outgoing HTTP request count as one outside call each;
/// what `allowed_outbound_hosts` refuses does not count.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    /// The component's name in the manifest.
    pub component: String,
    /// Counted from 1 since the host's start.
    pub nth_call: u64,
    /// What happens.
    pub kind: FaultKind,
}

/// How an outside call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The guest traps, and nothing was done.
    Trap,
    /// The interface's own error comes back, and nothing was done.
    Error,
    /// The call never returns, and nothing was done; the request deadline ends it.
    Hang,
    /// The call is carried out, and the guest traps instead of seeing the result.
    AfterTrap,
    /// The call is carried out, and meanwhile the machine is suspended for two hours: wall clocks go on, deadlines do not.
    Suspend,
}

const SUSPENDED: Duration = Duration::from_secs(2 * 3600);

/// Counts the outside calls of every component and holds the plan.
#[derive(Debug)]
pub(crate) struct Faults {
    plan: Option<FaultPlan>,
    calls: BTreeMap<String, AtomicU64>,
    /// Seconds.
    suspended: AtomicU64,
}

/// How an outside call may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Passage {
    Go,
    /// Answer with the interface's error instead.
    Fail,
    /// Do it, then trap.
    TrapAfter,
}

impl Faults {
    pub(crate) fn new<'a>(
        plan: Option<FaultPlan>,
        components: impl Iterator<Item = &'a str>,
    ) -> Self {
        let calls = components
            .map(|it| (it.to_owned(), AtomicU64::new(0)))
            .collect();
        Self {
            plan,
            calls,
            suspended: AtomicU64::new(0),
        }
    }

    /// Outside calls so far, by component.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.calls.iter();
        counts
            .map(|(name, count)| (name.clone(), count.load(Ordering::Relaxed)))
            .collect()
    }

    /// Every outside call passes here first; the error is a trap.
    pub(crate) async fn enter(&self, component: &str) -> wasmtime::Result<Passage> {
        let Some(count) = self.calls.get(component) else {
            return Ok(Passage::Go);
        };
        let nth = count.fetch_add(1, Ordering::Relaxed) + 1;
        let planned = self.plan.as_ref();
        match planned.filter(|it| it.component == component && it.nth_call == nth) {
            None => Ok(Passage::Go),
            Some(plan) => match plan.kind {
                FaultKind::Trap => Err(injected()),
                FaultKind::Error => Ok(Passage::Fail),
                FaultKind::Hang => std::future::pending().await,
                FaultKind::AfterTrap => Ok(Passage::TrapAfter),
                FaultKind::Suspend => {
                    self.suspended.store(SUSPENDED.as_secs(), Ordering::Relaxed);
                    Ok(Passage::Go)
                }
            },
        }
    }
}

/// The wall clock of guests.
pub(crate) struct WallClock(pub(crate) Arc<Faults>);

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        let suspended = Duration::from_secs(self.0.suspended.load(Ordering::Relaxed));
        #[expect(clippy::disallowed_methods, reason = "this is the guests' own clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default() + suspended
    }
}

impl Passage {
    /// The call was carried out; the error is a trap.
    pub(crate) fn leave(self) -> wasmtime::Result<()> {
        match self {
            Self::TrapAfter => Err(injected()),
            Self::Go | Self::Fail => Ok(()),
        }
    }
}

fn injected() -> wasmtime::Error {
    wasmtime::format_err!("trap injected by the fault plan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fault_hits_the_planned_call_of_the_planned_component_once() {
        let plan = FaultPlan {
            component: "a".to_owned(),
            nth_call: 2,
            kind: FaultKind::Error,
        };
        let faults = Faults::new(Some(plan), ["a", "b"].into_iter());
        let mut passages = Vec::new();
        for component in ["a", "b", "b", "a", "a"] {
            passages.push(faults.enter(component).await.expect("no trap is planned"));
        }
        use Passage::{Fail, Go};
        assert_eq!(passages, [Go, Go, Go, Fail, Go]);
        assert_eq!(
            faults.counts(),
            [("a".to_owned(), 3), ("b".to_owned(), 2)].into()
        );
    }
}
