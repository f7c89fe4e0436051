//! What a migration does to an application that is at work meanwhile, and to its tables.

use crate::support::db::Db;
use crate::support::until;

const TABLES_OF_THE_APPLICATION: &str = "contacts, assignments, activities, crews, crew_members, auto_syncs, auto_sync_responses, auto_sync_messages, job_queue, synced_emails";

/// Takes Baton out and leaves the tables of the application, without what Baton added to them.
async fn take_baton_out(db: &Db) -> anyhow::Result<()> {
    db.owner
        .batch_execute("drop schema baton, baton_api, baton_board cascade")
        .await?;
    let added = "select format('alter table public.%I drop column %I cascade', c.relname, a.attname) from pg_attribute a
                 join pg_class c on c.oid = a.attrelid
                 where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and (c.relname, a.attname) in (
                   ('contacts', 'email_validation_status'), ('contacts', 'email_validation_retry_at'), ('contacts', 'external_heartbeat_checked_at'),
                   ('assignments', 'last_reminder_at'), ('activities', 'occurred_at'), ('auto_syncs', 'started_at'),
                   ('auto_sync_messages', 'message_id'), ('job_queue', 'attempts'), ('synced_emails', 'sync_job_id'))
                 union all
                 select format('drop index public.%I', i.indexrelid::regclass) from pg_index i join pg_class c on c.oid = i.indrelid
                 where c.relnamespace = 'public'::regnamespace and c.relname in ('crew_members', 'job_queue', 'auto_sync_responses') and not i.indisprimary";
    for statement in db.list(added, &[]).await? {
        db.owner.batch_execute(&statement).await?;
    }
    Ok(())
}

/// Columns, indexes and triggers of tables in schema public.
async fn shape(db: &Db) -> anyhow::Result<Vec<String>> {
    let sql = "select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
                 || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
               from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
               where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
               union all
               select pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid from pg_index i join pg_class c on c.oid = i.indrelid
               where c.relnamespace = 'public'::regnamespace
               union all
               select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid
               where c.relnamespace = 'public'::regnamespace and not t.tgisinternal
               order by 1";
    db.list(sql, &[]).await
}

#[tokio::test]
async fn tables_that_were_there_end_as_those_that_baton_makes() -> anyhow::Result<()> {
    let db = Db::new().await?;
    // The tests' clock is the default of these in the template.
    db.owner
        .batch_execute(
            "alter table activities alter occurred_at set default now();
             alter table auto_syncs alter started_at set default now()",
        )
        .await?;
    let made = shape(&db).await?;
    take_baton_out(&db).await?;
    assert!(shape(&db).await?.len() + 20 < made.len());
    let report = schema::migrate(&mut db.session().await?).await?;
    assert_eq!(shape(&db).await?, made);
    assert_eq!(report.columns.len(), 7, "{report:?}");
    assert!(
        report.indexes.contains(&"contacts_unknown_idx".to_owned()),
        "{report:?}"
    );
    Ok(())
}

#[tokio::test]
async fn an_upgrade_waits_for_no_transaction_of_the_application() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute("update baton.migrations set hash = 'older' where name = 'code'")
        .await?;
    let application = db.session().await?;
    application
        .batch_execute(&format!(
            "begin; lock table {TABLES_OF_THE_APPLICATION} in row exclusive mode"
        ))
        .await?;
    // It would give up after a minute of waiting.
    let report = schema::migrate(&mut db.session().await?).await?;
    assert!(report.code_rebuilt);
    application.batch_execute("commit").await?;
    Ok(())
}

#[tokio::test]
async fn a_trigger_is_replaced_only_when_it_differs() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let whole = shape(&db).await?;
    db.owner
        .batch_execute(
            "update baton.migrations set hash = 'older' where name = 'code';
             alter table contacts disable trigger t90_wake;
             create or replace trigger t10_forget_verdict before update on contacts for each row execute function baton.forget_verdict();
             drop trigger t51_note_changed_contact on activities",
        )
        .await?;
    schema::migrate(&mut db.session().await?).await?;
    assert_eq!(shape(&db).await?, whole);
    let disabled = "select tgname::text from pg_trigger where tgenabled = 'D'";
    assert_eq!(db.list(disabled, &[]).await?, ["t90_wake"]);
    Ok(())
}

