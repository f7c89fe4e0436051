mod address;
mod keep_up;

use std::time::Duration;

use anyhow::{Context as _, Result};
use cluster::Cluster;
use tokio::sync::Mutex;
use tokio_postgres::Client;

pub use address::Address;

use crate::{context::Context, home::Home, lock::Lock, running::Announcement};
use terminal::{advice, output};

/// The database of the private cluster.
const PRIVATE_NAME: &str = "baton";
/// How long the last connections may take to end before a cluster that others use is left running.
const QUIET_WITHIN: Duration = Duration::from_secs(3);

/// The database to work on: the one of `DATABASE_URL`, or one in the private cluster, which is running then.
pub struct Database {
    address: Address,
    cluster: Option<Mutex<Cluster>>,
    /// Shared by all commands that use the private cluster: the last one ends it.
    in_use: Option<Lock>,
}

impl Database {
    /// Uses `DATABASE_URL`, else starts or joins the private cluster and makes its database when absent.
    pub async fn open(context: &Context, home: &Home) -> Result<Self> {
        if let Some(url) = &context.common.database_url {
            let address = Address::parse(url).map_err(advice::with(
                "reading DATABASE_URL",
                "write it like postgres://user@host:5432/database",
            ))?;
            return Ok(Self {
                address,
                cluster: None,
                in_use: None,
            });
        }
        let in_use = Lock::shared(home.state_file("postgres-in-use.lock")?).await?;
        let cluster = Cluster::start(&home.cluster(), cluster::Options::default())
            .await
            .map_err(|error| match error {
                cluster::Error::NoPostgres { .. } => advice::with(
                    "starting PostgreSQL",
                    "install it, or run scripts/setup, which does",
                )(error),
                other => advice::with(
                    "starting PostgreSQL",
                    format!(
                        "look at its log in {}, or set DATABASE_URL to another server",
                        home.cluster().display()
                    ),
                )(other),
            })?;
        let address = Address::parse(&cluster.owner_url(PRIVATE_NAME))?;
        let database = Self {
            address,
            cluster: Some(Mutex::new(cluster)),
            in_use: Some(in_use),
        };
        match database.create_when_absent().await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.close().await?;
                Err(error)
            }
        }
    }

    /// Does `work` on the database of the running host, if one runs, and closes it, also when the work fails.
    /// The work is dropped when interrupted.
    pub async fn with<T>(
        context: &Context,
        home: &Home,
        work: impl AsyncFnOnce(&Self) -> Result<T>,
    ) -> Result<T> {
        if context.common.database_url.is_none()
            && let Some(other) = Announcement::read(home).filter(|it| !it.private)
        {
            return Err(advice::error(
                format!("the running host uses the database {}", other.database),
                "set DATABASE_URL to that database, or stop the host",
            ));
        }
        Self::around(context, home, async |database| {
            context.interrupt.guard(work(database)).await
        })
        .await
    }

    /// Like [`Database::with`], for commands that look and change nothing: a private database is not made.
    pub async fn look<T>(
        context: &Context,
        home: &Home,
        work: impl AsyncFnOnce(&Self) -> Result<T>,
    ) -> Result<T> {
        if context.common.database_url.is_none() && !home.has_cluster() {
            return Err(advice::error(
                "there is no private database yet, and DATABASE_URL is not set",
                "start everything with `baton up`, or set DATABASE_URL to the database of a deployment",
            ));
        }
        Self::with(context, home, work).await
    }

    /// Like [`Database::with`], for work that has to clean up and so watches for the interrupt itself,
    /// and that has nothing to do with another host.
    pub async fn around<T>(
        context: &Context,
        home: &Home,
        work: impl AsyncFnOnce(&Self) -> Result<T>,
    ) -> Result<T> {
        let database = Self::open(context, home).await?;
        let result = work(&database).await;
        let closed = database.close().await;
        let value = result?;
        closed?;
        Ok(value)
    }

    /// Where it is, for its owner.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether it lies in the private cluster.
    pub fn is_private(&self) -> bool {
        self.cluster.is_some()
    }

    /// A database from which others can be made and dropped.
    pub fn maintenance(&self) -> Address {
        if self.is_private() {
            self.address.with_database("postgres")
        } else {
            self.address.clone()
        }
    }

    /// Connects as owner.
    pub async fn connect(&self) -> Result<Client> {
        connect(&self.address).await
    }

    /// Ends the private cluster, also one that another command started, unless others use it.
    pub async fn close(self) -> Result<()> {
        let maintenance = self.maintenance();
        let (Some(cluster), Some(in_use)) = (self.cluster.map(Mutex::into_inner), self.in_use)
        else {
            return Ok(());
        };
        if !in_use.is_last()? {
            return Ok(());
        }
        // A server that no longer answers is stopped all the same.
        if others_connected(&maintenance).await.unwrap_or(0) > 0 {
            output::note("The private PostgreSQL goes on, because others are using it.");
            return Ok(());
        }
        cluster.stop().await.context("stopping PostgreSQL")
    }

    async fn create_when_absent(&self) -> Result<()> {
        let client = connect(&self.maintenance()).await?;
        let row = client
            .query_one(
                "select exists (select from pg_database where datname = $1)",
                &[&PRIVATE_NAME],
            )
            .await?;
        if row.get(0) {
            return Ok(());
        }
        match client
            .batch_execute(&format!(
                "create database {PRIVATE_NAME} template template0"
            ))
            .await
        {
            // Another start came first.
            Err(error)
                if error
                    .code()
                    .is_some_and(|it| it.code() == "42P04" || it.code() == "23505") =>
            {
                Ok(())
            }
            other => other.context("creating the database"),
        }
    }
}

/// Connects, and says what to do when that fails.
pub async fn connect(address: &Address) -> Result<Client> {
    let connecting = host::pg::connect_trusting(address.secret_string(), address.trust());
    connecting.await.map_err(|error| {
        let error = match error {
            host::Error::Postgres(error) => anyhow::Error::from(error),
            other => other.into(),
        };
        let help = connection_help(&advice::chain(&error));
        advice::with(format!("connecting to {address}"), help)(error)
    })
}

fn connection_help(failure: &str) -> &'static str {
    if failure.contains("certificate") {
        "give the certificate of the server's authority with ?sslrootcert=FILE in DATABASE_URL, or in SSL_CERT_FILE"
    } else if failure.contains("does not support TLS") {
        "set up TLS on the server, or accept an unencrypted connection with ?sslmode=disable in DATABASE_URL"
    } else if failure.contains("no encryption") {
        "the server wants TLS; ask for it with ?sslmode=require in DATABASE_URL"
    } else {
        "check that PostgreSQL runs there, and the user and password in DATABASE_URL"
    }
}

async fn others_connected(maintenance: &Address) -> Result<i64> {
    let client = connect(maintenance).await?;
    let count = async || -> Result<i64> {
        let row = client
            .query_one("select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()", &[])
            .await?;
        Ok(row.get(0))
    };
    let quiet = async {
        while count().await? > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(QUIET_WITHIN, quiet).await {
        Ok(quiet) => quiet.map(|()| 0),
        Err(_elapsed) => count().await,
    }
}
