//! What the host knows about one component, shared by all its instances.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};

use crate::allowed_hosts::AllowedHosts;
use crate::app::App;
use crate::faults::{Faults, Passage};
use crate::http_out::Client;
use crate::logs::Log;
use crate::pg::Pools;
use crate::refusals::Refusals;

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
    /// Set once all components are loaded; weak, because the application owns this.
    pub(crate) app: OnceLock<Weak<App>>,
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

    /// Every outside call passes here first; the error is a trap.
    pub(crate) async fn enter(&self) -> wasmtime::Result<Passage> {
        self.faults.enter(&self.component).await
    }
}