/// Ends the session that builds the index of contacts, when it has come so far that it waits for older transactions.
async fn kill_the_build(db: &Db) -> anyhow::Result<()> {
    until("the build waits", async || {
        let waiting = "select count(*) from pg_stat_progress_create_index
                       where datname = current_database() and phase like 'waiting for%'";
        Ok((db.count(waiting).await? > 0).then_some(()))
    })
    .await?;
    let writer = db.session().await?;
    writer
        .batch_execute("set lock_timeout = '1s'; insert into contacts (email) values ('b@x.test'); select * from contacts")
        .await?;
    let kill = "select count(*) from pg_stat_progress_create_index where datname = current_database() and pg_terminate_backend(pid, 10000)";
    assert_eq!(db.count(kill).await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_index_is_built_beside_writers_and_again_after_a_kill() -> anyhow::Result<()> {
    let db = Db::new().await?;
    take_baton_out(&db).await?;
    // The columns are there, and only the indexes are missing.
    schema::migrate(&mut db.session().await?).await?;
    db.owner
        .batch_execute(
            "drop schema baton, baton_api, baton_board cascade; drop index contacts_unknown_idx, contacts_validated_idx;
             alter table contacts alter created_at set default now()",
        )
        .await?;
    let application = db.session().await?;
    application
        .batch_execute("begin; insert into contacts (email) values ('a@x.test')")
        .await?;
    let mut migrator = db.session().await?;
    let migrating = async { anyhow::Ok(schema::migrate(&mut migrator).await) };
    let (killed, ()) = tokio::try_join!(migrating, kill_the_build(&db))?;
    assert!(killed.is_err(), "{killed:?}");
    let invalid = "select indexrelid::regclass::text from pg_index where not indisvalid";
    assert_eq!(db.list(invalid, &[]).await?, ["contacts_unknown_idx"]);
    application.batch_execute("commit").await?;
    let report = schema::migrate(&mut db.session().await?).await?;
    assert_eq!(
        report.indexes,
        ["contacts_unknown_idx", "contacts_validated_idx"]
    );
    assert!(report.columns.is_empty(), "{report:?}");
    assert_eq!(db.list(invalid, &[]).await?, Vec::<String>::new());
    assert_eq!(db.count("select count(*) from contacts").await?, 2);
    Ok(())
}

#[tokio::test]
async fn two_migrations_at_once_take_turns() -> anyhow::Result<()> {
    let db = Db::new().await?;
    take_baton_out(&db).await?;
    let (mut one, mut two) = (db.session().await?, db.session().await?);
    let (one, two) = tokio::join!(schema::migrate(&mut one), schema::migrate(&mut two));
    let (one, two) = (one?, two?);
    let recorded = db
        .count("select count(*) from baton.migrations where name <> 'code'")
        .await?;
    assert_eq!((one.applied.len() + two.applied.len()) as i64, recorded);
    assert!(one.code_rebuilt != two.code_rebuilt);
    Ok(())
}

#[tokio::test]
async fn tables_that_do_not_fit_are_refused_with_the_statement_that_mends_them()
-> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "drop schema baton, baton_api, baton_board cascade;
             drop table contacts, assignments, activities, synced_emails, auto_sync_messages;
             create domain moment as timestamptz; create domain address as varchar(100);
             create type state as enum ('active', 'ended');
             create table contacts (id int primary key, email address, created_at timestamp, email_validation_status varchar(10));
             create table assignments (id int primary key, status state, created_at timestamptz, last_contact_date moment);
             create table synced_emails (source text not null, id text not null, tenant int not null);
             create table auto_sync_messages (auto_sync_id uuid)",
        )
        .await?;
    let before = shape(&db).await?;
    let mut owner = db.session().await?;
    let Err(schema::Error::Unsuitable(differences)) = schema::migrate(&mut owner).await else {
        panic!("they do not fit")
    };
    let about: Vec<(&str, &str)> = differences
        .iter()
        .map(|it| (&*it.about, &*it.found))
        .collect();
    assert_eq!(
        about,
        [
            ("public.assignments.created_at", "may be null"),
            ("public.assignments.last_contact_date", "is moment"),
            ("public.auto_sync_messages.message_type", "is missing"),
            (
                "public.contacts.created_at",
                "is timestamp without time zone"
            ),
            (
                "public.contacts.email_validation_status",
                "is character varying(10)"
            ),
            (
                "public.synced_emails",
                "has no unique index on source and id"
            ),
            ("public.synced_emails.tenant", "has no default"),
        ]
    );
    assert_eq!(shape(&db).await?, before);
    assert_eq!(
        db.count("select count(*) from pg_namespace where nspname like 'baton%'")
            .await?,
        0
    );
    // Each statement mends what it is about; two leave a word to the operator.
    for it in differences {
        let statement = it.statement.replace("default …", "default 1");
        db.owner.batch_execute(&statement).await?;
    }
    schema::migrate(&mut owner).await?;
    Ok(())
}

#[tokio::test]
async fn a_column_that_was_dropped_after_the_migration_is_named() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute("alter table assignments drop column last_contact_date cascade")
        .await?;
    let refused = schema::migrate(&mut db.session().await?).await;
    let message = refused.err().map(|it| it.to_string()).unwrap_or_default();
    assert!(
        message.contains(
            "public.assignments.last_contact_date is missing; Baton needs it: \
             alter table public.assignments add column last_contact_date timestamp with time zone;"
        ),
        "{message}"
    );
    Ok(())
}
