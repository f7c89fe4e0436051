//! One instance of a component: its store, what it may take on, and when it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context as Poller, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::context::Context;
use crate::counters::{Counters, InFlight};
use crate::ending::Ending;
use crate::faults::WallClock;
use crate::http_out::Outbound;
use crate::pg::Capabilities;

/// Requests that one instance serves at once, and in all: as Spin does.
const CONCURRENT_REQUESTS: usize = 16;
const TOTAL_REQUESTS: usize = 128;
/// How long an instance without a request is kept.
const IDLE: Duration = Duration::from_secs(1);
/// A guest that gives way is told of its deadline from inside; one that does not is ended this much later.
const GRACE: Duration = Duration::from_millis(50);

/// The data of one instance's store.
pub(crate) struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    limits: StoreLimits,
}

impl Guest {
    pub(crate) fn capabilities(&mut self) -> Capabilities<'_> {
        Capabilities {
            table: &mut self.table,
            context: &self.outbound.context,
        }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}

/// Makes the instances of one component.
pub(crate) struct Factory {
    pub(crate) engine: Engine,
    pub(crate) pre: ProxyPre<Guest>,
    pub(crate) context: Arc<Context>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) deadline: Duration,
    /// Bytes.
    pub(crate) memory_limit: usize,
}

impl HandlerState for Factory {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let ending = Arc::new(Ending::default());
        let guest = Guest {
            table: ResourceTable::new(),
            wasi: WasiCtx::builder()
                .stdout(self.context.log.stream())
                .stderr(self.context.log.stream())
                .wall_clock(WallClock(self.context.faults.clone()))
                .allow_tcp(false)
                .allow_udp(false)
                .build(),
            http: WasiHttpCtx::new(),
            outbound: Outbound {
                context: self.context.clone(),
                ending: ending.clone(),
            },
            limits: StoreLimitsBuilder::new()
                .memory_size(self.memory_limit)
                .trap_on_grow_failure(true)
                .build(),
        };
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|it| &mut it.limits);
        // A guest that computes without pause gives way at every epoch, so that its deadline is noticed.
        store.epoch_deadline_async_yield_and_update(1);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        self.counters.instance_created();
        Ok(Instance {
            store,
            proxy,
            view: Guest::http,
            expiration: Expiration {
                ending: ending.clone(),
                deadline: self.deadline,
                sleep: Box::pin(tokio::time::sleep(IDLE)),
            },
            state: Worker {
                ending,
                component: self.context.component.clone(),
                counters: self.counters.clone(),
                deadline: self.deadline,
            },
        })
    }
}

/// Decides when an instance is dropped.
pub(crate) struct Expiration {
    ending: Arc<Ending>,
    deadline: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Poller<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        self.ending.waker.register(cx.waker());
        if self.ending.trap.get().is_some() {
            return Poll::Ready(());
        }
        let limit = match status {
            WorkerStatus::Idle => IDLE,
            WorkerStatus::Requests => self.deadline + GRACE,
            // The work of a request that was cut off goes on as long as the instance lives.
            WorkerStatus::PostReturn if self.ending.expired.load(Ordering::Relaxed) => {
                Duration::ZERO
            }
            WorkerStatus::PostReturn => self.deadline,
        };
        let until = tokio::time::Instant::from_std(start + limit);
        if self.sleep.deadline() != until {
            self.sleep.as_mut().reset(until);
        }
        let poll = self.sleep.as_mut().poll(cx);
        if poll.is_ready() {
            self.ending.stopped.store(true, Ordering::Relaxed);
        }
        poll
    }
}

/// Decides what an instance takes on, and notes how it ended.
pub(crate) struct Worker {
    ending: Arc<Ending>,
    component: String,
    counters: Arc<Counters>,
    deadline: Duration,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = InFlight;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= TOTAL_REQUESTS {
            ShouldAccept::Never
        } else if concurrent >= CONCURRENT_REQUESTS {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        in_flight: InFlight,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        let ending = self.ending.clone();
        let deadline = in_flight.remaining(self.deadline);
        Box::pin(async move {
            // Held until the guest has answered, even if nobody waits for the answer any more.
            let _in_flight = in_flight;
            tokio::time::sleep(deadline).await;
            ending.expired.store(true, Ordering::Relaxed);
        })
    }

    fn drop(&self, _: Store<Guest>, result: Result<(), wasmtime::Error>) {
        let component = &self.component;
        if let Some(trap) = self.ending.trap.get() {
            self.counters.trapped();
            tracing::warn!(component, "{trap}");
        } else if self.ending.stopped.load(Ordering::Relaxed) || self.counters.is_closed() {
            tracing::debug!(component, "instance ended from outside");
        } else if let Err(err) = result {
            self.counters.trapped();
            tracing::warn!(component, "trap: {}", root_cause(&err));
        }
    }
}

/// The error without the frames of WebAssembly functions around it.
fn root_cause(err: &wasmtime::Error) -> String {
    err.chain()
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}
