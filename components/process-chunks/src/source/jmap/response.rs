use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::email::email_item;
use super::request::{CHANGES, CREATED, GET, LIST, PAGE, STATE, UPDATED};
use super::{ANCHORS, LISTED, OVERLAP, Session, Settings, Start, halves, resync};
use crate::source::answer::Answer;
use crate::source::item::distinct;
use crate::source::{Failure, Synced, Work};

/// How long to hold back, in seconds, when a server has too many requests at once.
const CROWDED: u32 = 5;
/// What the types of request-level errors begin with (RFC 8620, section 3.6.1).
const PROBLEM: &str = "urn:ietf:params:jmap:error:";

/// The errors by which servers say that they cannot tell changes, beside `cannotCalculateChanges`.
const NO_CHANGES: [&str; 2] = ["tooManyChanges", "unknownMethod"];

/// What came of listing a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Planned {
    /// It is listed.
    Page(Synced),
    /// The message that it was to follow is gone.
    AnchorGone,
    /// The server does not list after a message.
    NoAnchors,
}

/// Reads the answer to [`super::plan_request`].
pub fn read_planned(
    session: &Session,
    settings: &Settings,
    start: Start,
    with_state: bool,
    answer: &Answer,
) -> Result<Planned, Failure> {
    let responses = responses(answer)?;
    let mut synced = Synced::default();
    if with_state {
        let get = arguments(&responses, STATE)?;
        synced.state = Some(text(get, "state")?);
    }
    let list = match (arguments(&responses, LIST), start) {
        (Ok(it), _) => it,
        (Err(Trouble::AnchorGone), Start::After(_)) => return Ok(Planned::AnchorGone),
        (Err(Trouble::BadArguments), Start::After(_)) => return Ok(Planned::NoAnchors),
        (Err(trouble), _) => return Err(trouble.into()),
    };
    let ids = ids(list, "ids")?;
    let number = |name: &str| list.get(name).and_then(Value::as_u64);
    let stuck =
        || Failure::failed("the server does not move past the message that a page is to follow");
    // Of the first page alone: there it is asked for, while Cyrus 3.6 tells it with every page.
    let total = match start {
        Start::First => number("total"),
        Start::After(_) | Start::At(..) => None,
    };
    // A page that is shorter than it may be is the last one, where the server tells no total.
    let is_short = (ids.len() as u64) < number("limit").unwrap_or(PAGE as u64);
    let (new, is_last) = match start {
        Start::First => {
            let all = total.map_or(is_short, |it| it == ids.len() as u64);
            (&ids[..], all || ids.is_empty())
        }
        Start::After(anchor) if ids.iter().any(|it| it == anchor) => return Err(stuck()),
        Start::After(_) => (&ids[..], ids.is_empty()),
        Start::At(position, anchors) => {
            if number("position").is_some_and(|it| it != position) {
                return Err(Failure::failed(
                    "the server lists neither after a message nor from a position",
                ));
            }
            let Some(last) = anchors
                .iter()
                .find_map(|it| ids.iter().position(|id| id == it))
            else {
                return Ok(Planned::AnchorGone);
            };
            let new = &ids[last + 1..];
            if new.is_empty() && !is_short {
                return Err(stuck());
            }
            (new, is_short)
        }
    };
    synced.plan.insert(LISTED.to_owned(), true.into());
    if let Some(total) = total {
        synced.plan.insert("total".to_owned(), total.into());
    }
    if ids.is_empty() && total.is_some_and(|it| it > 0) {
        // Taken for an empty mailbox, it would end in letting go of every message.
        return Err(malformed("messages are counted and not listed"));
    }
    if !is_last {
        let begin = match start {
            Start::First => Some(0),
            Start::After(_) => number("position"),
            Start::At(position, _) => Some(position),
        };
        let repeated = (ids.len() / 2).clamp(1, OVERLAP);
        synced.chunks.push(Work::Plan {
            anchors: ids.iter().rev().take(ANCHORS).cloned().collect(),
            position: begin.map(|it| it + (ids.len() - repeated) as u64),
        });
    }
    synced.chunks.extend(
        new.chunks(session.chunk_size(settings))
            .map(|ids| Work::Fetch { ids: ids.to_vec() }),
    );
    Ok(Planned::Page(synced))
}

