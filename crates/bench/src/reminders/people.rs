use anyhow::Result;
use baton::contract::operator::ConfigureSettings;
use serde_json::{Map, json};
use stack::api;
use tokio_postgres::Client;

use crate::measure::{WHO, set_wake};

/// Lets messages go out at any hour, and nobody be woken.
pub(super) async fn set_up(client: &Client) -> Result<()> {
    set_wake(client, "none").await?;
    let changes = Map::from_iter([
        // The same twice: no quiet hours.
        ("quiet_from".to_owned(), json!("00:00")),
        ("quiet_until".to_owned(), json!("00:00")),
        ("daily_cap".to_owned(), json!(1_000)),
    ]);
    let configure = ConfigureSettings {
        changes,
        who: WHO.to_owned(),
    };
    api::call(client, configure).await?;
    Ok(())
}

/// Adds assignments that nobody has followed up for 30 days, each with a number of its own.
pub(super) async fn add_assignments(client: &Client, assignments: u32) -> Result<()> {
    client
        .execute(
            "insert into public.assignments (last_contact_date, peer_mentor_name, peer_mentor_phone, contact_name)
             select baton.clock() - interval '30 days', 'Mentor ' || n, '+1212' || 1999999 + n, 'Contact ' || n
             from generate_series(1, $1::bigint) n",
            &[&i64::from(assignments)],
        )
        .await?;
    Ok(())
}

/// Adds an auto-sync whose reminder is due, with a crew of so many members, each with a number of its own.
pub(super) async fn add_auto_sync(client: &Client, members: u32) -> Result<()> {
    client
        .execute(
            "with crew as (
               insert into public.crews (name) values ('Bench') returning id
             ), members as (
               insert into public.crew_members (crew_id, name, phone)
               select c.id, 'Member ' || n, '+1212' || 1999999 + n from crew c, generate_series(1, $1::bigint) n
             )
             insert into public.auto_syncs (organizer_id, crew_id, event_name)
             select gen_random_uuid(), c.id, 'the bench' from crew c",
            &[&i64::from(members)],
        )
        .await?;
    client
        .execute(
            "update public.job_queue set scheduled_at = baton.clock()",
            &[],
        )
        .await?;
    Ok(())
}
