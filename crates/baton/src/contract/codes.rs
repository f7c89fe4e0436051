//! SQLSTATEs that `baton_api` raises; their class `WK` lies outside the ranges that PostgreSQL reserves.

/// There is no such thing as the one named.
pub const NO_SUCH_THING: &str = "WK002";
/// The state may not change this way.
pub const ILLEGAL_TRANSITION: &str = "WK003";
/// An argument is malformed.
pub const BAD_ARGUMENT: &str = "WK004";
/// An argument is sound, and its value cannot be accepted.
pub const UNACCEPTABLE: &str = "WK005";
/// The session's isolation level is not read committed.
pub const WRONG_ISOLATION: &str = "WK006";
