use validate_contacts::email::{Reason, Status};

use crate::support::db::{Db, roles};
use crate::support::settling::{claim, settle, verdicts};

/// Which functions each component calls.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "scheduler",
        &[
            "due_work",
            "end_dead_attempts",
            "plan_slots",
            "prune",
            "readiness",
            "record_tick",
        ],
    ),
    (
        "validate-contacts",
        &["claim_contacts", "extend_attempt", "settle_contacts"],
    ),
    (
        "process-chunks",
        &[
            "claim_next_chunk_job_safe",
            "complete_chunk_job_safe",
            "extend_attempt",
            "settle_chunks_as_text",
        ],
    ),
    (
        "follow-up-reminders",
        &[
            "claim_reminders",
            "correct_last_contact_date",
            "extend_attempt",
            "settle_messages",
            "submit_messages",
        ],
    ),
    (
        "auto-sync-jobs",
        &[
            "claim_auto_sync_jobs",
            "extend_attempt",
            "settle_messages",
            "submit_messages",
        ],
    ),
    (
        "message-callbacks",
        &[
            "record_delivery",
            "record_opt_out",
            "record_refused_callback",
        ],
    ),
];

#[tokio::test]
async fn each_component_may_call_its_own_functions_alone() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let roles = roles(&db.owner).await?;
    let sql = "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
               where n.nspname in ('baton', 'baton_api', 'baton_board') and has_function_privilege($1, p.oid, 'execute')
               order by 1";
    for (component, allowed) in ALLOWED {
        let granted = db.list(sql, &[&roles[*component]]).await?;
        assert_eq!(granted, *allowed, "{component}");
    }
    assert_eq!(roles.len(), ALLOWED.len() + 1, "and the viewer");
    Ok(())
}

#[tokio::test]
async fn a_copy_of_a_database_gets_roles_of_its_own() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let of_template = roles(&db.owner).await?;
    let mut owner = db.session().await?;
    schema::migrate(&mut owner).await?;
    let own = roles(&db.owner).await?;
    let may = "select count(*) from pg_proc p where p.pronamespace = 'baton_api'::regnamespace
               and has_function_privilege($1::text, p.oid, 'execute')";
    for (component, role) in &own {
        assert_ne!(role, &of_template[component]);
        assert!(db_count(&db.owner, may, role).await? > 0, "{role}");
        assert_eq!(
            db_count(&db.owner, may, &of_template[component]).await?,
            0,
            "{component}"
        );
    }
    drop(owner);
    let statements: Vec<String> = own
        .values()
        .map(|it| format!("drop owned by {it}; drop role {it};"))
        .collect();
    db.superuser()
        .await?
        .batch_execute(&statements.concat())
        .await?;
    Ok(())
}

/// Restoring a database on another server brings grants to roles that are not there.
#[tokio::test]
async fn a_missing_role_comes_back_with_the_next_migration() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let mut owner = db.session().await?;
    schema::migrate(&mut owner).await?;
    let role = roles(&db.owner).await?["scheduler"].clone();
    db.superuser()
        .await?
        .batch_execute(&format!("drop owned by {role}; drop role {role}"))
        .await?;
    schema::migrate(&mut owner).await?;
    let may = "select has_function_privilege($1, 'baton_api.prune(int)', 'execute')";
    assert!(db.owner.query_one(may, &[&role]).await?.get::<_, bool>(0));
    Ok(())
}

async fn db_count(owner: &tokio_postgres::Client, sql: &str, role: &str) -> anyhow::Result<i64> {
    Ok(owner.query_one(sql, &[&role]).await?.get(0))
}

