use serde_json::json;
use tokio_postgres::Client;

use crate::support::db::Db;

/// Most assignments were followed up or reminded of not long ago; most messages have ended, and some wait.
const MANY: &str = "
    insert into assignments (peer_mentor_phone, created_at, last_contact_date, last_reminder_at)
    select '+4179' || 1000000 + g, now() - interval '90 days',
           case when g % 2 = 0 then now() - interval '1 day' * (g % 7) else now() - interval '30 days' end,
           case when g % 2 = 1 then now() - interval '1 day' * (g % 7) end
    from generate_series(1, 200000) g;
    insert into assignments (peer_mentor_phone, created_at, last_reminder_at)
    select '+4178' || 1000000 + g, now() - interval '30 days', case when g % 2 = 0 then now() - interval '8 days' end from generate_series(1, 300) g;
    insert into baton.messages (job, purpose, subject_id, recipient_id, period_start, channel, recipient, status, due_at, reason, address, body,
      created_at, submitting_at, submitted_at, ended_at, provider_id)
    select case when g % 2 = 0 then 'follow-up-reminders' else 'auto-sync-jobs' end, case when g % 2 = 0 then 'follow_up' else 'auto_sync' end,
           gen_random_uuid()::text, '', now() - interval '7 days', 'sms', '+4179' || 1000000 + g,
           case when g <= 190000 then 'delivered' when g <= 195000 then 'submitted' else 'reserved' end,
           case when g > 195000 then now() + interval '1 day' end, case when g > 195000 then 'quiet_hours' end, '+4179' || 1000000 + g, 'Hello', now() - interval '2 days',
           now() - interval '1 second' * g, now() - interval '1 day', case when g <= 190000 then now() - interval '1 day' end, 'SM' || g
    from generate_series(1, 200000) g;
    insert into baton.opt_outs (channel, address) select 'sms', '+4177' || 1000000 + g from generate_series(1, 20000) g;
    insert into crews (name) values ('Crew');
    insert into auto_syncs (organizer_id, crew_id, event_name, status) select gen_random_uuid(), id, 'Test', 'completed' from crews, generate_series(1, 20000);
    insert into job_queue (sync_id, job_type, scheduled_at, status, processed_at)
    select id, 'reminder_24h', now() - interval '1 day', 'processed', now() - interval '1 hour' from auto_syncs;
    insert into job_queue (sync_id, job_type, scheduled_at) select id, 'pause_check_48h', now() + interval '1 day' from auto_syncs;
    insert into crew_members (crew_id, phone) select id, '+41791234567' from crews;
    insert into auto_syncs (organizer_id, crew_id, event_name, started_at) select gen_random_uuid(), id, 'Test', now() - interval '2 days' from crews;";

/// Whatever the statistics know, a turn touches a few pages for each message, and none of what is not due.
#[tokio::test]
async fn a_turn_of_reminders_reads_a_few_pages_of_two_hundred_thousand() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute("update baton.settings set quiet_until = quiet_from")
        .await?;
    db.owner.batch_execute(MANY).await?;
    for analyzed in [false, true] {
        if analyzed {
            db.owner
                .batch_execute("analyze assignments, messages, job_queue, auto_syncs, opt_outs")
                .await?;
        }
        // What changed settings release is read by its index, too.
        for (batch_size, most, revision) in
            [(1, 300, 0), (100, 15_000, 0), (1, 300, 1), (100, 15_000, 1)]
        {
            let revise = "update baton.settings set hold_revision = $1";
            db.owner.execute(revise, &[&i64::from(revision)]).await?;
            db.configure_job("follow-up-reminders", json!({ "batch_size": batch_size }))
                .await?;
            for (step, pages) in pages_of_turns(&session_of_turns(&db).await?).await? {
                // The auto-syncs have a batch of a hundred held messages of their own.
                let most = match (step, revision) {
                    ("due_work", _) | ("auto-sync", 0) => 300,
                    ("auto-sync", _) => 15_000,
                    _ => most,
                };
                assert!(
                    pages < most,
                    "{step} of {batch_size} touches {pages} pages (analyzed: {analyzed})"
                );
            }
        }
    }
    Ok(())
}

/// A component's connection keeps its plans, also those that it made before there was anything.
#[tokio::test]
async fn plans_made_for_one_message_serve_two_hundred_thousand() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute("update baton.settings set quiet_until = quiet_from")
        .await?;
    db.add_assignments(1).await?;
    db.owner
        .batch_execute("vacuum analyze assignments, messages")
        .await?;
    let session = session_of_turns(&db).await?;
    pages_of_turns(&session).await?;
    db.owner.batch_execute(MANY).await?;
    db.configure_job("follow-up-reminders", json!({ "batch_size": 100 }))
        .await?;
    for (step, pages) in pages_of_turns(&session).await? {
        assert!(pages < 15_000, "{step} touches {pages} pages");
    }
    Ok(())
}

async fn session_of_turns(db: &Db) -> anyhow::Result<Client> {
    let session = db.session().await?;
    session
        .batch_execute(
            "set default_transaction_isolation = 'read committed'; create temporary table turn (claim jsonb)",
        )
        .await?;
    Ok(session)
}

/// How many pages each step of a turn touches, taken back afterwards.
async fn pages_of_turns(session: &Client) -> anyhow::Result<Vec<(&'static str, i64)>> {
    let steps = [
        ("due_work", "select baton_api.due_work(10)"),
        ("claim", "insert into turn select baton_api.claim_reminders('manual', 'test')"),
        (
            "submit",
            "select baton_api.submit_messages((claim->>'attempt_id')::uuid, '[]', (
               select jsonb_agg(jsonb_build_object('id', m->'id', 'address', m->'recipient', 'zones', '[]'::jsonb, 'body', 'Hello'))
               from jsonb_array_elements(claim->'messages') m)) from turn",
        ),
        (
            "settle",
            "select baton_api.settle_messages((claim->>'attempt_id')::uuid, (
               select jsonb_agg(jsonb_build_object('id', m->'id', 'outcome', 'submitted', 'provider', 'twilio', 'provider_id', 'SM'))
               from jsonb_array_elements(claim->'messages') m)) from turn",
        ),
        (
            "auto-sync",
            "select baton_api.claim_auto_sync_jobs('manual', 'test')",
        ),
    ];
    let mut pages = Vec::new();
    // The first turns of a session read the catalogues, too.
    for _ in 0..3 {
        session.batch_execute("begin; truncate turn").await?;
        pages.clear();
        for (step, statement) in steps {
            let explain = format!("explain (analyze, buffers, format json) {statement}");
            let plan: serde_json::Value = session.query_one(&explain, &[]).await?.get(0);
            let plan = &plan[0]["Plan"];
            let blocks = ["Shared Hit Blocks", "Shared Read Blocks"];
            let blocks = blocks.map(|it| plan[it].as_i64().unwrap_or(0));
            pages.push((step, blocks.iter().sum()));
        }
        let sent = "select count(*) from messages where provider_id = 'SM' and status = 'submitted' or reason = 'not_needed'";
        let sent: i64 = session.query_one(sent, &[]).await?.get(0);
        anyhow::ensure!(sent > 0, "there was something to decide about");
        session.batch_execute("rollback").await?;
    }
    Ok(pages)
}
