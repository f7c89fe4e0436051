//! Does each function of `baton_api` keep its promise?

mod auto_syncs;
mod chunks;
mod claims;
mod cycles;
mod going_on;
mod harmless;
mod hostile_rows;
mod items;
mod last_contacts;
mod limits;
mod messages;
mod next_batches;
mod plans;
mod promises;
mod quiet_hours;
mod reminders;
mod row_security;
mod schedules;
mod seeds;
mod settlements;
mod sources;
mod sync_jobs;
mod wakes;
