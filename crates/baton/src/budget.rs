//! How long things may take, beside each other: each has to fit into the next. The compiler checks it.

use std::time::Duration;

/// Between two heartbeats of a batch.
pub const HEARTBEAT: Duration = Duration::from_secs(2);
/// The shortest lease that `baton.jobs` allows.
pub const SHORTEST_LEASE: Duration = Duration::from_secs(4);
/// How long a batch goes on asking the outside.
pub const WORK: Duration = Duration::from_secs(20);
/// After how long PostgreSQL ends a statement of a component.
pub const STATEMENT: Duration = Duration::from_secs(20);
/// How long a component waits for a call of the database.
pub const CALL: Duration = Duration::from_secs(22);
/// How long a component waits for a connection to the database, the start of its session included.
pub const CONNECT: Duration = Duration::from_secs(8);
/// How long a tick goes on calling.
pub const TICK: Duration = Duration::from_secs(25);
/// How long a tick takes for its housekeeping, and for its record, beyond that.
pub const TICK_ENDING: Duration = Duration::from_secs(2);
/// When hosts end a request.
pub const REQUEST: Duration = Duration::from_secs(30);
/// How long a caller waits for an answer.
pub const CALLER: Duration = Duration::from_secs(40);

const _: () = {
    assert!(2 * HEARTBEAT.as_secs() <= SHORTEST_LEASE.as_secs());
    assert!(WORK.as_secs() < TICK.as_secs());
    assert!(STATEMENT.as_secs() < CALL.as_secs());
    assert!(CALL.as_secs() < TICK.as_secs());
    assert!(TICK.as_secs() + 2 * TICK_ENDING.as_secs() < REQUEST.as_secs());
    assert!(CONNECT.as_secs() + WORK.as_secs() < REQUEST.as_secs());
    assert!(REQUEST.as_secs() < CALLER.as_secs());
};
