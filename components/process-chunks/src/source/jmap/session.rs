use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{MOST_IN_CHUNK, Settings};
use crate::source::Failure;
use crate::source::answer::{Answer, onwards};

/// The capability that every JMAP server has.
pub(super) const CORE: &str = "urn:ietf:params:jmap:core";
/// The capability of those that have mail.
pub(super) const MAIL: &str = "urn:ietf:params:jmap:mail";
/// The field of the sync job's plan that holds the session.
const SESSION: &str = "session";
/// The least that RFC 8620 (section 2) suggests for limits that a server does not tell.
const SUGGESTED: (usize, usize, usize) = (500, 16, 10_000_000);
/// How many calls our longest request makes.
const CALLS: usize = 3;
/// How many bytes a request takes beside ids, at most, and how many one id takes (RFC 8620, section 1.2).
const SIZES: (usize, usize) = (2048, 258);

/// What is kept of a server's session (RFC 8620, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Where requests go.
    pub api_url: String,
    pub(super) account: String,
    max_objects_in_get: usize,
    max_calls_in_request: usize,
    max_size_request: usize,
}

/// How many accounts a message names at most, and how long their names are then.
const MOST_NAMED: usize = 5;
const LONGEST_NAME: usize = 30;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    api_url: String,
    capabilities: Map<String, Value>,
    #[serde(default)]
    accounts: Map<String, Value>,
    #[serde(default)]
    primary_accounts: Map<String, Value>,
}

impl Session {
    /// Reads the session from what its URL answers.
    pub fn read(url: &Url, settings: &Settings, answer: &Answer) -> Result<Self, Failure> {
        let body = Body::deserialize(answer.json()?)
            .map_err(|it| Failure::failed(format!("the answer is not a JMAP session: {it}")))?;
        if !body.capabilities.contains_key(MAIL) {
            return Err(Failure::failed("the server has no mail over JMAP"));
        }
        let core = body.capabilities.get(CORE).unwrap_or(&Value::Null);
        let limit = |name: &str, suggested: usize| {
            core[name]
                .as_u64()
                .and_then(|it| usize::try_from(it).ok())
                .unwrap_or(suggested)
        };
        let session = Self {
            api_url: onwards(url, &body.api_url, "the server's apiUrl")?.into(),
            account: account(&body, settings)?,
            max_objects_in_get: limit("maxObjectsInGet", SUGGESTED.0).max(1),
            max_calls_in_request: limit("maxCallsInRequest", SUGGESTED.1),
            max_size_request: limit("maxSizeRequest", SUGGESTED.2),
        };
        if session.max_calls_in_request < CALLS {
            return Err(Failure::failed(format!(
                "the server takes {} calls in a request; {CALLS} are needed",
                session.max_calls_in_request
            )));
        }
        Ok(session)
    }

    /// The session that an earlier chunk of the sync job left in its plan.
    pub fn of_plan(plan: &Value) -> Option<Self> {
        // One that cannot be read, as an older version may have written it, is fetched anew.
        Self::deserialize(plan.get(SESSION)?).ok()
    }

    /// Leaves the session to later chunks of the sync job.
    pub fn remember(&self, plan: &mut Map<String, Value>) {
        let session = serde_json::to_value(self).expect("a session has string keys and no floats");
        plan.insert(SESSION.to_owned(), session);
    }

    /// Whether an answer means that the session is out of date: what is at its API URL is no JMAP API any more.
    pub fn is_outdated(answer: &Answer) -> bool {
        matches!(answer.status, 404 | 405 | 410)
    }

    /// How many changes to ask for at once.
    pub fn most_changes(&self) -> usize {
        self.max_objects_in_get.min(MOST_IN_CHUNK as usize)
    }

    /// How many messages to get at once.
    pub(super) fn chunk_size(&self, settings: &Settings) -> usize {
        let fitting = self.max_size_request.saturating_sub(SIZES.0) / SIZES.1;
        settings
            .chunk_size
            .min(self.max_objects_in_get)
            .min(fitting)
            .max(1)
    }
}

fn account(body: &Body, settings: &Settings) -> Result<String, Failure> {
    let use_one = || match named_accounts(body) {
        accounts if accounts.is_empty() => "the server shows the user no account".to_owned(),
        accounts => format!("use --account with one of {accounts}"),
    };
    match (&settings.account, body.primary_accounts.get(MAIL)) {
        (Some(account), _) if body.accounts.contains_key(account) => Ok(account.clone()),
        (Some(account), _) => Err(Failure::failed(format!(
            "the user has no account {account:?}; {}",
            use_one()
        ))),
        (None, Some(Value::String(account))) => Ok(outbound::text(account)),
        (None, _) => Err(Failure::failed(format!(
            "the user has no primary mail account; {}",
            use_one()
        ))),
    }
}

/// The ids of the accounts with their names, the first few.
fn named_accounts(body: &Body) -> String {
    let accounts = body.accounts.iter().take(MOST_NAMED).map(|(id, account)| {
        let id: String = id.chars().take(LONGEST_NAME).collect();
        match account["name"].as_str() {
            Some(name) if name != id => {
                let name: String = name.chars().take(LONGEST_NAME).collect();
                format!("{id} ({name})")
            }
            _ => id,
        }
    });
    accounts.collect::<Vec<_>>().join(", ")
}
