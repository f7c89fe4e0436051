use std::convert::Infallible;
use std::time::Duration;

use anyhow::Result;
use terminal::{advice, output};
use tokio::time::Instant;

use super::Database;

/// How often it is looked whether the private PostgreSQL runs.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After a start, before another one; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A server that ran for so long counts as well; the next pause is the first one again.
const STEADY: Duration = Duration::from_secs(120);

impl Database {
    /// Starts the private PostgreSQL again whenever it ends, and says so; returns only when that is of no use.
    /// Another server's end is its operator's matter.
    pub async fn keep_up(&self) -> Result<Infallible> {
        let Some(cluster) = &self.cluster else {
            return std::future::pending().await;
        };
        let (mut pause, mut started_at) = (FIRST_PAUSE, Instant::now());
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let mut cluster = cluster.lock().await;
            if cluster.is_running()? {
                continue;
            }
            if started_at.elapsed() >= STEADY {
                pause = FIRST_PAUSE;
            }
            output::note("The private PostgreSQL ended. Starting it again.");
            match cluster.restart().await {
                // Components may connect to the port of the start alone.
                Ok(()) if cluster.port() != self.address.port() => {
                    return Err(advice::error(
                        format!(
                            "another program took port {} of the private PostgreSQL, which uses {} now",
                            self.address.port(),
                            cluster.port()
                        ),
                        "start `baton up` again",
                    ));
                }
                Ok(()) => output::note("The private PostgreSQL runs again."),
                Err(error) => output::note(&format!(
                    "The private PostgreSQL cannot be started: {error}. Next attempt in {} s; its log is {}.",
                    pause.as_secs(),
                    cluster.log().display()
                )),
            }
            drop(cluster);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            started_at = Instant::now();
        }
    }
}
