//! Stand-ins for the providers of messages on 127.0.0.1, for tests and benchmarks: [`LoopbackSms`] for Twilio's
//! Messages API (2010-04-01), [`LoopbackMail`] for Resend's `POST /emails`, both by their published interfaces.
//!
//! They send nothing to anybody, keep everything in memory, and are no part of what Baton deploys. They can be told to
//! fail in every way in which a provider leaves its client in doubt, so that a test decides what was lost.
//!
//! The entry points are [`LoopbackSms::start`] and [`LoopbackMail::start`].

mod callback;
mod mail;
mod refusal;
mod resource;
mod server;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use callback::Post;
pub use mail::{Email, LoopbackMail, MAIL_KEY, MailFault};
use resource::Account;
use server::{Server, any_port};

/// The account that the stand-in for Twilio knows.
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
/// The auth token of [`ACCOUNT`].
pub const AUTH_TOKEN: &str = "an-auth-token-for-tests";
/// The number from which a messaging service of [`ACCOUNT`] sends, and which gets the replies.
pub const NUMBER: &str = "+15005550006";

/// A running stand-in for Twilio; dropping it closes its socket and all connections.
pub struct LoopbackSms {
    account: Arc<Mutex<Account>>,
    server: Server,
}

/// A message that the stand-in took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `SM` and 32 hexadecimal digits.
    pub sid: String,
    /// The recipient's number.
    pub to: String,
    /// The sender, unless a messaging service chooses one.
    pub from: Option<String>,
    /// The messaging service that was asked to send it.
    pub messaging_service: Option<String>,
    /// The text.
    pub body: String,
    /// Where its status is to be reported.
    pub status_callback: Option<String>,
    /// When it came, in seconds since 1970.
    pub created: i64,
    /// When its status was first reported, in seconds since 1970.
    pub sent: Option<i64>,
    /// Its status, in Twilio's words.
    pub status: String,
    /// Why it did not arrive, if it did not.
    pub error_code: Option<u32>,
}

/// How requests go wrong.
///
/// Those that accept concern the sending of messages alone; the others concern everything that is asked about the
/// recipient, lists included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The answer is an error, and no message is kept.
    Error {
        /// The HTTP status, 400 to 599.
        status: u16,
        /// Twilio's code.
        code: u32,
    },
    /// The answer is 429, and no message is kept.
    Throttled {
        /// `Retry-After`, in seconds.
        retry_after: u32,
    },
    /// The answer is 503, and no message is kept.
    Unavailable {
        /// `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// The message is kept, and the connection closed without an answer.
    AcceptThenBreak,
    /// The message is kept, and the answer is 500.
    AcceptThen500,
    /// The message is kept, and there is no answer.
    AcceptThenHang,
    /// No message is kept, and there is no answer.
    Hang,
    /// No message is kept, and the connection closed without an answer.
    Break,
}

/// How often the stand-in was asked, what failed included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// To send a message.
    pub posts: u64,
    /// For a list of messages.
    pub lists: u64,
}

impl LoopbackSms {
    /// Starts a stand-in on a free port, inside the current tokio runtime.
    ///
    /// # Errors
    /// When no socket can be had.
    pub async fn start() -> std::io::Result<LoopbackSms> {
        LoopbackSms::listen(any_port()).await
    }

    /// Starts a stand-in on this address.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn listen(address: SocketAddr) -> std::io::Result<LoopbackSms> {
        let account = Arc::new(Mutex::new(Account::default()));
        let server = Server::listen(address, resource::routes(Arc::clone(&account))).await?;
        Ok(LoopbackSms { account, server })
    }

    /// Its address, such as `http://127.0.0.1:<port>`, in place of `https://api.twilio.com`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Makes requests about this recipient go wrong from now on, or about everyone for whom nothing else was said.
    ///
    /// # Panics
    /// When the status of an error is not within 400 to 599.
    pub fn misbehave(&self, to: Option<&str>, fault: Fault) {
        if let Fault::Error { status, .. } = fault {
            assert!((400..600).contains(&status), "{status} is no error of HTTP");
        }
        lock(&self.account)
            .faults
            .insert(to.map(str::to_owned), fault);
    }

    /// Makes everything go right again from now on; who waits for an answer in vain goes on doing so.
    pub fn heal(&self) {
        lock(&self.account).faults.clear();
    }

    /// Holds back the answer to every request that arrives from now on; its message is kept meanwhile.
    pub fn hold(&self) {
        self.server.held.send_replace(true);
    }

    /// Answers what was held back, and everything after it, at once.
    pub fn release(&self) {
        self.server.held.send_replace(false);
    }

    /// How many requests wait for an answer now, held back or in vain; one whose client went away no longer counts.
    pub fn waiting(&self) -> usize {
        *self.server.gate.waiting.borrow()
    }

    /// Returns once at least `n` requests wait for an answer at the same time. It waits forever otherwise: give it a time-out.
    pub async fn until_waiting(&self, n: usize) {
        let mut waiting = self.server.gate.waiting.subscribe();
        // The sender lives in `self`, so it cannot close meanwhile.
        let _ = waiting.wait_for(|it| *it >= n).await;
    }

    /// Stops the stand-in's clock at a time in seconds since 1970; `None` sets it right and going again.
    pub fn set_clock(&self, at: Option<i64>) {
        lock(&self.account).stopped_at = at;
    }

    /// All messages that were kept, the oldest first.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.account).messages.clone()
    }

    /// How many messages to this number were kept.
    pub fn sent_to(&self, to: &str) -> usize {
        lock(&self.account).by_recipient.get(to).map_or(0, Vec::len)
    }

    /// How often it was asked, since its start.
    pub fn asked(&self) -> Asked {
        lock(&self.account).asked
    }

    /// How many requests were under way at once at most; answers come at once, unless they are held back.
    pub fn most_at_once(&self) -> usize {
        self.server.gate.most_at_once()
    }

    /// Gives a message a status from now on, and returns what Twilio posts about that; nothing when there is no such
    /// message, or its sender did not say where to.
    pub fn call_back(&self, sid: &str, status: &str, error_code: Option<u32>) -> Option<Post> {
        let mut account = lock(&self.account);
        let message = account.report(sid, status, error_code)?;
        callback::status(message)
    }

    /// What Twilio posts to `url` when somebody at the number `from` sends a text to [`NUMBER`].
    pub fn reply(&self, url: &str, from: &str, body: &str) -> Post {
        callback::incoming(url, &lock(&self.account).next_reply(), from, body)
    }
}

/// The values behind our locks are whole after every statement, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