/// Reads the answer to [`super::fetch_request`].
pub fn read_fetched(asked: &[String], answer: &Answer) -> Result<Synced, Failure> {
    let messages = responses(answer).and_then(|it| messages(&it, GET, asked));
    match messages {
        Ok(Messages { items, gone }) => Ok(Synced {
            items: distinct(items),
            removed: gone,
            ..Synced::default()
        }),
        Err(Trouble::TooLarge) => halves(asked),
        Err(trouble) => Err(trouble.into()),
    }
}

/// Reads the answer to [`super::changes_request`]. Messages that are too many for one answer are got in parts.
pub fn read_changes(
    session: &Session,
    settings: &Settings,
    since: &str,
    answer: &Answer,
) -> Result<Synced, Failure> {
    let responses = responses(answer)?;
    let changes = match arguments(&responses, CHANGES) {
        Ok(it) => it,
        Err(Trouble::StateGone | Trouble::BadArguments) => return Ok(resync()),
        Err(Trouble::Unknown(kind)) if NO_CHANGES.contains(&kind.as_str()) => return Ok(resync()),
        Err(trouble) => return Err(trouble.into()),
    };
    let state = text(changes, "newState")?;
    let has_more = changes.get("hasMoreChanges") == Some(&Value::Bool(true));
    if has_more && state == since {
        // A server that stands still will never tell them.
        return Ok(resync());
    }
    let mut synced = Synced {
        removed: ids(changes, "destroyed")?,
        ..Synced::default()
    };
    let mut items = Vec::new();
    for (call, kind) in [(CREATED, "created"), (UPDATED, "updated")] {
        let ids = ids(changes, kind)?;
        match messages(&responses, call, &ids) {
            Ok(messages) => {
                items.extend(messages.items);
                synced.removed.extend(messages.gone);
            }
            Err(Trouble::TooLarge) => synced.chunks.extend(
                ids.chunks(session.chunk_size(settings))
                    .map(|ids| Work::Fetch { ids: ids.to_vec() }),
            ),
            Err(trouble) => return Err(trouble.into()),
        }
    }
    synced.items = distinct(items);
    if has_more {
        synced.chunks.push(Work::Changes { since: state });
    } else {
        synced.state = Some(state);
    }
    Ok(synced)
}

/// Why an answer is not the one hoped for.
#[derive(Debug)]
enum Trouble {
    /// Less at once may work.
    TooLarge,
    /// The message that a list was to follow is gone.
    AnchorGone,
    /// Changes since this state cannot be told.
    StateGone,
    /// The server does not take what was asked.
    BadArguments,
    /// Another error, by the server's word.
    Unknown(String),
    /// Anything else.
    Failure(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        let kind = match trouble {
            Trouble::Failure(failure) => return failure,
            Trouble::TooLarge => "requestTooLarge",
            Trouble::AnchorGone => "anchorNotFound",
            Trouble::StateGone => "cannotCalculateChanges",
            Trouble::BadArguments => "invalidArguments",
            Trouble::Unknown(kind) => return method_failed(&kind),
        };
        method_failed(kind)
    }
}

/// The responses of a request that was understood.
fn responses(answer: &Answer) -> Result<Vec<Value>, Trouble> {
    let mut body = match answer.json() {
        Ok(body) => body,
        // Servers name limits in the bodies of 400 and 413; what other statuses mean is clear without one.
        Err(failure) if matches!(answer.status, 400 | 413) => {
            return Err(request_error(answer, failure));
        }
        Err(failure) => return Err(failure.into()),
    };
    match body["methodResponses"].take() {
        Value::Array(responses) => Ok(responses),
        _ => Err(malformed("no methodResponses").into()),
    }
}

/// Request-level errors (RFC 8620, section 3.6.1).
fn request_error(answer: &Answer, failure: Failure) -> Trouble {
    let body = outbound::json(answer.body).unwrap_or_default();
    let kind = body["type"]
        .as_str()
        .and_then(|it| it.strip_prefix(PROBLEM));
    let limit = body["limit"].as_str().unwrap_or_default();
    match (kind, limit) {
        (Some("limit"), "maxSizeRequest") => Trouble::TooLarge,
        (Some("limit"), "maxConcurrentRequests") => {
            Failure::wait(CROWDED, "the server has too many requests at once").into()
        }
        (Some(kind), _) => Failure::failed(format!(
            "the server does not take the request ({} {})",
            word(kind),
            word(limit)
        ))
        .into(),
        (None, _) if answer.status == 413 => Trouble::TooLarge,
        (None, _) => failure.into(),
    }
}

