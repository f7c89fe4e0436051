//! `spin:variables@3.0.0`: a component reads its own variables, and no others.

use wasmtime::component::Accessor;

use crate::bindings::variables::{self, Error};
use crate::manifest::is_variable_key;
use crate::pg::{Capabilities, Imports};

impl variables::Host for Capabilities<'_> {}

impl<T: 'static> variables::HostWithStore<T> for Imports {
    async fn get(
        store: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        if !is_variable_key(&name) {
            return Ok(Err(Error::InvalidName(name)));
        }
        Ok(store.with(|mut it| {
            let context = it.get().context;
            context.variable(&name).ok_or_else(|| {
                Error::Undefined(format!("no variable for {:?}.{name:?}", context.component))
            })
        }))
    }
}
