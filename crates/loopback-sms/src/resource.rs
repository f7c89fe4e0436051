//! Twilio's Messages resource: what is kept, and what is answered to which request.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use crate::refusal::{Refusal, bad_request, not_allowed, not_found};
use crate::server;
use crate::{ACCOUNT, AUTH_TOKEN, Asked, Fault, Message, lock};

pub(crate) const VERSION: &str = "2010-04-01";
/// The longest text, in characters.
const LONGEST: usize = 1_600;
/// How many messages a page of a list has, unless asked otherwise, and at most.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 1_000;

/// What the stand-in remembers.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) messages: Vec<Message>,
    /// Positions in `messages`, in the order in which they came.
    pub(crate) by_recipient: HashMap<String, Vec<usize>>,
    /// By recipient; `None` is everyone else.
    pub(crate) faults: HashMap<Option<String>, Fault>,
    pub(crate) stopped_at: Option<i64>,
    pub(crate) asked: Asked,
    replies: u64,
}

type Shared = State<Arc<Mutex<Account>>>;
type Answer = Result<Response, Refusal>;

/// The Messages resource of an account.
pub(crate) fn routes(account: Arc<Mutex<Account>>) -> Router {
    let messages = format!("/{VERSION}/Accounts/{ACCOUNT}/Messages");
    let refuse = |refusal: fn() -> Refusal| {
        async move |headers: HeaderMap| authenticate(&headers).err().unwrap_or_else(refusal)
    };
    Router::new()
        .route(&format!("{messages}.json"), get(list).post(create))
        .route(&format!("{messages}/{{name}}"), get(one))
        .fallback(refuse(not_found))
        .method_not_allowed_fallback(refuse(not_allowed))
        .with_state(account)
}

async fn create(State(account): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    let mut account = lock(&account);
    account.asked.posts += 1;
    authenticate(&headers)?;
    account.create(&headers, &body)
}

async fn list(State(account): Shared, headers: HeaderMap, uri: Uri) -> Answer {
    let mut account = lock(&account);
    account.asked.lists += 1;
    authenticate(&headers)?;
    account.list(&uri)
}

async fn one(State(account): Shared, headers: HeaderMap, Path(name): Path<String>) -> Answer {
    authenticate(&headers)?;
    lock(&account).one(&name)
}

impl Account {
    /// Gives a message a status.
    pub(crate) fn report(
        &mut self,
        sid: &str,
        status: &str,
        error_code: Option<u32>,
    ) -> Option<&Message> {
        let now = self.now();
        let message = self.messages.get_mut(position(sid)?)?;
        status.clone_into(&mut message.status);
        message.error_code = error_code;
        message.sent.get_or_insert(now);
        Some(message)
    }

    /// The sid of the next incoming message.
    pub(crate) fn next_reply(&mut self) -> String {
        self.replies += 1;
        // Far from those of outgoing messages.
        format!("SM{:016x}{:016x}", u64::MAX, self.replies)
    }

