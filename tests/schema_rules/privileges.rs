use crate::support::db::Db;

#[tokio::test]
async fn the_worker_cannot_touch_a_table() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let worker = db.worker().await?;
    for sql in [
        "select * from baton.jobs",
        "update baton.attempts set finished_at = now()",
        "select * from public.contacts",
        "delete from public.contacts",
        "select * from baton_board.job_overview",
        "select baton_api.pause_job('validate-contacts', 'me', null)",
        "select baton_api.open_gate('validate-contacts', 'tick', 'me', now())",
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
    let viewer = db.session().await?;
    viewer
        .batch_execute("set session authorization baton_viewer")
        .await?;
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
        "select baton_api.sweep(1)",
    ] {
        assert!(viewer.batch_execute(sql).await.is_err(), "{sql}");
    }
    Ok(())
}

/// Writers of the application need no rights of ours, and no failure of waking is theirs.
#[tokio::test]
async fn a_writer_of_contacts_needs_no_rights_and_never_fails_by_waking() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner.batch_execute("drop role if exists app_writer; create role app_writer; grant insert, update on contacts to app_writer").await?;
    let writer = db.session().await?;
    writer.batch_execute("set session authorization app_writer; insert into contacts (email) values ('a@x.test')").await?;
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
