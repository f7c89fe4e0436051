//! JMAP mail accounts (RFC 8620, RFC 8621): session, requests, and what the responses mean.

mod email;
mod request;
mod response;
mod session;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use request::{changes_request, fetch_request, plan_request};
pub use response::{Planned, read_changes, read_fetched, read_planned};
pub use session::Session;

use super::header::{HEADERS, SECRET_HEADER};
use super::origin::API_ORIGIN;
use super::settings::Fields;
use super::{BadSetting, Failure, Synced, Work, header, origin};

/// How many messages a chunk gets, unless the source's settings say another number.
const CHUNK_SIZE: u32 = 50;
/// How many messages a chunk gets at most.
const MOST_IN_CHUNK: u32 = 500;
/// How many of a page's last messages are remembered, lest one be deleted before the next page is asked for.
const ANCHORS: usize = 3;
/// How many messages of a page the next one repeats where it begins at a position: so many may be deleted meanwhile.
const OVERLAP: usize = 100;
/// The field of the sync job's plan that says that its first page has been listed.
const LISTED: &str = "listed";
/// The field of the sync job's plan that says that changes could not be told, so that it lists everything.
const RESYNC: &str = "resync";

/// What a JMAP source needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The account to sync; the user's primary mail account without one.
    account: Option<String>,
    chunk_size: usize,
}

impl Settings {
    /// Reads `account` and `chunk_size`; `api_origin` and header fields are checked, and others read them.
    pub fn parse(settings: &Value) -> Result<Self, BadSetting> {
        let names = ["account", "chunk_size", API_ORIGIN, HEADERS, SECRET_HEADER];
        let fields = Fields::read(settings, &names)?;
        origin::check(&fields)?;
        header::check(&fields)?;
        let chunk_size = fields.number("chunk_size", 1, MOST_IN_CHUNK)?;
        Ok(Self {
            account: fields.text("account")?,
            chunk_size: chunk_size.unwrap_or(CHUNK_SIZE) as usize,
        })
    }
}

/// Whether the first page has been listed once. The state is learned before, and counts from then on, or changes between
/// a first listing and a second would go unseen.
pub fn is_listed(plan: &Value) -> bool {
    plan[LISTED] == true
}

/// What to do when all messages that the next page was to follow are gone: list again from the start.
pub fn start_over() -> Synced {
    Synced {
        chunks: vec![Work::Plan {
            anchors: vec![],
            position: None,
        }],
        ..Synced::default()
    }
}

/// What to do when the server cannot tell the changes since a state: list everything.
pub fn resync() -> Synced {
    Synced {
        plan: Map::from_iter([(RESYNC.to_owned(), true.into())]),
        ..start_over()
    }
}

/// Where a page of the list begins.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// With the newest message.
    First,
    /// After this message.
    After(&'a str),
    /// At this position, which is before one of these messages; what follows them is new.
    At(u64, &'a [String]),
}

/// What to do when the server's answer would be too long for these messages: ask for half as many, twice.
pub fn halves(ids: &[String]) -> Result<Synced, Failure> {
    if ids.len() < 2 {
        return Err(Failure::failed("a single message is too large to get"));
    }
    let (left, right) = ids.split_at(ids.len() / 2);
    Ok(Synced {
        chunks: [left, right]
            .map(|ids| Work::Fetch { ids: ids.to_vec() })
            .into(),
        ..Synced::default()
    })
}

/// How many changes to ask for when the answer to a question for `most` was too long; none when there is no less.
pub fn fewer_changes(most: usize) -> Option<usize> {
    Some(most / 8).filter(|it| *it > 0)
}
