//! What the host knows about one component, shared by all its instances.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use http::{Request, Response};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::allowed_hosts::AllowedHosts;
use crate::faults::{Faults, Passage};
use crate::http_client::Client;
use crate::logs::Log;
use crate::pg::Pools;
use crate::refusals::Refusals;

type Answering = Pin<Box<dyn Future<Output = Result<Response<WasiBody>, Error>> + Send>>;
type Chain = Box<dyn Fn(String, Request<WasiBody>) -> Answering + Send + Sync>;

/// One component's name, settings, permissions and ways outside.
pub(crate) struct Context {
    pub(crate) component: String,
    pub(crate) variables: RwLock<BTreeMap<String, String>>,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) prepared_statements: bool,
    pub(crate) log: Log,
    pub(crate) refusals: Refusals,
    pub(crate) pools: Arc<Pools>,
    pub(crate) client: Client,
    pub(crate) faults: Arc<Faults>,
    /// Calls another component of the application, by its name. Set once all components are loaded.
    pub(crate) chain: OnceLock<Chain>,
}

impl Context {
    /// The present value of one of the component's variables.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let variables = self.variables.read();
        let variables = variables.unwrap_or_else(PoisonError::into_inner);
        variables.get(name).cloned()
    }

    /// Replaces all variables at once.
    pub(crate) fn set_variables(&self, new: BTreeMap<String, String>) {
        let variables = self.variables.write();
        *variables.unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// Calls another component of the application.
    pub(crate) async fn chain(
        &self,
        component: String,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error> {
        let chain = self.chain.get().ok_or(Error::DestinationUnavailable)?;
        chain(component, request).await
    }

    /// Every outside call passes here first; the error is a trap.
    pub(crate) async fn enter(&self) -> wasmtime::Result<Passage> {
        self.faults.enter(&self.component).await
    }
}