    fn create(&mut self, headers: &HeaderMap, body: &[u8]) -> Answer {
        let is_form = headers.get(CONTENT_TYPE).is_some_and(|it| {
            it.as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
        let form = fields(if is_form { body } else { b"" });
        let field = |name| form.get(name).filter(|it| !it.is_empty()).cloned();

        let to =
            field("To").ok_or_else(|| bad_request(21604, "A 'To' phone number is required."))?;
        let fault = self.fault(&to);
        if let Some(fault) = fault.filter(|it| !it.keeps()) {
            return Ok(fault.into_response());
        }
        let (from, messaging_service) = (field("From"), field("MessagingServiceSid"));
        if from.is_none() && messaging_service.is_none() {
            return Err(bad_request(21603, "A 'From' phone number is required."));
        }
        let body = field("Body").ok_or_else(|| bad_request(21602, "Message body is required."))?;
        if !is_e164(&to) {
            let message = format!("The 'To' number {to} is not a valid phone number.");
            return Err(bad_request(21211, &message));
        }
        if body.chars().count() > LONGEST {
            let message = "The concatenated message body exceeds the 1600 character limit";
            return Err(bad_request(21617, message));
        }

        let position = self.messages.len();
        let status = match messaging_service {
            Some(_) => "accepted",
            None => "queued",
        };
        self.messages.push(Message {
            sid: format!("SM{:032x}", position + 1),
            to: to.clone(),
            from,
            messaging_service,
            body,
            status_callback: field("StatusCallback"),
            created: self.now(),
            sent: None,
            status: status.to_owned(),
            error_code: None,
        });
        let reply = match fault {
            Some(fault) => fault.into_response(),
            None => server::json(StatusCode::CREATED, &resource(&self.messages[position])),
        };
        self.by_recipient.entry(to).or_default().push(position);
        Ok(reply)
    }

    fn list(&self, uri: &Uri) -> Answer {
        let query = fields(uri.query().unwrap_or_default().as_bytes());
        let number = |name| query.get(name).and_then(|it| it.parse::<usize>().ok());
        let date = |name| match query.get(name).map(|it| it.parse::<NaiveDate>()) {
            None => Ok(None),
            Some(Ok(date)) => Ok(Some(date)),
            Some(Err(_)) => Err(bad_request(20001, "Invalid date value.")),
        };
        let (on, from_on) = (date("DateSent")?, date("DateSent>")?);
        let to = query.get("To");
        if let Some(fault) = self.trouble(to.map_or("", String::as_str)) {
            return Ok(fault.into_response());
        }

        let positions: Vec<usize> = match to {
            None => (0..self.messages.len()).collect(),
            Some(to) => self.by_recipient.get(to).cloned().unwrap_or_default(),
        };
        let newest_first = positions.iter().rev().map(|it| &self.messages[*it]);
        let found: Vec<&Message> = newest_first
            .filter(|it| {
                // What is not sent yet has no such date, so no filter by it finds it.
                let sent = it.sent.map(|it| utc(it).date_naive());
                on.is_none_or(|on| sent == Some(on))
                    && from_on.is_none_or(|from_on| sent.is_some_and(|it| it >= from_on))
            })
            .collect();

        let size = number("PageSize").unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
        let page = number("Page").unwrap_or(0);
        let start = page.saturating_mul(size).min(found.len());
        let end = (start + size).min(found.len());
        let messages: Vec<Value> = found[start..end].iter().map(|it| resource(it)).collect();
        let page_uri = |page| page_uri(uri.path(), &query, size, page);
        let body = json!({
            "end": end.saturating_sub(1),
            "first_page_uri": page_uri(0),
            "messages": messages,
            "next_page_uri": (end < found.len()).then(|| page_uri(page + 1)),
            "page": page,
            "page_size": size,
            "previous_page_uri": page.checked_sub(1).map(page_uri),
            "start": start,
            "uri": page_uri(page),
        });
        Ok(server::json(StatusCode::OK, &body))
    }

    fn one(&self, name: &str) -> Answer {
        let message = name
            .strip_suffix(".json")
            .and_then(position)
            .and_then(|it| self.messages.get(it))
            .ok_or_else(not_found)?;
        Ok(match self.trouble(&message.to) {
            Some(fault) => fault.into_response(),
            None => server::json(StatusCode::OK, &resource(message)),
        })
    }

    fn fault(&self, to: &str) -> Option<Fault> {
        let own = self.faults.get(&Some(to.to_owned()));
        own.or_else(|| self.faults.get(&None)).copied()
    }

    /// The fault of requests that send nothing.
    fn trouble(&self, to: &str) -> Option<Fault> {
        self.fault(to).filter(|it| !it.keeps())
    }

    /// Seconds since 1970.
    fn now(&self) -> i64 {
        self.stopped_at.unwrap_or_else(|| {
            #[expect(
                clippy::disallowed_methods,
                reason = "a provider has a clock of its own, which coordinates nothing here"
            )]
            let now = std::time::SystemTime::now();
            now.duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |it| it.as_secs().cast_signed())
        })
    }
}

fn authenticate(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|it| it.as_bytes().strip_prefix(b"Basic "))
        .and_then(|it| STANDARD.decode(it).ok());
    match given {
        Some(it) if it == format!("{ACCOUNT}:{AUTH_TOKEN}").as_bytes() => Ok(()),
        _ => Err(Refusal {
            status: StatusCode::UNAUTHORIZED,
            code: 20003,
            message: "Authenticate".to_owned(),
        }),
    }
}

fn fields(encoded: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

fn page_uri(path: &str, query: &BTreeMap<String, String>, size: usize, page: usize) -> String {
    let mut query = query.clone();
    query.insert("PageSize".to_owned(), size.to_string());
    query.insert("Page".to_owned(), page.to_string());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&query)
        .finish();
    format!("{path}?{query}")
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|it| it.is_ascii_digit())
    })
}

/// Where in `messages` the one with this sid is.
fn position(sid: &str) -> Option<usize> {
    let number = u128::from_str_radix(sid.strip_prefix("SM")?, 16).ok()?;
    usize::try_from(number.checked_sub(1)?).ok()
}

fn resource(message: &Message) -> Value {
    let uri = format!("/{VERSION}/Accounts/{ACCOUNT}/Messages/{}", message.sid);
    json!({
        "account_sid": ACCOUNT,
        "api_version": VERSION,
        "body": message.body,
        "date_created": rfc2822(message.created),
        "date_sent": message.sent.map(rfc2822),
        "date_updated": rfc2822(message.sent.unwrap_or(message.created)),
        "direction": "outbound-api",
        "error_code": message.error_code,
        "error_message": null,
        "from": message.from,
        "messaging_service_sid": message.messaging_service,
        "num_media": "0",
        "num_segments": "1",
        "price": null,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": { "media": format!("{uri}/Media.json") },
        "to": message.to,
        "uri": format!("{uri}.json"),
    })
}

fn utc(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

fn rfc2822(seconds: i64) -> String {
    utc(seconds)
        .format("%a, %d %b %Y %H:%M:%S +0000")
        .to_string()
}
