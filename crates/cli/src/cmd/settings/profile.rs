use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Map, Value};
use stack::api;
use tokio_postgres::Client;

/// The name of values that are no profile's.
pub(super) const OWN: &str = "own";

/// How soon auto-syncs remind and pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Profile {
    /// After 5 and 10 minutes.
    Demo,
    /// After 24 and 48 hours.
    Production,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Production => "production",
        }
    }

    /// When to remind, and when to pause.
    fn delays(self) -> [&'static str; 2] {
        match self {
            Self::Demo => ["5 minutes", "10 minutes"],
            Self::Production => ["24 hours", "48 hours"],
        }
    }

    /// As changes of settings.
    pub(super) fn changes(self) -> Map<String, Value> {
        let [reminder, pause] = self.delays();
        Map::from_iter([
            ("auto_sync_reminder_after".to_owned(), Value::from(reminder)),
            ("auto_sync_pause_after".to_owned(), Value::from(pause)),
        ])
    }
}

/// The profile that the settings are.
pub(super) async fn of(client: &Client) -> Result<&'static str> {
    let sql = "select exists (select from baton.settings
        where auto_sync_reminder_after = $1::text::interval and auto_sync_pause_after = $2::text::interval)";
    for profile in Profile::value_variants() {
        let [reminder, pause] = profile.delays();
        let row = client
            .query_one(sql, &[&reminder, &pause])
            .await
            .map_err(api::explain)?;
        if row.try_get(0)? {
            return Ok(profile.name());
        }
    }
    Ok(OWN)
}
