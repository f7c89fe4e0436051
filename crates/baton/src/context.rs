use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use uuid::Uuid;

use crate::clock::Deadline;
use crate::http::{FetchError, Fetched, Request};

/// What a job may do to the outside while it works on one item.
pub struct Context {
    pub(crate) job: &'static str,
    pub(crate) item: Uuid,
    pub(crate) attempt: i32,
    pub(crate) traceparent: String,
    pub(crate) deadline: Deadline,
    #[cfg(not(target_family = "wasm"))]
    pub(crate) variables: std::collections::BTreeMap<String, String>,
}

/// A variable that the component does not have.
#[derive(Debug, thiserror::Error)]
#[error("variable {name}: {reason}; declare it in [component.{job}.variables] of spin.toml")]
pub struct VariableError {
    name: String,
    reason: String,
    job: &'static str,
}

impl Context {
    /// Begins a GET request.
    pub fn get(&self, url: impl AsRef<str>) -> Request<'_> {
        Request::new(self, Method::GET, url.as_ref())
    }

    /// Begins a POST request.
    pub fn post(&self, url: impl AsRef<str>) -> Request<'_> {
        Request::new(self, Method::POST, url.as_ref())
    }

    /// Begins a PUT request.
    pub fn put(&self, url: impl AsRef<str>) -> Request<'_> {
        Request::new(self, Method::PUT, url.as_ref())
    }

    /// Begins a PATCH request.
    pub fn patch(&self, url: impl AsRef<str>) -> Request<'_> {
        Request::new(self, Method::PATCH, url.as_ref())
    }

    /// Begins a DELETE request.
    pub fn delete(&self, url: impl AsRef<str>) -> Request<'_> {
        Request::new(self, Method::DELETE, url.as_ref())
    }

    /// The value of a variable of the component.
    ///
    /// # Errors
    /// If `spin.toml` does not give the component a variable of this name.
    pub async fn var(&self, name: &str) -> Result<String, VariableError> {
        self.variable(name).await.map_err(|reason| VariableError {
            name: name.to_owned(),
            reason,
            job: self.job,
        })
    }

    /// How long this item may still take. A batch has 20 s in all; an item that is not done by then is tried again.
    pub fn time_left(&self) -> Duration {
        self.deadline.left()
    }

    /// Writes one line to the component's log, with the job, the item and the try.
    pub fn log(&self, message: impl std::fmt::Display) {
        let line = format!(
            "component={} item={} attempt={} message={:?}",
            self.job,
            self.item,
            self.attempt,
            message.to_string()
        );
        #[expect(
            clippy::print_stderr,
            reason = "a component's log is its standard error"
        )]
        {
            eprintln!("{line}");
        }
    }

    /// What every request carries.
    pub(crate) fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let value = |text: &str| HeaderValue::from_str(text).expect("ids are plain ASCII");
        [
            (
                HeaderName::from_static("traceparent"),
                value(&self.traceparent),
            ),
            (
                HeaderName::from_static("idempotency-key"),
                value(&self.item.to_string()),
            ),
        ]
    }

    #[cfg(target_family = "wasm")]
    pub(crate) async fn fetch(
        &self,
        request: http::Request<Bytes>,
        patience: Duration,
        longest: usize,
    ) -> Result<Fetched, FetchError> {
        crate::fetch(
            request.map(spin_sdk::http::FullBody::new),
            patience,
            longest,
        )
        .await
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) async fn fetch(
        &self,
        request: http::Request<Bytes>,
        patience: Duration,
        longest: usize,
    ) -> Result<Fetched, FetchError> {
        crate::test::fetch(request, patience, longest).await
    }

    #[cfg(target_family = "wasm")]
    async fn variable(&self, name: &str) -> Result<String, String> {
        spin_sdk::variables::get(name)
            .await
            .map_err(|it| it.to_string())
    }

    #[cfg(not(target_family = "wasm"))]
    async fn variable(&self, name: &str) -> Result<String, String> {
        let value = self.variables.get(name).cloned();
        value.ok_or_else(|| "the test does not set it (baton::test::var)".to_owned())
    }
}
