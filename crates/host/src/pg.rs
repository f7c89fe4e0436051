//! PostgreSQL: one client for the command line and tests, and `spin:postgres@4.2.0` for components.
//! Pools and recycles connections exactly as Spin does, so that a component which leaves a transaction open is found here.

mod errors;
mod foreign;
mod interface;
mod pools;
mod statement;
mod tls;
mod values;

use std::sync::Arc;
use std::time::Duration;

use futures::future::poll_fn;
use tokio::sync::mpsc;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, Notification};

use crate::error::Error;

pub(crate) use interface::{Capabilities, Imports};
pub(crate) use pools::{Budget, Pools};
pub use tls::Trust;

/// A guest's connection; held by its running statements too, so dropping the handle does not cut them off.
pub struct Connection(Arc<pools::Lease>);

/// A guest's connection that is not open yet.
pub struct ConnectionBuilder {
    address: String,
    ca_root: Option<String>,
}

/// How long the start of a session may take, the TCP connection included.
const SESSION: Duration = Duration::from_secs(10);
/// What a connection string leaves open is bounded, so that a server that vanished is noticed.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_RETRIES: u32 = 3;

/// Connects to `url` (a URL or `key=value` pairs) and drives the connection in a task of its own, which ends with the client.
/// TLS follows `sslmode`, with certificates checked against the system's authorities. A failed handshake is an error in every
/// mode: there is no fallback to a plain connection.
///
/// # Errors
/// [`Error::Postgres`] if the address is malformed or the server refuses, [`Error::NoSession`] if it says nothing for 10 s.
pub async fn connect(url: &str) -> Result<Client, Error> {
    connect_trusting(url, &Trust::system()).await
}

/// Like [`connect`], with certificates checked against other authorities.
///
/// # Errors
/// As [`connect`].
pub async fn connect_trusting(url: &str, trust: &Trust) -> Result<Client, Error> {
    // Nobody reads the notifications of this client, so the task may drop them.
    connect_and_listen(url, trust)
        .await
        .map(|(client, _)| client)
}

/// Like [`connect_trusting`], with the notifications of whatever the client listens to; the receiver ends with the connection.
///
/// # Errors
/// As [`connect`].
pub async fn connect_and_listen(
    url: &str,
    trust: &Trust,
) -> Result<(Client, mpsc::UnboundedReceiver<Notification>), Error> {
    let mut config: tokio_postgres::Config = url.parse()?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(SESSION);
    }
    if config.get_tcp_user_timeout().is_none() {
        config
            .tcp_user_timeout(TCP_USER_TIMEOUT)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES);
    }
    let session = async {
        match config.get_ssl_mode() {
            SslMode::Disable => config.connect(tokio_postgres::NoTls).await.map(split_plain),
            _ => {
                let connecting = config.connect(trust.connector());
                let (client, connection) = connecting.await?;
                Ok((client, drive(connection)))
            }
        }
    };
    match tokio::time::timeout(SESSION, session).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(Error::NoSession(SESSION)),
    }
}

type Driven = (Client, mpsc::UnboundedReceiver<Notification>);

fn split_plain(
    (client, connection): (
        Client,
        tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>,
    ),
) -> Driven {
    (client, drive(connection))
}

fn drive<S>(
    mut connection: tokio_postgres::Connection<tokio_postgres::Socket, S>,
) -> mpsc::UnboundedReceiver<Notification>
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            match poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notification(it))) => {
                    // A client that listens to nothing has dropped the receiver.
                    _ = sender.send(it);
                }
                Some(Ok(AsyncMessage::Notice(it))) => tracing::debug!("PostgreSQL: {it}"),
                Some(Ok(_)) => {}
                // The client's own calls report the same failure.
                Some(Err(_)) | None => return,
            }
        }
    });
    receiver
}
