use tokio::sync::{mpsc, watch};

use crate::answer::Answer;
use crate::deliver::deliver;
use crate::listen::{Source, listen};

/// Listens to a source and has `post` POST each path with the trigger, `wake` or `next`; until dropped, and connecting again
/// whenever the connection is lost. `listening` hears after each attempt to connect and each loss whether it listens.
pub async fn relay<P, F>(source: &Source, listening: &watch::Sender<bool>, post: P)
where
    P: Fn(String, &'static str) -> F,
    F: Future<Output = Answer> + Send + 'static,
{
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::select! {
        () = listen(source, listening, sender.clone()) => {}
        () = deliver(sender, receiver, post) => {}
    }
}
