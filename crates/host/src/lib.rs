//! The built-in host for Spin applications: runs the `.wasm` files of a `spin.toml` on wasmtime,
//! for machines without Spin, for tests and for faults on purpose.
//!
//! It is not allowed to know what the application does: no job, no table, no name of a component appears here.
//! It offers nothing that Spin does not offer, refuses what Spin refuses, reads no environment but `SSL_CERT_FILE` and
//! `SSL_CERT_DIR`, and prints nothing.
//!
//! The one entry point is [`start`]; [`check_manifest`] checks an application without starting it.

mod allowed_hosts;
mod app;
mod bindings;
mod caller;
mod context;
mod counters;
mod descriptors;
mod ending;
mod engine;
mod error;
mod faults;
mod http;
mod http_client;
mod http_out;
mod instance;
mod logs;
mod manifest;
/// PostgreSQL for the command line and tests.
pub mod pg;
mod refusals;
mod routes;
mod variables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use wasmtime_wasi_http::handler::ProxyHandler;

pub use caller::Caller;
pub use counters::Stats;
pub use error::Error;
pub use faults::{FaultKind, FaultPlan};
pub use manifest::check_manifest;

/// What to run and how.
#[derive(Clone)]
pub struct Config {
    /// The `spin.toml`; the sources of components are relative to it.
    pub manifest: PathBuf,
    /// Where to listen for HTTP; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Application variables; they win over the manifest's defaults.
    pub variables: BTreeMap<String, String>,
    /// How long a component may take to answer a request before it is ended and the caller gets a 504.
    pub request_deadline: Duration,
    /// Bytes of memory per instance; a guest that wants more traps.
    pub memory_limit: usize,
    /// Clients that may be connected at once, if the limit of open files allows as many; others wait until one leaves.
    pub max_clients: usize,
    /// Bytes of a request body; a larger one is refused with 413 before the component runs.
    pub max_body: usize,
    /// Where guests' stdout and stderr go, as `<component>.log`; none: to `tracing`.
    pub log_dir: Option<PathBuf>,
    /// Bytes of a log file, after which a new one is begun; the last three of each component are kept.
    pub log_size: u64,
    /// Where compiled components are kept; none: compiled at each start.
    pub cache_dir: Option<PathBuf>,
    /// Whether statements are prepared once per connection and kept. False suits poolers that lose them:
    /// then each statement is sent with the types of its values, which is more lenient than Spin.
    pub prepared_statements: bool,
    /// Calls of functions in this schema of the database leave nothing behind in their session, so after them, and
    /// nothing else, a connection needs no cleaning; Spin cleans it at every use. None: as Spin does.
    pub tidy_schema: Option<String>,
    /// How many connections to PostgreSQL all components together may have: Spin's `max_connections` of `[outbound_pg]`.
    pub max_connections: usize,
    /// Whose certificates are accepted, from PostgreSQL and from other servers.
    pub trust: pg::Trust,
    /// A fault on purpose, for tests.
    pub faults: Option<FaultPlan>,
}

impl Config {
    /// A configuration with the defaults: 30 seconds, 128 MiB, 1,024 clients, bodies of 64 KiB, logs of 10 MiB, 64 connections
    /// to PostgreSQL, prepared statements, and nothing optional.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            manifest: manifest.into(),
            listen,
            variables: BTreeMap::new(),
            request_deadline: Duration::from_secs(30),
            memory_limit: 128 << 20,
            max_clients: 1024,
            max_body: 64 << 10,
            log_dir: None,
            log_size: 10 << 20,
            cache_dir: None,
            prepared_statements: true,
            tidy_schema: None,
            max_connections: 64,
            trust: pg::Trust::system(),
            faults: None,
        }
    }
}

/// A host that serves requests until stopped or dropped.
pub struct Running {
    app: Arc<app::App>,
    manifest: PathBuf,
    document: manifest::Document,
    /// Those given at the start, and since.
    variables: Mutex<BTreeMap<String, String>>,
    faults: Arc<faults::Faults>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    _beat: std::sync::mpsc::Sender<()>,
}

