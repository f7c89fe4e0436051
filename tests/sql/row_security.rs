//! Who sees what of the queue of auto-syncs, by the claims of a request as PostgREST sets them.

use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::db::{ALL_COMPONENTS, Db};

/// The platform opens schema public to all; what refuses is the policies.
const OPEN_TO_ALL: &str =
    "grant all on all tables in schema public to anon, authenticated, service_role;
     grant usage on schema public to anon, authenticated, service_role";
const TABLES: [&str; 3] = ["job_queue", "auto_syncs", "auto_sync_messages"];

/// Two organizers with a running auto-sync each, whose reminders are due.
struct House {
    db: Db,
    ann: Uuid,
    bob: Uuid,
}

impl House {
    async fn new() -> anyhow::Result<House> {
        let db = Db::new().await?;
        db.owner.batch_execute(OPEN_TO_ALL).await?;
        let mut organizers = Vec::new();
        for _ in 0..2 {
            let sync = db.add_auto_sync(1, "25 hours").await?;
            let organizer = "select organizer_id from auto_syncs where id = $1";
            organizers.push(db.owner.query_one(organizer, &[&sync]).await?.get(0));
        }
        db.owner
            .batch_execute(
                "insert into auto_sync_messages (auto_sync_id, message_type) select id, 'reminder' from auto_syncs;
                 insert into auto_sync_responses (auto_sync_id, member_id) select s.id, m.id from auto_syncs s join crew_members m using (crew_id)",
            )
            .await?;
        Ok(House {
            db,
            ann: organizers[0],
            bob: organizers[1],
        })
    }

    /// A transaction of a request: a role and its claims, as they are.
    async fn request(&self, role: &str, claims: Option<&str>) -> anyhow::Result<Client> {
        let client = self.db.superuser().await?;
        client
            .batch_execute(&format!("begin; set local role {role}"))
            .await?;
        if let Some(claims) = claims {
            let set = "select set_config('request.jwt.claims', $1, true)";
            client.execute(set, &[&claims]).await?;
        }
        Ok(client)
    }

    async fn as_user(&self, user: Uuid) -> anyhow::Result<Client> {
        let claims = json!({ "sub": user, "role": "authenticated" }).to_string();
        self.request("authenticated", Some(&claims)).await
    }
}

#[tokio::test]
async fn a_user_sees_the_jobs_of_their_own_auto_syncs_only() -> anyhow::Result<()> {
    let house = House::new().await?;
    for (user, other) in [(house.ann, house.bob), (house.bob, house.ann)] {
        let client = house.as_user(user).await?;
        for table in ["job_queue", "auto_sync_messages", "auto_sync_responses"] {
            let column = if table == "job_queue" {
                "sync_id"
            } else {
                "auto_sync_id"
            };
            let sql = format!(
                "select count(*), count(*) filter (where exists (select from auto_syncs s where s.id = q.{column} and s.organizer_id = $1)) from {table} q"
            );
            let row = client.query_one(&sql, &[&user]).await?;
            assert_eq!(
                (row.get::<_, i64>(0), row.get::<_, i64>(1)),
                (1, 1),
                "{table}"
            );
        }
        let others = "select count(*) from auto_syncs where organizer_id = $1";
        assert_eq!(
            client.query_one(others, &[&other]).await?.get::<_, i64>(0),
            0
        );
    }
    Ok(())
}

