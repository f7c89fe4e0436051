//! Does each function of `baton_api` keep its promise?

mod chunks;
mod claims;
mod cycles;
mod limits;
mod plans;
mod schedules;
mod seeds;
mod settlements;
mod sources;
mod sync_jobs;
mod wakes;
