use std::{future::Future, pin::pin};

use crate::budget::HEARTBEAT;
use crate::contract::{Extend, ExtendAttempt};
use futures::future::{Either, select};
use uuid::Uuid;

use super::Db;
use crate::clock::sleep;

/// Does `work` and renews the lease beside it. None when the lease was lost: then the work is dropped where it stands.
/// A heartbeat that cannot reach the database is tried again; whether the lease held is for the settlement to say.
pub async fn with_heartbeat<T>(
    db: &Db,
    attempt_id: Uuid,
    work: impl Future<Output = T>,
) -> Option<T> {
    let beats = async {
        loop {
            sleep(HEARTBEAT).await;
            match db.call(ExtendAttempt { attempt_id }).await {
                Ok(Extend::Lost | Extend::Settled) => return,
                Ok(Extend::Extended { .. }) | Err(_) => {}
            }
        }
    };
    match select(pin!(work), pin!(beats)).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(((), _)) => None,
    }
}
