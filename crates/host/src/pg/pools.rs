//! Connection pools, one per address, with Spin's limits and Spin's way of recycling.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::config::SslMode;

use super::{Connection, tls};

const CONNECTIONS_PER_ADDRESS: usize = 64;
/// Addresses come from guests, so their number is bounded.
const ADDRESSES: usize = 16;

/// The pools of all components; the key is the address and the PEM text of the extra root certificates.
#[derive(Default)]
pub(crate) struct Pools(Mutex<BTreeMap<(String, Option<String>), Pool>>);

impl Pools {
    /// Takes a connection from the pool of `address`, or opens one; waits if all are taken.
    pub(super) async fn get(
        &self,
        address: String,
        ca_root: Option<String>,
    ) -> Result<Connection, String> {
        let pool = self.pool((address, ca_root))?;
        match pool.get().await {
            Ok(client) => Ok(Connection(Arc::new(client))),
            Err(err) => Err(err.to_string()),
        }
    }

    fn pool(&self, key: (String, Option<String>)) -> Result<Pool, String> {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

fn create(address: &str, ca_root: Option<&str>) -> Result<Pool, String> {
    let config: tokio_postgres::Config = address
        .parse()
        .map_err(|err: tokio_postgres::Error| err.to_string())?;
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Clean,
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
