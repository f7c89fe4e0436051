use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::listen::Source;
use crate::relay::relay;
use crate::tick::{self, Tick};

/// Calls that are made until stopped or dropped.
pub struct Driver {
    stop: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

/// Has `post` POST each tick, and each wake of a source; returns once it listens there, or could not at first.
pub async fn start<P, F>(tick: Option<Tick>, wakes: Option<Source>, post: P) -> Driver
where
    P: Fn(String, &'static str) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let (stop, mut stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    if let Some(tick) = tick {
        tasks.spawn(tick::run(tick, post.clone(), stopped.clone()));
    }
    if let Some(source) = wakes {
        let (listening, mut tried) = watch::channel(false);
        tasks.spawn(async move {
            tokio::select! {
                () = relay(&source, &listening, post) => {}
                _ = stopped.changed() => {}
            }
        });
        // Who hears that the host is up may wake it at once. The sender is dropped only with the task.
        _ = tried.changed().await;
    }
    Driver {
        stop,
        _tasks: tasks,
    }
}

impl Driver {
    /// Starts no further call; a tick under way may finish.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    /// Ticks; each call is told with what answers it.
    async fn ticks(every: Duration) -> (Driver, mpsc::UnboundedReceiver<oneshot::Sender<Answer>>) {
        let (call, called) = mpsc::unbounded_channel();
        let post = move |path: String, trigger: &'static str| {
            assert_eq!((&*path, trigger), ("/tick", "tick"));
            let (answer, answered) = oneshot::channel();
            call.send(answer).expect("the test listens");
            async move { answered.await.expect("the test answers") }
        };
        let path = "/tick".to_owned();
        let driver = start(Some(Tick { path, every }), None, post).await;
        (driver, called)
    }

    #[tokio::test]
    async fn the_first_tick_comes_at_the_start() {
        let (_driver, mut called) = ticks(Duration::from_secs(3600)).await;
        assert!(called.recv().await.is_some());
    }

    #[tokio::test]
    async fn a_stopped_driver_finishes_its_tick_and_starts_none() {
        let (driver, mut called) = ticks(Duration::from_millis(1)).await;
        for _ in 0..2 {
            let call = called.recv().await.expect("it ticks");
            call.send(Ok((200, Bytes::new()))).expect("it waits");
        }
        let call = called.recv().await.expect("it ticks");
        driver.stop();
        // The tick hears of it, on the one thread that there is.
        tokio::task::yield_now().await;
        call.send(Ok((200, Bytes::new()))).expect("it waits");
        assert!(called.recv().await.is_none(), "that was the last");
    }
}