/// The arguments of the response to a call.
fn arguments<'a>(responses: &'a [Value], call: &str) -> Result<&'a Map<String, Value>, Trouble> {
    let response = responses
        .iter()
        .find(|it| it[2] == call)
        .ok_or_else(|| malformed(&format!("no response to {call}")))?;
    let arguments = response[1]
        .as_object()
        .ok_or_else(|| malformed(&format!("no arguments in the response to {call}")))?;
    if response[0] == "error" {
        return Err(method_error(arguments));
    }
    Ok(arguments)
}

/// Method-level errors (RFC 8620, sections 3.6.2, 5.1, 5.2 and 5.5).
fn method_error(error: &Map<String, Value>) -> Trouble {
    let kind = error
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let about_state = || error.get("arguments").is_some_and(names_state);
    match kind {
        "requestTooLarge" => Trouble::TooLarge,
        "anchorNotFound" => Trouble::AnchorGone,
        "cannotCalculateChanges" => Trouble::StateGone,
        // What Cyrus 3.6 says of a state that it cannot read, such as another server's.
        "invalidArguments" if about_state() => Trouble::StateGone,
        "invalidArguments" => Trouble::BadArguments,
        "serverUnavailable" | "serverFail" | "serverPartialFail" => {
            Failure::retry(format!("the server is in trouble ({kind})")).into()
        }
        "forbidden" => Failure::refused("the server forbids access to the account").into(),
        "accountNotFound" => Failure::failed("the server has no such account").into(),
        "accountNotSupportedByMethod" => Failure::failed("the account holds no mail").into(),
        _ => Trouble::Unknown(kind.to_owned()),
    }
}

fn names_state(arguments: &Value) -> bool {
    arguments
        .as_array()
        .is_some_and(|it| it.iter().any(|it| it == "sinceState"))
}

fn method_failed(kind: &str) -> Failure {
    Failure::failed(format!("the server fails with {}", word(kind)))
}

/// A server's own word, if it is one; who knows what else a server might repeat.
fn word(text: &str) -> &str {
    let fits = text.len() <= 60 && text.bytes().all(|it| it.is_ascii_alphanumeric());
    if fits { text } else { "an unknown error" }
}

struct Messages {
    items: Vec<(String, Value)>,
    gone: Vec<String>,
}

/// The messages that a call got. Each id that was asked for must be accounted for, or mail would be lost in silence.
fn messages(responses: &[Value], call: &str, asked: &[String]) -> Result<Messages, Trouble> {
    let get = arguments(responses, call)?;
    let list = get
        .get("list")
        .and_then(Value::as_array)
        .ok_or_else(|| malformed("no list"))?;
    let items: Option<Vec<_>> = list.iter().map(email_item).collect();
    let items = items.ok_or_else(|| malformed("a message without id"))?;
    let mut missing: BTreeSet<&str> = asked.iter().map(String::as_str).collect();
    for (id, _) in &items {
        missing.remove(id.as_str());
    }
    // Null where nothing is missing, with some servers.
    let not_found = match get.get("notFound") {
        None | Some(Value::Null) => Vec::new(),
        Some(_) => ids(get, "notFound")?,
    };
    let gone: Vec<String> = not_found
        .into_iter()
        .filter(|it| missing.remove(it.as_str()))
        .collect();
    match missing.len() {
        0 => Ok(Messages { items, gone }),
        n => Err(malformed(&format!("{n} messages are left out")).into()),
    }
}

fn text(arguments: &Map<String, Value>, name: &str) -> Result<String, Failure> {
    arguments
        .get(name)
        .and_then(Value::as_str)
        .map(outbound::text)
        .ok_or_else(|| malformed(&format!("no {name}")))
}

fn ids(arguments: &Map<String, Value>, name: &str) -> Result<Vec<String>, Failure> {
    let ids: Option<Vec<_>> = arguments
        .get(name)
        .and_then(Value::as_array)
        .and_then(|it| {
            it.iter()
                .map(|it| it.as_str().map(outbound::text))
                .collect()
        });
    ids.ok_or_else(|| malformed(&format!("{name} is not a list of ids")))
}

fn malformed(what: &str) -> Failure {
    Failure::failed(format!("the answer is not what JMAP promises: {what}"))
}
