use crate::support::db::{ALL_COMPONENTS, Db};

#[tokio::test]
async fn migrating_again_changes_nothing() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let mut owner = db.session().await?;
    assert_eq!(
        schema::migrate(&mut owner).await?,
        schema::Report::default()
    );
    Ok(())
}

#[tokio::test]
async fn changed_code_is_rebuilt_without_touching_the_state() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(3).await?;
    db.owner.batch_execute("update baton.migrations set hash = 'older' where name = 'code'; create function baton_api.forgotten() returns int language sql as 'select 1'").await?;
    let mut owner = db.session().await?;
    let report = schema::migrate(&mut owner).await?;
    assert_eq!((report.applied.len(), report.code_rebuilt), (0, true));
    assert_eq!(
        db.count("select count(*) from pg_proc where proname = 'forgotten'")
            .await?,
        0
    );
    assert_eq!(db.count("select count(*) from contacts").await?, 3);
    db.worker()
        .await?
        .execute("select baton_api.prune(1)", &[])
        .await?;
    Ok(())
}

/// A view of the application on Baton's views would go with them, in silence.
#[tokio::test]
async fn what_others_built_on_baton_is_named_before_anything_is_dropped() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "update baton.migrations set hash = 'older' where name = 'code';
             create view public.team_report as select * from baton_board.run_log",
        )
        .await?;
    let mut owner = db.session().await?;
    let refused = schema::migrate(&mut owner).await;
    assert!(
        matches!(&refused, Err(schema::Error::Dependents(named)) if named == &["view team_report"]),
        "{refused:?}"
    );
    db.owner
        .batch_execute("select * from public.team_report; drop view public.team_report")
        .await?;
    schema::migrate(&mut owner).await?;
    Ok(())
}

#[tokio::test]
async fn grants_on_views_survive_an_upgrade() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "update baton.migrations set hash = 'older' where name = 'code';
             grant usage on schema baton_board to anon; grant select on baton_board.run_log to anon",
        )
        .await?;
    schema::migrate(&mut db.session().await?).await?;
    let reader = db.session_of("anon").await?;
    reader
        .batch_execute("select * from baton_board.run_log")
        .await?;
    assert!(
        reader
            .batch_execute("select * from baton_board.tick_log")
            .await
            .is_err()
    );
    Ok(())
}

/// As an operator's own reports need it.
#[tokio::test]
async fn a_grant_on_a_table_survives_an_upgrade() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(&format!(
            "update baton.migrations set hash = 'older' where name = 'code';
             grant usage on schema baton to {ALL_COMPONENTS}; grant select on baton.runs to {ALL_COMPONENTS}"
        ))
        .await?;
    schema::migrate(&mut db.session().await?).await?;
    let reader = db.session_of(ALL_COMPONENTS).await?;
    Ok(reader.batch_execute("select * from baton.runs").await?)
}

#[tokio::test]
async fn a_migration_closes_what_default_privileges_open() -> anyhow::Result<()> {
    let db = Db::new().await?;
    // As an earlier release left it, and as this one would.
    db.owner
        .batch_execute(
            "alter default privileges grant all on tables to anon;
             alter default privileges grant all on functions to anon;
             alter default privileges grant all on schemas to anon;
             delete from baton.migrations where name = '0012_closed_tables.sql';
             update baton.migrations set hash = 'older' where name = 'code';
             grant all on baton.source_secrets, baton_board.run_log, contacts to anon;
             grant all on function baton_api.prune(int) to anon;
             grant all on schema baton, baton_api, baton_board to anon",
        )
        .await?;
    schema::migrate(&mut db.session().await?).await?;
    let left = "select o from (
          select 'schema ' || s, has_schema_privilege('anon', s, 'usage') from unnest(array['baton', 'baton_api', 'baton_board']) s
          union all select 'secrets', has_table_privilege('anon', 'baton.source_secrets', 'select')
          union all select 'a view', has_table_privilege('anon', 'baton_board.run_log', 'select')
          union all select 'a function', has_function_privilege('anon', 'baton_api.prune(int)', 'execute')
          union all select 'truncate', has_table_privilege('anon', 'contacts', 'truncate')
          union all select 'rows, by policies', has_table_privilege('anon', 'contacts', 'select')
        ) o (o, may) where may";
    assert_eq!(db.list(left, &[]).await?, ["rows, by policies"]);
    Ok(())
}