#[tokio::test]
async fn who_says_nothing_or_something_else_sees_nothing() -> anyhow::Result<()> {
    let house = House::new().await?;
    let stranger = json!({ "sub": Uuid::nil() }).to_string();
    // Only the value of `sub` counts, letter by letter.
    let nearly =
        json!({ "sub": house.ann.to_string().to_uppercase(), "user": house.ann }).to_string();
    let list = json!({ "sub": [house.ann] }).to_string();
    let claims = [
        None,
        Some(""),
        Some("{}"),
        Some("null"),
        Some("[]"),
        Some("7"),
        Some(r#"{"role": "authenticated"}"#),
        Some(r#"{"sub": null}"#),
        Some(r#"{"sub": ""}"#),
        Some(r#"{"sub": "' or true --"}"#),
        Some(&stranger),
        Some(&nearly),
        Some(&list),
    ];
    for role in ["authenticated", "anon"] {
        for claims in claims {
            let client = house.request(role, claims).await?;
            for table in TABLES {
                let count = format!("select count(*) from {table}");
                let seen: i64 = client.query_one(&count, &[]).await?.get(0);
                assert_eq!(seen, 0, "{role} with {claims:?} sees {table}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn claims_that_cannot_be_read_are_an_error_and_show_nothing() -> anyhow::Result<()> {
    let house = House::new().await?;
    for claims in ["{", "sub", "{'sub': 1}", " "] {
        let client = house.request("authenticated", Some(claims)).await?;
        let error = client.query("select * from job_queue", &[]).await;
        let error = error.expect_err("they are malformed");
        assert_eq!(error.code().map(|it| it.code()), Some("22P02"), "{claims}");
    }
    Ok(())
}

#[tokio::test]
async fn users_cannot_change_the_queue() -> anyhow::Result<()> {
    let house = House::new().await?;
    let before = house
        .db
        .list("select to_jsonb(q)::text from job_queue q order by id", &[])
        .await?;
    for user in [house.ann, Uuid::nil()] {
        let client = house.as_user(user).await?;
        for harmless in [
            "update job_queue set status = 'processed'",
            "update job_queue set scheduled_at = now() + interval '1 year'",
            "delete from job_queue",
        ] {
            assert_eq!(client.execute(harmless, &[]).await?, 0, "{harmless}");
        }
        let insert = "insert into job_queue (sync_id, job_type, scheduled_at) select id, 'pause_check_48h', now() from auto_syncs union all select null, null, now()";
        let error = client.execute(insert, &[]).await.expect_err(insert);
        assert_eq!(error.code().map(|it| it.code()), Some("42501"));
    }
    let after = house
        .db
        .list("select to_jsonb(q)::text from job_queue q order by id", &[])
        .await?;
    assert_eq!(before, after);
    Ok(())
}

#[tokio::test]
async fn a_user_starts_an_auto_sync_of_their_own_and_the_queue_gets_its_job() -> anyhow::Result<()>
{
    let house = House::new().await?;
    let own =
        "update crews c set owner_id = s.organizer_id from auto_syncs s where s.crew_id = c.id";
    house.db.owner.execute(own, &[]).await?;
    let owned = "select id from crews where owner_id = $1";
    let crew: Uuid = house.db.owner.query_one(owned, &[&house.ann]).await?.get(0);
    let of_bob: Uuid = house.db.owner.query_one(owned, &[&house.bob]).await?.get(0);
    let start = "insert into auto_syncs (organizer_id, crew_id, event_name) values ($1, $2, 'Mine') returning id";
    let client = house.as_user(house.ann).await?;
    let sync: Uuid = client.query_one(start, &[&house.ann, &crew]).await?.get(0);
    client.batch_execute("commit").await?;
    let queued = "select concat_ws(' ', job_type, status) from job_queue where sync_id = $1";
    assert_eq!(
        house.db.list(queued, &[&sync]).await?,
        ["reminder_24h pending"]
    );
    let client = house.as_user(house.ann).await?;
    let error = client.execute(start, &[&house.bob, &crew]).await;
    let error = error.expect_err("it is Bob's to start");
    assert_eq!(error.code().map(|it| it.code()), Some("42501"));
    let long_ago = "insert into auto_syncs (organizer_id, crew_id, event_name, started_at) values ($1, $2, 'Late', now() - interval '2 days')";
    for (statement, crew) in [(start, &of_bob), (long_ago, &crew)] {
        let client = house.as_user(house.ann).await?;
        let refused = client.execute(statement, &[&house.ann, crew]).await;
        let error = refused.expect_err("a crew of somebody else's, or a start in the past");
        assert_eq!(error.code().map(|it| it.code()), Some("42501"), "{error}");
    }
    for (statement, expected) in [
        (
            "update auto_syncs set status = 'paused' where organizer_id = $1",
            0,
        ),
        ("delete from auto_syncs where organizer_id = $1", 0),
    ] {
        let client = house.as_user(house.ann).await?;
        assert_eq!(client.execute(statement, &[&house.bob]).await?, expected);
    }
    let client = house.as_user(house.ann).await?;
    let give = "update auto_syncs set organizer_id = $2 where organizer_id = $1";
    let error = client.execute(give, &[&house.ann, &house.bob]).await;
    assert!(error.is_err(), "nor may one be given to Bob");
    Ok(())
}

#[tokio::test]
async fn nobody_from_outside_sees_messages_settings_or_who_opted_out() -> anyhow::Result<()> {
    let house = House::new().await?;
    let claims = json!({ "sub": house.ann }).to_string();
    for role in ["anon", "authenticated", "service_role"] {
        for sql in [
            "select * from baton.messages",
            "select * from baton.opt_outs",
            "select * from baton.settings",
            "select * from baton.alerts",
            "select * from baton_board.message_log",
            "select baton_api.resolve_message(gen_random_uuid(), 'failed', 'me')",
            "select baton_api.claim_auto_sync_jobs('manual', 'me')",
            "select baton_api.record_opt_out('sms', '+1', true)",
            "select baton_api.correct_last_contact_date('1', null, 'me', 'why')",
        ] {
            let client = house.request(role, Some(&claims)).await?;
            let error = client.query(sql, &[]).await.expect_err(sql);
            assert_eq!(
                error.code().map(|it| it.code()),
                Some("42501"),
                "{role}: {sql}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_service_may_do_everything_with_the_queue() -> anyhow::Result<()> {
    let house = House::new().await?;
    let client = house.request("service_role", None).await?;
    let count = "select count(*) from job_queue";
    assert_eq!(client.query_one(count, &[]).await?.get::<_, i64>(0), 2);
    for (statement, rows) in [
        (
            "update job_queue set status = 'skipped', processed_at = now()",
            2,
        ),
        (
            "insert into job_queue (sync_id, job_type, scheduled_at) select sync_id, job_type, now() from job_queue",
            2,
        ),
        ("delete from job_queue", 4),
    ] {
        assert_eq!(client.execute(statement, &[]).await?, rows, "{statement}");
    }
    Ok(())
}

#[tokio::test]
async fn other_tables_of_people_show_nothing_to_users() -> anyhow::Result<()> {
    let house = House::new().await?;
    house.db.add_assignments(3).await?;
    house
        .db
        .owner
        .batch_execute("insert into activities (assignment_id) select id from assignments")
        .await?;
    let client = house.as_user(house.ann).await?;
    for table in ["assignments", "activities", "crew_members", "crews"] {
        let count = format!("select count(*) from {table}");
        let seen: i64 = client.query_one(&count, &[]).await?.get(0);
        assert_eq!(seen, 0, "{table}");
    }
    Ok(())
}

#[tokio::test]
async fn components_have_no_right_to_any_table() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let sql = "select c.oid::regclass || ' ' || p from pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
               where c.relkind in ('r', 'v', 'p', 'm') and c.relnamespace::regnamespace::text in ('public', 'baton', 'baton_board', 'baton_api')
                 and has_table_privilege($1, c.oid, p)";
    assert_eq!(db.list(sql, &[&ALL_COMPONENTS]).await?, [""; 0]);
    db.owner
        .batch_execute(&format!("grant select on job_queue to {ALL_COMPONENTS}"))
        .await?;
    assert_eq!(
        db.list(sql, &[&ALL_COMPONENTS]).await?,
        ["job_queue select"]
    );
    Ok(())
}

/// As where the application's table was there before, and is open.
#[tokio::test]
async fn the_queue_is_closed_even_where_auto_syncs_are_open() -> anyhow::Result<()> {
    let house = House::new().await?;
    house
        .db
        .owner
        .batch_execute("alter table auto_syncs disable row level security")
        .await?;
    for (user, expected) in [(house.ann, 1), (Uuid::nil(), 0)] {
        let client = house.as_user(user).await?;
        for table in ["job_queue", "auto_sync_messages", "auto_sync_responses"] {
            let count = format!("select count(*) from {table}");
            let seen: i64 = client.query_one(&count, &[]).await?.get(0);
            assert_eq!(seen, expected, "{table}");
        }
    }
    Ok(())
}

/// The policies are the migration's; without them a user of the platform would see all.
#[tokio::test]
async fn it_is_the_policies_that_refuse() -> anyhow::Result<()> {
    let house = House::new().await?;
    house
        .db
        .owner
        .batch_execute("alter table job_queue disable row level security")
        .await?;
    let client = house.as_user(Uuid::nil()).await?;
    let count = "select count(*) from job_queue";
    assert_eq!(client.query_one(count, &[]).await?.get::<_, i64>(0), 2);
    Ok(())
}
