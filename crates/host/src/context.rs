//! What the host knows about one component, shared by all its instances.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use crate::allowed_hosts::AllowedHosts;
use crate::app::App;
use crate::faults::{Faults, Passage};
use crate::http_out::Client;
use crate::logs::Log;
use crate::pg::Pools;

/// One component's name, settings, permissions and ways outside.
pub(crate) struct Context {
    pub(crate) component: String,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) prepared_statements: bool,
    pub(crate) log: Log,
    pub(crate) pools: Arc<Pools>,
    pub(crate) client: Client,
    pub(crate) faults: Arc<Faults>,
    /// Set once all components are loaded; weak, because the application owns this.
    pub(crate) app: OnceLock<Weak<App>>,
}

impl Context {
    /// Every outside call passes here first; the error is a trap.
    pub(crate) async fn enter(&self) -> wasmtime::Result<Passage> {
        self.faults.enter(&self.component).await
    }
}