#[tokio::test]
async fn components_cannot_touch_a_table() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let worker = db.worker().await?;
    for sql in [
        "select * from baton.jobs",
        "update baton.attempts set finished_at = now()",
        "select * from public.contacts",
        "delete from public.contacts",
        "select * from baton_board.job_overview",
        "select baton_api.pause_job('validate-contacts', 'me', null)",
        "select baton_api.open_gate(null, 'tick', 'me', now())",
        "select baton.wake('validate-contacts')",
        "create table baton_api.mine ()",
    ] {
        let error = worker.batch_execute(sql).await.expect_err(sql);
        assert_eq!(
            error.code().map(|it| it.code()),
            Some("42501"),
            "{sql}: {error}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_viewer_reads_the_board_and_changes_nothing() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let viewer = db.component("viewer").await?;
    let views = db
        .list(
            "select viewname::text from pg_views where schemaname = 'baton_board'",
            &[],
        )
        .await?;
    assert!(views.len() > 8);
    for view in views {
        viewer
            .batch_execute(&format!("select * from baton_board.{view}"))
            .await?;
    }
    for sql in [
        "update validation_sessions set status = 'failed'",
        "select * from baton.jobs",
        "select baton_api.prune(1)",
    ] {
        assert!(viewer.batch_execute(sql).await.is_err(), "{sql}");
    }
    Ok(())
}

/// Writers of the application need no rights of ours, and no failure of waking is theirs.
#[tokio::test]
async fn a_writer_of_contacts_needs_no_rights_and_never_fails_by_waking() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner.batch_execute("drop role if exists app_writer; create role app_writer; grant insert, update on contacts to app_writer;
         create policy writers_write on contacts to app_writer using (true) with check (true)").await?;
    let writer = db.session_of("app_writer").await?;
    writer
        .batch_execute("insert into contacts (email) values ('a@x.test')")
        .await?;
    db.owner
        .batch_execute("alter table baton.settings rename to settings_gone")
        .await?;
    writer
        .batch_execute("insert into contacts (email) values ('b@x.test')")
        .await?;
    db.owner
        .batch_execute("revoke all on contacts from app_writer; reset role")
        .await?;
    Ok(())
}

/// A trigger of a table runs with the rights of the function that writes the table.
#[tokio::test]
async fn a_trigger_of_the_application_gets_no_rights_of_a_superuser() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "drop role if exists test_shop; create role test_shop;
             create schema shop authorization test_shop;
             alter table contacts owner to test_shop;
             set session authorization test_shop;
             create function shop.grab() returns trigger language plpgsql as $$
             begin
               begin
                 alter role test_shop superuser;
               exception when insufficient_privilege then
                 null;
               end;
               new.email_validation_reason := current_user;
               return new;
             end $$;
             create trigger grab before update on public.contacts for each row execute function shop.grab();
             reset session authorization",
        )
        .await?;
    db.add_many_contacts(1).await?;
    let worker = db.worker().await?;
    let baton::contract::Claim::Claimed(attempt) =
        claim(&worker, baton::contract::Trigger::Manual).await?
    else {
        panic!("a contact is due")
    };
    let outcomes = verdicts(&attempt, Status::Deliverable, Reason::Accepted);
    settle(&worker, attempt.attempt_id, outcomes).await?;
    let seen = "select string_agg(email_validation_reason, ',') from contacts";
    assert_eq!(
        db.text(seen).await?.as_deref(),
        Some("baton_baton_template_functions")
    );
    let rights = "select count(*) from pg_roles where rolname = 'test_shop' and rolsuper";
    assert_eq!(db.count(rights).await?, 0);
    Ok(())
}

#[tokio::test]
async fn the_owner_of_the_functions_has_no_other_rights() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let role = "baton_baton_template_functions";
    let session = db.session().await?;
    session
        .batch_execute(&format!("set session authorization {role}"))
        .await?;
    for sql in [
        "update public.contacts set email = 'other@x.test'",
        "delete from public.contacts",
        "create table baton.mine ()",
        "create function baton_api.mine() returns int language sql as 'select 1'",
        "create trigger mine before update on baton.jobs for each row execute function baton.wake_job()",
        "create role mine",
    ] {
        let error = session.batch_execute(sql).await.expect_err(sql);
        assert_eq!(error.code().map(|it| it.code()), Some("42501"), "{sql}");
    }
    let own = db.text("baton.role_name('functions')").await?;
    let own = own.unwrap_or_default();
    let drop = format!("drop role if exists {own}");
    let login = format!("{drop}; create role {own} login");
    db.owner.batch_execute(&login).await?;
    let mut owner = db.session().await?;
    let refused = schema::migrate(&mut owner).await;
    assert!(
        matches!(&refused, Err(schema::Error::Refused { file, .. }) if file == "function_owner.sql"),
        "{refused:?}"
    );
    db.owner.batch_execute(&drop).await?;
    schema::migrate(&mut owner).await?;
    Ok(())
}
