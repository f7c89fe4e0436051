use std::time::Duration;

use anyhow::{Context as _, Result};
use terminal::advice;
use tokio_postgres::Client;

use crate::database::{Address, Database, connect};
use crate::secret;

/// Names of scratch databases begin like this.
const PREFIX: &str = "baton_scratch_";
/// Key of the advisory lock held while a scratch database has no connection yet; the letters "scratch".
const LOCK: i64 = 0x0073_6372_6174_6368;
/// How long the last connections may take to end by themselves.
const QUIET_WITHIN: Duration = Duration::from_secs(1);

/// A database for one run, with a connection that shows that the run lives.
pub struct Scratch {
    pub address: Address,
    pub client: Client,
    name: String,
    maintenance: Address,
}

impl Scratch {
    /// Makes a migrated database, and drops those that dead runs have left behind.
    pub async fn create(database: &Database) -> Result<Self> {
        let maintenance = database.maintenance();
        let server = connect(&maintenance).await?;
        sweep(&server).await?;
        let name = format!("{PREFIX}{}", &secret::random()?[..16]);
        server
            .execute("select pg_advisory_lock_shared($1)", &[&LOCK])
            .await?;
        server
            .batch_execute(&format!("create database {name} template template0"))
            .await
            .map_err(advice::with(
                "making a database for this run",
                "use a role that may create databases, or unset DATABASE_URL",
            ))?;
        let address = database.address().with_database(&name);
        let client = connect(&address).await;
        server
            .execute("select pg_advisory_unlock_shared($1)", &[&LOCK])
            .await?;
        let mut scratch = Self {
            address,
            client: client?,
            name,
            maintenance,
        };
        match crate::migrate(&mut scratch.client).await {
            // A session keeps the search path with which it began.
            Ok(_) => match connect(&scratch.address).await {
                Ok(client) => {
                    scratch.client = client;
                    Ok(scratch)
                }
                Err(error) => scratch.give_up(error).await,
            },
            Err(error) => scratch.give_up(error).await,
        }
    }

    /// Ends its connections and drops it.
    pub async fn drop(self) -> Result<()> {
        let server = connect(&self.maintenance).await?;
        drop(self.client);
        // A host that was stopped a moment ago may still be hanging up; who stays longer is cut off.
        let others = async {
            let sql = "select count(*) from pg_stat_activity where datname = $1";
            while server.query_one(sql, &[&self.name]).await?.get::<_, i64>(0) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            anyhow::Ok(())
        };
        let _ = tokio::time::timeout(QUIET_WITHIN, others).await;
        server
            .batch_execute(&format!(
                "drop database if exists {} with (force)",
                self.name
            ))
            .await
            .with_context(|| format!("dropping the database {}", self.name))?;
        drop_roles(&server, &self.name).await
    }

    async fn give_up(self, error: anyhow::Error) -> Result<Self> {
        self.drop().await?;
        Err(error)
    }
}

async fn sweep(server: &Client) -> Result<()> {
    let row = server
        .query_one("select pg_try_advisory_lock($1)", &[&LOCK])
        .await?;
    if !row.get::<_, bool>(0) {
        // Another run is making its database; a later start sweeps.
        return Ok(());
    }
    let dead = server
        .query(
            "select d.datname::text from pg_database d
             where starts_with(d.datname, $1) and pg_has_role(d.datdba, 'usage')
               and not exists (select from pg_stat_activity a where a.datname = d.datname)
             order by d.datname limit 100",
            &[&PREFIX],
        )
        .await?;
    for row in dead {
        let name: String = row.get(0);
        // Without force: should a connection have come after all, the database stays.
        if let Err(error) = server
            .batch_execute(&format!("drop database if exists {name}"))
            .await
        {
            tracing::warn!(
                "the database {name} of an earlier run stays: {}",
                advice::postgres(&error)
            );
        }
    }
    if let Err(error) = drop_roles(server, PREFIX).await {
        tracing::warn!("roles of an earlier run stay: {error:#}");
    }
    server
        .execute("select pg_advisory_unlock($1)", &[&LOCK])
        .await?;
    Ok(())
}

/// Drops the roles of scratch databases that are gone, by the beginning of the databases' names.
async fn drop_roles(server: &Client, database: &str) -> Result<()> {
    // Another run may drop the same roles at this moment, so a failure counts when it stays.
    for last in [false, true] {
        let roles = server
            .query(
                "select quote_ident(r.rolname)
                 from pg_roles r, substring(r.rolname from '^baton_(baton_scratch_[0-9a-f]{16})_') as name
                 where starts_with(name, $1) and not exists (select from pg_database d where d.datname = name)
                 order by r.rolname limit 1000",
                &[&database],
            )
            .await?;
        for row in roles {
            let role: String = row.get(0);
            let dropped = server
                .batch_execute(&format!("drop role if exists {role}"))
                .await;
            if last {
                dropped.with_context(|| format!("dropping the role {role}"))?;
            }
        }
    }
    Ok(())
}
