//! What every check has at hand.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::database::Database;
use crate::http::{Answer, Http, Request};
use crate::options::{Options, Secrets};
use crate::stand_ins::StandIns;
use crate::variables::StandIn;

/// The jobs and their routes.
pub(crate) const JOBS: [(&str, &str); 4] = [
    ("validate-contacts", "/jobs/validate-contacts"),
    ("process-chunks", "/jobs/process-chunks"),
    ("follow-up-reminders", "/jobs/follow-up-reminders"),
    ("auto-sync-jobs", "/jobs/auto-sync-jobs"),
];
/// The other route of `auto-sync-jobs`.
pub(crate) const ALIAS: &str = "/functions/v1/process-auto-sync-jobs";

/// The deployment and what is around it.
pub(crate) struct Scene {
    pub(crate) url: String,
    pub(crate) http: Http,
    pub(crate) db: Database,
    pub(crate) stand_ins: StandIns,
    pub(crate) secrets: Secrets,
    pub(crate) source_url: String,
    pub(crate) jmap_url: Option<String>,
    pub(crate) jmap_user: Option<String>,
    next: Cell<u32>,
    /// By which triggers the present check called.
    triggers: RefCell<BTreeSet<String>>,
}

impl Scene {
    pub(crate) fn new(
        url: String,
        http: Http,
        db: Database,
        stand_ins: StandIns,
        secrets: Secrets,
        options: &Options,
    ) -> Scene {
        // Different in each run, so that what is left of an earlier one is not in the way.
        let (seed, ..) = Uuid::new_v4().as_fields();
        Scene {
            url,
            http,
            db,
            stand_ins,
            secrets,
            source_url: StandIn::Source.url(options),
            jmap_url: options.jmap_url.clone(),
            jmap_user: options.jmap_user.clone(),
            next: Cell::new(seed),
            triggers: RefCell::default(),
        }
    }

    /// A number that was not used in this run.
    pub(crate) fn next(&self) -> u32 {
        self.next.set(self.next.get().wrapping_add(1));
        self.next.get()
    }

    /// Forgets by which triggers was called; returns them.
    pub(crate) fn take_triggers(&self) -> BTreeSet<String> {
        self.triggers.take()
    }

    pub(crate) async fn send(&self, request: &Request<'_>) -> anyhow::Result<Answer> {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let trigger = match (request.path, body["trigger"].as_str()) {
            ("/tick", _) => "tick",
            (_, trigger) => trigger.unwrap_or("manual"),
        };
        self.triggers.borrow_mut().insert(trigger.to_owned());
        self.http.send(request).await
    }

    /// Sends this with the service key.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: &str,
    ) -> anyhow::Result<Answer> {
        let key = format!("Bearer {}", self.secrets.service_key);
        self.call_as(&key, method, path, body).await
    }

    /// Sends this with another header `Authorization`; none if it is empty.
    pub(crate) async fn call_as(
        &self,
        authorization: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::new(method, path);
        if !authorization.is_empty() {
            request
                .headers
                .push(("authorization", authorization.to_owned()));
        }
        request
            .headers
            .push(("content-type", "application/json".to_owned()));
        request.body = body.to_owned();
        self.send(&request).await
    }

    /// Posts an empty body with the service key.
    pub(crate) async fn post(&self, path: &str) -> anyhow::Result<Answer> {
        self.call("POST", path, "").await
    }

    /// Corrects the last contact date of an assignment.
    pub(crate) async fn correct(&self, assignment: &str, body: &str) -> anyhow::Result<Answer> {
        self.call("PATCH", &correction_path(assignment), body).await
    }

    /// Waits for a fact; `look` says what it sees until it comes true. None when it does not within `patience`.
    pub(crate) async fn until<T>(
        &self,
        patience: Duration,
        mut look: impl AsyncFnMut() -> anyhow::Result<Result<T, String>>,
    ) -> anyhow::Result<Result<T, String>> {
        let deadline = Instant::now() + patience;
        loop {
            let found = look().await?;
            if found.is_ok() || Instant::now() > deadline {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Where the last contact date of an assignment is corrected.
pub(crate) fn correction_path(assignment: &str) -> String {
    format!("/admin/assignments/{assignment}/last-contact-date")
}

/// The body of a correction that is as it should be.
pub(crate) fn correction(date: &str) -> String {
    json!({ "last_contact_date": date, "who": "check-deployment", "why": "a check of the deployment" })
        .to_string()
}
