//! Connection pools of one component, one per address, with Spin's limits and Spin's way of recycling.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
    Timeouts,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_postgres::config::SslMode;

use super::{Connection, Trust};

const CONNECTIONS_PER_ADDRESS: usize = 64;
/// Addresses come from guests, so their number is bounded.
const ADDRESSES: usize = 16;
/// How long a guest waits for one of the connections of the application.
const WAITING: Duration = Duration::from_secs(10);
/// How long opening a connection may take.
const OPENING: Duration = Duration::from_secs(8);
/// How long a connection may take to show that it works.
const CHECKING: Duration = Duration::from_secs(2);
/// A connection that no guest took for so long is tried before a guest gets it.
const IDLE: Duration = Duration::from_secs(1);

/// What Spin sends at every checkout. It ends no transaction.
const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES;";

/// The connections that all components together may have open: Spin's `max_connections` of `[outbound_pg]`.
pub(crate) struct Budget {
    permits: Arc<Semaphore>,
    most: usize,
    members: Mutex<Vec<Weak<Pools>>>,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(most)),
            most,
            members: Mutex::default(),
        })
    }

    async fn take(&self) -> Result<OwnedSemaphorePermit, String> {
        let permit = self.permits.clone().acquire_owned();
        match tokio::time::timeout(WAITING, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err("too many connections".to_owned()),
        }
    }

    /// Closes idle connections of other components when a new one would be too many.
    fn make_room(&self, own: &Pool) {
        if own.status().available > 0 {
            return;
        }
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let members = members.iter().filter_map(Weak::upgrade);
        let pools: Vec<Pool> = members.flat_map(|it| it.all()).collect();
        let mut open: usize = pools.iter().map(|it| it.status().size).sum();
        for pool in pools {
            if open < self.most {
                return;
            }
            let closed = pool.retain(|_, _| false).removed.len();
            open = open.saturating_sub(closed);
        }
    }
}

/// The pools of one component.
pub(crate) struct Pools {
    /// By the address and the PEM text of the extra root certificates.
    pools: Mutex<BTreeMap<(String, Option<String>), Pool>>,
    /// Connections on which something ran that may have left its mark on the session.
    used: Mutex<BTreeSet<usize>>,
    /// Calls of functions in this schema leave nothing behind in their session.
    tidy_schema: Option<String>,
    trust: Trust,
    budget: Arc<Budget>,
}

/// A connection that a guest has. One whose statement did not end is closed and not given to another guest.
pub(crate) struct Lease {
    /// Always there until dropped.
    object: Option<Object>,
    unfinished: AtomicUsize,
    _permit: OwnedSemaphorePermit,
}

impl Deref for Lease {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.object.as_ref().expect("it is taken by drop alone")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.unfinished.load(Ordering::Acquire) > 0
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

impl Lease {
    /// Runs a statement. When the future is dropped before its end, the connection counts as unusable.
    pub(super) async fn run<T>(&self, statement: impl Future<Output = T>) -> T {
        self.unfinished.fetch_add(1, Ordering::AcqRel);
        let ended = statement.await;
        self.unfinished.fetch_sub(1, Ordering::AcqRel);
        ended
    }
}

impl Pools {
    pub(crate) fn new(
        tidy_schema: Option<String>,
        trust: Trust,
        budget: &Arc<Budget>,
    ) -> Arc<Self> {
        let pools = Arc::new(Self {
            pools: Mutex::default(),
            used: Mutex::default(),
            tidy_schema,
            trust,
            budget: budget.clone(),
        });
        let mut members = budget
            .members
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        members.push(Arc::downgrade(&pools));
        pools.clone()
    }

    /// Notes that this statement is run on the connection.
    pub(super) fn used_by(&self, connection: &Client, sql: &str) {
        let tidy = self.tidy_schema.as_deref();
        if !tidy.is_some_and(|schema| only_calls(schema, sql)) {
            self.used().insert(identity(connection));
        }
    }

    fn used(&self) -> std::sync::MutexGuard<'_, BTreeSet<usize>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<Pool> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.values().cloned().collect()
    }

