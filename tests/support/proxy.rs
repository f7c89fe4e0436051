//! A TCP proxy on 127.0.0.1 that can stop forwarding, as a network that lost its way does: nobody hears of it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running proxy; dropping it closes everything.
pub(crate) struct Proxy {
    port: u16,
    /// Connections opened before the number stop forwarding.
    silent_before: watch::Sender<usize>,
    accepted: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Proxy {
    /// Forwards to a port of this machine.
    pub(crate) async fn start(to: u16) -> anyhow::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let silent_before = watch::Sender::new(0);
        let accepted = Arc::new(AtomicUsize::new(0));
        let (silence, counter) = (silent_before.clone(), accepted.clone());
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let silence = silence.subscribe();
                tokio::spawn(forward(client, to, number, silence));
            }
        });
        Ok(Proxy {
            port,
            silent_before,
            accepted,
            server,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many connections were opened so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Connections opened so far become black holes; new ones work.
    pub(crate) fn lose_the_open_ones(&self) {
        self.silent_before.send_replace(self.accepted());
    }

    /// Every connection becomes a black hole, those to come as well.
    pub(crate) fn lose_all(&self) {
        self.silent_before.send_replace(usize::MAX);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn forward(client: TcpStream, to: u16, number: usize, silence: watch::Receiver<usize>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        copy(from_client, to_server, number, silence.clone()),
        copy(from_server, to_client, number, silence),
    );
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    number: usize,
    silence: watch::Receiver<usize>,
) {
    let mut buffer = [0; 8192];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        if number < *silence.borrow() {
            // What arrives is swallowed, and an end is not passed on.
            continue;
        }
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
    if number < *silence.borrow() {
        std::future::pending::<()>().await;
    }
}
