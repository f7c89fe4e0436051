//! The WebAssembly engine: what guests may import, how they are compiled, and the beat that makes busy ones give way.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, CacheConfig, Engine};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use crate::bindings::{postgres, variables};
use crate::error::Error;
use crate::instance::Guest;
use crate::pg::Imports;

/// How long a busy guest computes before others get their turn.
const BEAT: Duration = Duration::from_millis(10);

/// An engine with its linker.
pub(crate) struct Loader {
    pub(crate) engine: Engine,
    linker: Linker<Guest>,
}

impl Loader {
    pub(crate) fn new(cache_dir: Option<&Path>) -> Result<Self, Error> {
        let setup = || -> wasmtime::Result<Self> {
            let mut config = wasmtime::Config::new();
            config
                .wasm_component_model_async(true)
                .epoch_interruption(true);
            if let Some(directory) = cache_dir {
                let mut cache = CacheConfig::new();
                cache.with_directory(std::path::absolute(directory)?);
                config.cache(Some(Cache::new(cache)?));
            }
            let engine = Engine::new(&config)?;
            let mut linker = Linker::new(&engine);
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            wasmtime_wasi::p3::add_to_linker(&mut linker)?;
            p2::add_only_http_to_linker_async(&mut linker)?;
            p3::add_to_linker(&mut linker)?;
            postgres::add_to_linker::<_, Imports>(&mut linker, Guest::capabilities)?;
            variables::add_to_linker::<_, Imports>(&mut linker, Guest::capabilities)?;
            Ok(Self { engine, linker })
        };
        setup().map_err(|err| Error::Engine(format!("{err:#}")))
    }

    /// Compiles a component, or takes it from the cache; takes long, so it belongs on a blocking thread.
    pub(crate) fn load(&self, component: &str, source: &PathBuf) -> Result<ProxyPre<Guest>, Error> {
        let load = || -> wasmtime::Result<ProxyPre<Guest>> {
            let compiled = Component::from_file(&self.engine, source)?;
            let pre = self.linker.instantiate_pre(&compiled)?;
            if let Ok(service) = p3::bindings::ServicePre::new(pre.clone()) {
                return Ok(ProxyPre::P3(service));
            }
            match p2::bindings::ProxyPre::new(pre) {
                Ok(proxy) => Ok(ProxyPre::P2(proxy)),
                Err(_) => wasmtime::bail!(
                    "it exports neither wasi:http/handler@0.3.0 nor wasi:http/incoming-handler@0.2.0"
                ),
            }
        };
        load().map_err(|err| Error::Component {
            component: component.to_owned(),
            message: format!("{}: {err:#}", source.display()),
        })
    }
}

/// Starts the beat, on a thread of its own because busy guests can occupy all threads of the runtime.
/// It stops when the returned sender is dropped.
pub(crate) fn start_beat(engine: &Engine) -> Result<Sender<()>, Error> {
    let (sender, receiver) = channel();
    let engine = engine.weak();
    let beat = move || {
        while receiver.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    };
    let thread = std::thread::Builder::new().name("epoch".to_owned());
    match thread.spawn(beat) {
        Ok(_) => Ok(sender),
        Err(err) => Err(Error::Engine(format!("starting a thread: {err}"))),
    }
}