    /// Takes a connection from the pool of `address`, or opens one; waits if all are taken, but not for ever.
    pub(super) async fn get(
        &self,
        address: String,
        ca_root: Option<String>,
    ) -> Result<Connection, String> {
        let pool = self.pool((address, ca_root))?;
        let permit = self.budget.take().await?;
        loop {
            self.budget.make_room(&pool);
            let client = pool.get().await.map_err(|err| in_full(&err))?;
            if self.is_usable(&client).await {
                return Ok(Connection(Arc::new(Lease {
                    object: Some(client),
                    unfinished: AtomicUsize::new(0),
                    _permit: permit,
                })));
            }
            // As in Spin, a connection that cannot be cleaned is thrown away.
            drop(Object::take(client));
        }
    }

    async fn is_usable(&self, client: &Object) -> bool {
        !self.used().remove(&identity(client)) || works(client, CLEAN).await
    }

    fn pool(&self, key: (String, Option<String>)) -> Result<Pool, String> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&key) {
            return Ok(pool.clone());
        }
        let pool = self.create(&key.0, key.1.as_deref())?;
        if pools.len() >= ADDRESSES {
            // Connections in use stay with their users.
            pools.clear();
        }
        pools.insert(key, pool.clone());
        Ok(pool)
    }

    fn create(&self, address: &str, ca_root: Option<&str>) -> Result<Pool, String> {
        let config: tokio_postgres::Config = address
            .parse()
            .map_err(|err: tokio_postgres::Error| err.to_string())?;
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = if config.get_ssl_mode() == SslMode::Disable {
            Manager::from_config(config, tokio_postgres::NoTls, recycling)
        } else {
            let trust = match ca_root {
                Some(pem) => self.trust.with(pem).map_err(|err| err.to_string())?,
                None => self.trust.clone(),
            };
            Manager::from_config(config, trust.connector(), recycling)
        };
        Pool::builder(manager)
            .max_size(CONNECTIONS_PER_ADDRESS)
            .pre_recycle(try_idle())
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(WAITING),
                create: Some(OPENING),
                recycle: Some(CHECKING),
            })
            .build()
            .map_err(|err| err.to_string())
    }
}

/// Tries a connection that was idle before it is handed out. When one no longer works, those that were last taken before that
/// are thrown away untried: what broke one broke all, and each try would cost the guest the same wait.
fn try_idle() -> Hook {
    let broken_at: Arc<Mutex<Option<Instant>>> = Arc::default();
    Hook::async_fn(move |client, metrics| {
        let broken_at = broken_at.clone();
        Box::pin(async move {
            if metrics.last_used() < IDLE {
                return Ok(());
            }
            let taken_at = Instant::from_std(metrics.recycled.unwrap_or(metrics.created));
            let broken = *broken_at.lock().unwrap_or_else(PoisonError::into_inner);
            let untried = broken.is_some_and(|it| taken_at <= it);
            if !untried && works(client, "").await {
                return Ok(());
            }
            if !untried {
                let mut broken = broken_at.lock().unwrap_or_else(PoisonError::into_inner);
                *broken = Some(Instant::now());
            }
            Err(HookError::message("the connection no longer works"))
        })
    })
}

/// Whether a connection runs these statements in time.
async fn works(client: &tokio_postgres::Client, statements: &str) -> bool {
    let run = tokio::time::timeout(CHECKING, client.batch_execute(statements)).await;
    matches!(run, Ok(Ok(())))
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        let said = it.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = it.source();
    }
    text
}

/// The same for as long as the connection lives.
fn identity(connection: &Client) -> usize {
    Arc::as_ptr(&connection.statement_cache).addr()
}

/// Whether a statement does nothing but call one function of the schema, as in `select schema.name($1, $2)`.
fn only_calls(schema: &str, sql: &str) -> bool {
    let call = || {
        let function = sql
            .strip_prefix("select ")?
            .strip_prefix(schema)?
            .strip_prefix('.')?;
        let (name, arguments) = function.strip_suffix(')')?.split_once('(')?;
        let is_name = name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '_');
        let are_places = arguments
            .chars()
            .all(|it| it.is_ascii_digit() || "$, ".contains(it));
        Some(is_name && are_places)
    };
    call() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_one_function_is_told_from_anything_else() {
        let check = |sql, expected| assert_eq!(only_calls("api", sql), expected, "{sql}");
        check("select api.claim($1, $2)", true);
        check("select api.sweep()", true);
        check("select api.claim($1), set_config('a', 'b', false)", false);
        check("select api.claim(set_config('a', 'b', false))", false);
        check("select api.claim($1); begin", false);
        check("select other.claim($1)", false);
        check("select apis.claim($1)", false);
        check("select pg_advisory_lock($1)", false);
        check("begin", false);
    }
}
