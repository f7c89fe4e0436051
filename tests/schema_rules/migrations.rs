use crate::support::db::Db;

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
        .execute("select baton_api.sweep(1)", &[])
        .await?;
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
    let contract::Claim::Claimed(attempt) = claim(&worker, contract::Trigger::Manual).await? else {
        panic!("Ann is due")
    };
    let it = &attempt.contacts[0];
    let verdict = outcome(
        &it.id,
        &it.email,
        domain::email::Status::Deliverable,
        domain::email::Reason::Accepted,
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