#[tokio::test]
async fn the_search_path_of_a_database_in_use_stays() -> anyhow::Result<()> {
    for (made, expected) in [
        ("create schema shop; create table shop.orders ()", None),
        (
            "create schema shop",
            Some("search_path=public, baton_board, baton_api, baton"),
        ),
    ] {
        let db = Db::new().await?;
        db.owner
            .batch_execute("drop schema baton, baton_api, baton_board cascade; drop schema public cascade; create schema public")
            .await?;
        let reset = format!("alter database {} reset search_path", db.name);
        db.owner.batch_execute(&reset).await?;
        db.owner.batch_execute(made).await?;
        schema::migrate(&mut db.session().await?).await?;
        let path = "select string_agg(c, ',') from pg_db_role_setting s, unnest(s.setconfig) c
                    where s.setdatabase = (select oid from pg_database where datname = current_database())";
        assert_eq!(db.text(path).await?.as_deref(), expected, "{made}");
    }
    Ok(())
}

/// Readers queue up behind a migration that waits for a lock, so it does not wait long.
#[tokio::test]
async fn a_migration_that_waits_for_a_lock_lets_readers_through() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute("update baton.migrations set hash = 'older' where name = 'code'; drop trigger t90_wake on contacts")
        .await?;
    let holder = db.session().await?;
    holder.batch_execute("begin; select count(*) from contacts; insert into contacts (email) values ('a@x.test')").await?;
    let mut owner = db.session().await?;
    let migrating = async { anyhow::Ok(schema::migrate(&mut owner).await?) };
    let reading = async {
        crate::support::until("the migration waits for contacts", async || {
            let waiting = "select count(*) from pg_locks where not granted and relation = 'public.contacts'::regclass";
            Ok((db.count(waiting).await? > 0).then_some(()))
        })
        .await?;
        crate::support::until("the migration gave way", async || {
            let waiting = "select count(*) from pg_locks where not granted and relation = 'public.contacts'::regclass";
            Ok((db.count(waiting).await? == 0).then_some(()))
        })
        .await?;
        holder.batch_execute("rollback").await?;
        anyhow::Ok(())
    };
    let (report, read) = tokio::join!(migrating, reading);
    read?;
    assert!(report?.code_rebuilt);
    Ok(())
}

/// One of them comes second, and must then see what the other has applied, whatever the server's isolation level is.
#[tokio::test]
async fn two_migrations_at_once_apply_each_file_once() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute("drop schema baton, baton_api, baton_board cascade; drop schema public cascade; create schema public")
        .await?;
    let (mut one, mut two) = (db.session().await?, db.session().await?);
    for session in [&one, &two] {
        session
            .batch_execute("set default_transaction_isolation = 'serializable'")
            .await?;
    }
    let (one, two) = tokio::join!(schema::migrate(&mut one), schema::migrate(&mut two));
    assert_ne!(one?.applied.is_empty(), two?.applied.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_newer_database_and_an_edited_file_are_refused() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let mut owner = db.session().await?;
    db.owner
        .batch_execute("insert into baton.migrations values ('9999_future.sql', 'x')")
        .await?;
    assert!(
        matches!(schema::migrate(&mut owner).await, Err(schema::Error::Newer(name)) if name == "9999_future.sql")
    );
    db.owner
        .batch_execute("delete from baton.migrations where name like '9999%'; update baton.migrations set hash = 'x' where name like '0002%'")
        .await?;
    assert!(
        matches!(schema::migrate(&mut owner).await, Err(schema::Error::Edited(name)) if name == "0002_jobs.sql")
    );
    Ok(())
}

/// The application's table keeps its rows, its columns and the type of its key.
#[tokio::test]
async fn an_existing_contacts_table_is_extended() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute("drop schema baton, baton_api, baton_board cascade; drop table contacts")
        .await?;
    db.owner
        .batch_execute(
            "create table contacts (id uuid primary key default gen_random_uuid(), name text not null, email text, email_validation_status text);
             insert into contacts (name, email) values ('Ann', 'ann@x.test'), ('Bob', null)",
        )
        .await?;
    let mut owner = db.session().await?;
    schema::migrate(&mut owner).await?;
    let worker = db.worker().await?;
    use crate::support::settling::{claim, outcome, settle};
    let baton::contract::Claim::Claimed(attempt) =
        claim(&worker, baton::contract::Trigger::Manual).await?
    else {
        panic!("Ann is due")
    };
    let it = &attempt.contacts[0];
    let verdict = outcome(
        &it.id,
        &it.email,
        validate_contacts::email::Status::Deliverable,
        validate_contacts::email::Reason::Accepted,
    );
    settle(&worker, attempt.attempt_id, vec![verdict]).await?;
    let names = db
        .list(
            "select name from contacts where email_validation_status = 'deliverable'",
            &[],
        )
        .await?;
    assert_eq!(names, ["Ann"]);
    Ok(())
}
