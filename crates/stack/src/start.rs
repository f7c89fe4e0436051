mod kept;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use baton::database;
use driver::{Driver, Source, Tick};
use terminal::{advice, output};
use tokio::sync::watch;
use tokio_postgres::Client;

use crate::database::Address;
use crate::key::Key;
use crate::{home::Home, roles, source_key, variables};
use kept::Kept;

/// The channel on which the database wakes jobs.
pub const WAKE_CHANNEL: &str = "baton_wake";
/// The path that finds what is due.
const TICK: &str = "/tick";
/// The schema whose functions set nothing but for their own transaction.
const TIDY_SCHEMA: &str = "baton_api";
/// How many connections to PostgreSQL all components of the host have by default; PostgreSQL's own default is 100.
pub const MAX_CONNECTIONS: usize = 50;
/// How often it is looked whether a file with a key has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How to start the host.
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Variables of the application that win over the computed ones.
    pub variables: BTreeMap<String, String>,
    /// How often to tick, if at all.
    pub tick_every: Option<Duration>,
    /// Whether to listen for wakes of the database.
    pub wakes: bool,
    /// Whether statements are prepared once per connection.
    pub prepared_statements: bool,
    /// How many connections to PostgreSQL all components together may have.
    pub max_connections: usize,
    /// Who starts it.
    pub who: String,
}

/// What runs.
pub struct Stack {
    /// The host.
    pub running: host::Running,
    /// What ticks, and delivers wakes.
    driver: Driver,
    /// The key that it accepted first.
    pub service_key: String,
    /// The DNS-over-HTTPS resolvers that it asks; none where DNS is off.
    pub resolvers: Vec<String>,
    /// The key that its own ticks and wakes present.
    bearer: watch::Sender<String>,
    kept: Vec<Kept>,
}

impl Stack {
    /// Makes no further call and accepts none, lets those under way finish (no longer than their deadline), and ends.
    pub async fn stop(self) {
        self.driver.stop();
        self.running.stop().await;
    }

    /// The file with this key; none when the key was given otherwise.
    pub fn file(&self, key: Key) -> Option<&Path> {
        let kept = self.kept.iter().find(|it| it.key == key);
        kept.map(|it| &*it.file)
    }

    /// Gives the host what the files with its keys hold, whenever they change; returns only when that fails.
    pub async fn follow_keys(&mut self) -> Result<Infallible> {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            for kept in &mut self.kept {
                let key = kept.key;
                let Some(live) = kept.changed() else {
                    continue;
                };
                // First, because what it presents next is live already, and what it presented may not be live after.
                if let (Key::Service, [first, ..]) = (key, live) {
                    self.bearer.send_replace(first.clone());
                }
                self.running.set_variable(key.variable(), &live.join(" "))?;
                output::note(&format!("The {} changed; {} live.", key.name(), live.len()));
            }
        }
    }
}

/// Brings the schema up to date and says what was applied.
pub async fn migrate(client: &mut Client) -> Result<schema::Report> {
    let migrating = schema::migrate_telling(client, output::note);
    migrating.await.map_err(|error| match error {
        schema::Error::Newer(_) => advice::with("migrating", "install the newer release")(error),
        schema::Error::Edited(_) => {
            advice::with("migrating", "put the released file back as it was")(error)
        }
        schema::Error::Dependents(_) => advice::with(
            "migrating",
            "drop them first and create them again afterwards; grants on Baton's views stay by themselves",
        )(error),
        schema::Error::Unsuitable(_) => advice::with(
            "migrating",
            "run these statements where they suit your application, then `baton migrate` again; nothing was changed",
        )(error),
        schema::Error::Busy => advice::with(
            "migrating",
            "wait for it to end; it may be building indexes (pg_stat_progress_create_index shows them)",
        )(error),
        schema::Error::Refused { .. } | schema::Error::Connection(_) => advice::with(
            "migrating",
            "connect as the owner of the database, who may create roles and schemas",
        )(error),
    })
}

