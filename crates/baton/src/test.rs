//! Runs a job's function on this machine: real HTTP to servers without TLS, no Spin, no database.
//!
//! The crate's front page has an example.

mod client;
mod server;

use std::collections::BTreeMap;

use crate::budget;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::clock::Deadline;
use crate::{Context, Item, Outcome, Outcomes as _, trace};

pub(crate) use client::fetch;
pub use server::{Reply, Server, server};

/// Works on one item with this data, as its first of three tries and without variables.
pub fn run<T: DeserializeOwned>(
    work: impl AsyncFn(Item<T>, &Context) -> Outcome,
    data: Value,
) -> Outcome {
    Setup::default().run(work, data)
}

/// Gives the job a variable; [`Setup::run`] works on an item.
pub fn var(name: &str, value: impl Into<String>) -> Setup {
    Setup::default().var(name, value)
}

/// What a job finds when it is tested.
#[derive(Debug, Clone)]
pub struct Setup {
    variables: BTreeMap<String, String>,
    attempt: i32,
    key: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            variables: BTreeMap::new(),
            attempt: 1,
            key: None,
        }
    }
}

impl Setup {
    /// Gives the job a variable.
    #[must_use]
    pub fn var(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Which try it is, from 1.
    #[must_use]
    pub fn attempt(mut self, attempt: i32) -> Self {
        self.attempt = attempt;
        self
    }

    /// The key under which the item was enqueued.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Works on one item with this data. Data that the job cannot read fails the item, as it does in a component.
    pub fn run<T: DeserializeOwned>(
        self,
        work: impl AsyncFn(Item<T>, &Context) -> Outcome,
        data: Value,
    ) -> Outcome {
        let id = Uuid::from_u128(0x5eed_0000_0000_4000_8000_0000_0000_0001);
        let item = crate::contract::items::Item {
            id,
            attempt: self.attempt,
            max_attempts: 3,
            key: self.key,
            data,
        };
        let context = Context {
            job: "test",
            item: id,
            attempt: self.attempt,
            traceparent: trace::parent(None, id, id),
            deadline: Deadline::after(budget::WORK),
            variables: self.variables,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("this machine gives a process timers and sockets");
        match Item::read(item) {
            Ok(item) => runtime.block_on(work(item, &context)),
            Err(error) => Outcome::failed(error),
        }
    }
}

#[cfg(test)]
mod tests;
