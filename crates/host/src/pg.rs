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

use futures::future::poll_fn;
use tokio::sync::mpsc;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, Notification};

use crate::error::Error;

pub(crate) use interface::{Capabilities, Imports};
pub(crate) use pools::Pools;

/// A guest's connection; held by its running statements too, so dropping the handle does not cut them off.
pub struct Connection(Arc<deadpool_postgres::Object>);

/// A guest's connection that is not open yet.
pub struct ConnectionBuilder {
    address: String,
    ca_root: Option<String>,
}

/// Connects to `url` (a URL or `key=value` pairs) and drives the connection in a task of its own, which ends with the client.
/// TLS follows `sslmode`, with certificates checked against the roots that browsers trust.
/// With `prefer` a failed TLS handshake falls back to a plain connection, as libpq does.
///
/// # Errors
/// [`Error::Postgres`] if the address is malformed or the server refuses.
pub async fn connect(url: &str) -> Result<Client, Error> {
    // Nobody reads the notifications of this client, so the task may drop them.
    connect_and_listen(url).await.map(|(client, _)| client)
}

/// Like [`connect`], with the notifications of whatever the client listens to; the receiver ends with the connection.
pub(crate) async fn connect_and_listen(
    url: &str,
) -> Result<(Client, mpsc::UnboundedReceiver<Notification>), Error> {
    let mut config: tokio_postgres::Config = url.parse()?;
    config.keepalives_idle(std::time::Duration::from_secs(30));
    let attempt = match config.get_ssl_mode() {
        SslMode::Disable => config.connect(tokio_postgres::NoTls).await.map(split_plain),
        mode => match config.connect(tls::connector(None)).await {
            Err(err) if mode == SslMode::Prefer && err.code().is_none() => {
                config.ssl_mode(SslMode::Disable);
                config.connect(tokio_postgres::NoTls).await.map(split_plain)
            }
            attempt => attempt.map(|(client, connection)| (client, drive(connection))),
        },
    };
    Ok(attempt?)
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