/// Starts the host for a migrated database.
pub async fn start(
    home: &Home,
    address: &Address,
    owner: &Client,
    options: Options,
) -> Result<Stack> {
    // Where the database is comes last: a variable in the environment must not lead a run into another database.
    let mut variables = variables::environment_variables(home)?;
    variables.extend(options.variables.clone());
    let logins = roles::log_in(home, address, owner, &variables, &options.who).await?;
    variables.extend(logins);
    variables.extend(database_variables(address)?);
    variables.extend(options.variables.clone());
    if !variables.contains_key(source_key::VARIABLE) {
        variables.insert(source_key::VARIABLE.to_owned(), source_key::kept(home)?);
    }
    for (name, value) in &mut variables {
        *value = service_address(name, value)?;
    }
    let mut kept = Vec::new();
    for key in Key::ALL {
        let live = match options.variables.get(key.variable()) {
            Some(value) => key.live(value)?,
            None => key.live(&key.value(home)?)?,
        };
        // A file may separate them by lines.
        variables.insert(key.variable().to_owned(), live.join(" "));
        let file = key.file_in_use(home, &options.variables)?;
        kept.extend(file.map(|file| Kept::new(key, file, live)));
    }
    let service_key = Key::Service.first(&variables[Key::Service.variable()]);
    let bearer = watch::Sender::new(service_key.clone());
    let resolvers = resolvers(home, &variables)?;
    // An application with other components declares what its components need; Spin ignores the rest, too.
    let declared = home.read_manifest()?;
    let declared = declared.get("variables").and_then(toml::Value::as_table);
    variables.retain(|name, _| {
        options.variables.contains_key(name) || declared.is_some_and(|it| it.contains_key(name))
    });
    let logs = home.logs();
    std::fs::create_dir_all(&logs).with_context(|| format!("making {}", logs.display()))?;
    let config = host::Config {
        variables,
        log_dir: Some(logs),
        cache_dir: Some(home.cache()),
        prepared_statements: options.prepared_statements,
        tidy_schema: Some(TIDY_SCHEMA.to_owned()),
        max_connections: options.max_connections,
        trust: address.trust().clone(),
        ..host::Config::new(home.manifest(), options.listen)
    };
    if home.is_to_compile()? {
        output::note("Compiling the components (once, about a minute)…");
    }
    let running = host::start(config).await.map_err(|error| match error {
        host::Error::Listen { address, .. } => taken(address)(error),
        host::Error::Component { .. } => advice::with(
            "starting the host",
            "build the components anew with scripts/build-components",
        )(error),
        host::Error::Manifest { .. } => advice::with(
            "starting the host",
            "correct spin.toml, or the variables given",
        )(error),
        other => advice::with("starting the host", "`baton doctor` checks the set-up")(other),
    })?;
    home.note_compiled()?;
    let (caller, key) = (running.caller(), bearer.subscribe());
    let post = move |path: String, trigger| {
        let (caller, key) = (caller.clone(), key.borrow().clone());
        async move { caller.post(&path, &key, driver::body(trigger)).await }
    };
    let tick = options.tick_every.map(|every| Tick {
        path: TICK.to_owned(),
        every,
    });
    let wakes = options.wakes.then(|| wakes_of(address));
    let driver = driver::start(tick, wakes, post).await;
    Ok(Stack {
        running,
        driver,
        service_key,
        resolvers,
        bearer,
        kept,
    })
}

/// A variable with the address of a service, as `spin.toml` wants it; other variables as they are.
fn service_address(name: &str, value: &str) -> Result<String> {
    let read = match name {
        "resolver1" | "resolver2" => crate::service_address::resolver(value),
        "provider_url" | "sms_url" | "email_url" => crate::service_address::service(value),
        _ => return Ok(value.to_owned()),
    };
    let help = match name {
        "email_url" => {
            "give scheme, host and port alone; the path goes into the variable email_path"
        }
        _ => "give scheme, host and port alone",
    };
    read.map_err(advice::with(format!("reading the variable {name}"), help))
}

/// The DNS-over-HTTPS resolvers that components ask with these variables, by the defaults of the manifest; none where DNS is off.
pub fn resolvers(home: &Home, variables: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let manifest = home.read_manifest()?;
    let variable = |name: &str| {
        let default = || {
            manifest
                .get("variables")?
                .get(name)?
                .get("default")?
                .as_str()
        };
        variables.get(name).map(String::as_str).or_else(default)
    };
    if variable("dns") == Some("off") {
        return Ok(Vec::new());
    }
    let mut resolvers: Vec<String> = ["resolver1", "resolver2"]
        .into_iter()
        .filter_map(|name| Some(service_address(name, variable(name)?)))
        .collect::<Result<_>>()?;
    resolvers.dedup();
    Ok(resolvers)
}

/// Fails when the address cannot be listened on, before anything is started.
pub fn check_listen(address: SocketAddr) -> Result<()> {
    std::net::TcpListener::bind(address)
        .map(drop)
        .map_err(taken(address))
}

/// Where the wakes of a database come from.
pub fn wakes_of(address: &Address) -> Source {
    Source {
        database_url: address.secret_string().to_owned(),
        trust: address.trust().clone(),
        channel: WAKE_CHANNEL.to_owned(),
        poll: "select routes, latest from baton.woken_since($1)".to_owned(),
        after_loss: TICK.to_owned(),
    }
}

/// Where components find the database, by variables of the application; the authorities that the host trusts are its own.
pub fn database_variables(address: &Address) -> Result<[(String, String); 5]> {
    Ok([
        ("pg_host".to_owned(), address.host()?),
        ("pg_port".to_owned(), address.port().to_string()),
        (
            "pg_database".to_owned(),
            database::escaped(address.database()),
        ),
        ("pg_sslmode".to_owned(), address.tls().sslmode().to_owned()),
        ("pg_ca".to_owned(), String::new()),
    ])
}

fn taken<E: Into<anyhow::Error>>(address: SocketAddr) -> impl FnOnce(E) -> anyhow::Error {
    advice::with(
        format!("{address} cannot be listened on"),
        "choose another address, such as --listen 127.0.0.1:3001",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_address_is_named_with_what_to_do() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
        let address = listener.local_addr().expect("it listens");
        let error = check_listen(address).expect_err("it is taken");
        assert!(format!("{error:#}").contains(&address.to_string()));
    }
}
