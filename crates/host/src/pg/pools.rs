//! Connection pools, one per address, with Spin's limits and Spin's way of recycling.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::{Client, Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use tokio_postgres::config::SslMode;

use super::{Connection, tls};

const CONNECTIONS_PER_ADDRESS: usize = 64;
/// Addresses come from guests, so their number is bounded.
const ADDRESSES: usize = 16;

/// What Spin sends at every checkout. It ends no transaction.
const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES;";

/// The pools of all components.
#[derive(Default)]
pub(crate) struct Pools {
    /// By the address and the PEM text of the extra root certificates.
    pools: Mutex<BTreeMap<(String, Option<String>), Pool>>,
    /// Connections on which something ran that may have left its mark on the session.
    used: Mutex<BTreeSet<usize>>,
    /// Calls of functions in this schema leave nothing behind in their session.
    tidy_schema: Option<String>,
}

impl Pools {
    pub(crate) fn new(tidy_schema: Option<String>) -> Self {
        Self {
            tidy_schema,
            ..Self::default()
        }
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

    /// Takes a connection from the pool of `address`, or opens one; waits if all are taken.
    pub(super) async fn get(
        &self,
        address: String,
        ca_root: Option<String>,
    ) -> Result<Connection, String> {
        let pool = self.pool((address, ca_root))?;
        loop {
            let client = pool.get().await.map_err(|err| err.to_string())?;
            let used = self.used().remove(&identity(&client));
            if !used || client.batch_execute(CLEAN).await.is_ok() {
                return Ok(Connection(Arc::new(client)));
            }
            // As in Spin, a connection that cannot be cleaned is thrown away.
            drop(Object::take(client));
        }
    }

    fn pool(&self, key: (String, Option<String>)) -> Result<Pool, String> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&key) {
            return Ok(pool.clone());
        }
        let pool = create(&key.0, key.1.as_deref())?;
        if pools.len() >= ADDRESSES {
            // Connections in use stay with their users.
            pools.clear();
        }
        pools.insert(key, pool.clone());
        Ok(pool)
    }
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

fn create(address: &str, ca_root: Option<&str>) -> Result<Pool, String> {
    let config: tokio_postgres::Config = address
        .parse()
        .map_err(|err: tokio_postgres::Error| err.to_string())?;
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = if config.get_ssl_mode() == SslMode::Disable {
        Manager::from_config(config, tokio_postgres::NoTls, recycling)
    } else {
        let roots = ca_root.map(tls::parse_roots).transpose()?;
        Manager::from_config(config, tls::connector(roots), recycling)
    };
    Pool::builder(manager)
        .max_size(CONNECTIONS_PER_ADDRESS)
        .build()
        .map_err(|err| err.to_string())
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
