use serde_json::{Map, Value};
use uuid::Uuid;

use super::Claim;

/// A lease on some work, of whichever job.
pub trait Batch {
    /// The fencing token.
    fn attempt_id(&self) -> Uuid;
    /// How many items.
    fn size(&self) -> usize;
    /// What the claim brought along for the answer, counts by name.
    fn counts(&self) -> Map<String, Value> {
        Map::new()
    }
}

/// What a settlement came to, of whichever job.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement<A> {
    /// What became of the batch, counts by name.
    pub counts: Map<String, Value>,
    /// Why nothing more can be done, where the outside refuses it.
    pub refused: Option<String>,
    /// Whether another call finds work now.
    pub again: bool,
    /// In how many seconds another call finds work, if not now.
    pub again_in: Option<f64>,
    /// The next batch, if it was asked for and there is one.
    pub next: Option<Claim<A>>,
}

/// The answer of a job's own call that settles.
pub trait SettleAnswer<A> {
    /// What it came to; the error is why the attempt is lost.
    fn settlement(self) -> Result<Settlement<A>, String>;
}