/// Loads the application and serves it.
///
/// # Errors
/// If the manifest, a variable, a component or the address is not usable; the error names it.
pub async fn start(config: Config) -> Result<Running, Error> {
    let document = manifest::read(&config.manifest)?;
    let application = document
        .resolve(&config.variables)
        .map_err(manifest::refused(&config.manifest))?;
    let listener = match TcpListener::bind(config.listen).await {
        Ok(listener) => listener,
        Err(source) => return Err(listen_error(&config, source)),
    };
    let address = listener
        .local_addr()
        .map_err(|err| listen_error(&config, err))?;

    let names = application.components.iter().map(|it| it.name.as_str());
    let faults = Arc::new(faults::Faults::new(config.faults.clone(), names));
    let loader = Arc::new(engine::Loader::new(config.cache_dir.as_deref())?);
    let counters = Arc::new(counters::Counters::default());
    let budget = pg::Budget::new(config.max_connections);
    let client = http_client::Client::new(&config.trust);
    let mut handlers = BTreeMap::new();
    for component in application.components {
        let source = config.manifest.with_file_name(&component.source);
        let pre = compile(&loader, &component.name, source).await?;
        let context = context::Context {
            log: logs::Log::open(config.log_dir.as_deref(), &component.name, config.log_size)?,
            refusals: refusals::Refusals::default(),
            component: component.name.clone(),
            variables: RwLock::new(component.variables),
            allowed_hosts: component.allowed_hosts,
            prepared_statements: config.prepared_statements,
            pools: pg::Pools::new(config.tidy_schema.clone(), config.trust.clone(), &budget),
            client: client.clone(),
            faults: faults.clone(),
            chain: OnceLock::new(),
        };
        let factory = instance::Factory {
            engine: loader.engine.clone(),
            pre,
            context: Arc::new(context),
            counters: counters.clone(),
            deadline: config.request_deadline,
            memory_limit: config.memory_limit,
        };
        handlers.insert(component.name, ProxyHandler::new(factory));
    }
    let limits = http::Limits {
        clients: descriptors::most_clients(
            config.max_clients,
            descriptors::raise_limit(),
            config.max_connections,
        ),
        body: config.max_body,
    };
    let beat = engine::start_beat(&loader.engine)?;
    let app = app::App {
        routes: application.routes,
        handlers,
        counters,
        deadline: config.request_deadline,
    };
    let app = app.connect();

    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(http::serve(app.clone(), listener, limits, stopped.clone()));
    tasks.spawn(app::log_refusals(app.clone(), stopped));
    tracing::info!(application = application.name, "serving http://{address}");
    Ok(Running {
        app,
        manifest: config.manifest,
        document,
        variables: Mutex::new(config.variables),
        faults,
        address,
        stop,
        tasks,
        _beat: beat,
    })
}

async fn compile(
    loader: &Arc<engine::Loader>,
    component: &str,
    source: PathBuf,
) -> Result<wasmtime_wasi_http::handler::ProxyPre<instance::Guest>, Error> {
    let (loader, name) = (loader.clone(), component.to_owned());
    let compiling = tokio::task::spawn_blocking(move || loader.load(&name, &source));
    compiling
        .await
        .unwrap_or_else(|err| Err(Error::Engine(format!("compiling: {err}"))))
}

fn listen_error(config: &Config, source: std::io::Error) -> Error {
    Error::Listen {
        address: config.listen,
        source,
    }
}

impl Running {
    /// Where the host listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Calls the application as a client would.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller(self.app.clone())
    }

    /// Counts since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.app.counters.stats(self.faults.counts())
    }

    /// Changes a variable of the application; what components ask for from here on has the new value.
    /// Where they may connect to stays as it was at the start.
    ///
    /// # Errors
    /// If the manifest does not declare the variable.
    pub fn set_variable(&self, name: &str, value: &str) -> Result<(), Error> {
        let mut variables = self
            .variables
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut changed = variables.clone();
        changed.insert(name.to_owned(), value.to_owned());
        let application = self
            .document
            .resolve(&changed)
            .map_err(manifest::refused(&self.manifest))?;
        for component in application.components {
            if let Some(handler) = self.app.handlers.get(&component.name) {
                handler.state().context.set_variables(component.variables);
            }
        }
        *variables = changed;
        Ok(())
    }

    /// Stops accepting, lets the requests under way finish (no longer than the request deadline), and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let finish = async {
            while self.tasks.join_next().await.is_some() {}
            self.app.counters.quiet().await;
        };
        if tokio::time::timeout(self.app.deadline, finish)
            .await
            .is_err()
        {
            tracing::warn!("stopped with requests under way");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.app.counters.close();
    }
}
