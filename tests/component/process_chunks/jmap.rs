use serde_json::json;

use super::{add_mail, drain, items, near, outcome, start};
use crate::support::app::App;
use crate::support::db::Db;
use crate::support::jmap::{Jmap, PASSWORD, USER};

#[tokio::test]
async fn a_full_sync_brings_every_message() -> anyhow::Result<()> {
    let (db, jmap) = (Db::new().await?, Jmap::start(120).await?);
    let app = App::start(&db, near()).await?;
    add_mail(&db, &jmap, PASSWORD).await?;
    let sync_job = start(&db, "mail", true).await?;
    drain(&db, &app).await?;
    // One lists, six get 20 each.
    assert_eq!(
        outcome(&db, sync_job).await?,
        "completed 7 0",
        "{}",
        app.log("process-chunks")
    );
    let subjects = "select count(distinct subject) from synced_emails where source = 'mail'";
    assert_eq!((items(&db).await?, db.count(subjects).await?), (120, 120));
    let message = "select jsonb_build_object(
          'keywords', keywords, 'message_id', message_id, 'sender', sender, 'recipients', recipients, 'preview', trim(preview),
          'received_at', to_char(received_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), 'same', sent_at = received_at,
          'has_attachment', has_attachment, 'mailboxes', cardinality(mailbox_ids), 'sized', size > 100,
          'has_ids', id <> '' and blob_id <> '' and thread_id <> '', 'payload', payload)
        from synced_emails where subject = 'Message 65'";
    let message: serde_json::Value = db.owner.query_one(message, &[]).await?.get(0);
    let expected = json!({
        "keywords": ["$seen"],
        "message_id": ["m65@example.org"],
        "sender": [{ "name": "Sender 2", "email": "sender2@example.org" }],
        "recipients": [{ "name": null, "email": "alice@example.org" }],
        "preview": "The body of message 65.",
        "received_at": "2024-01-01 01:05",
        "same": true,
        "has_attachment": false,
        "mailboxes": 1,
        "sized": true,
        "has_ids": true,
        "payload": null,
    });
    assert_eq!(message, expected);
    let state = "select s.state = j.state from sources s join sync_jobs j on j.source = s.name";
    assert_eq!(db.text(state).await?.as_deref(), Some("true"));
    Ok(())
}

#[tokio::test]
async fn the_next_sync_asks_for_changes_only() -> anyhow::Result<()> {
    let (db, jmap) = (Db::new().await?, Jmap::start(30).await?);
    let app = App::start(&db, near()).await?;
    add_mail(&db, &jmap, PASSWORD).await?;
    start(&db, "mail", true).await?;
    drain(&db, &app).await?;
    let flagged = id(&db, "Message 10").await?;
    let destroyed = id(&db, "Message 20").await?;
    jmap.flag(&flagged, "$flagged").await?;
    jmap.destroy(&[&destroyed]).await?;
    let added = jmap.add([31]).await?;
    let sync_job = start(&db, "mail", false).await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "completed 1 0");
    let touched = "select id from synced_emails where sync_job_id = $1 order by subject";
    assert_eq!(
        db.list(touched, &[&sync_job]).await?,
        [flagged.as_str(), &added[0]]
    );
    let keywords = "select unnest(keywords) from synced_emails where id = $1";
    assert_eq!(db.list(keywords, &[&flagged]).await?, ["$flagged"]);
    assert_eq!(items(&db).await?, 30, "one more and one less");
    let gone = "select id from synced_emails where id = $1";
    assert!(db.list(gone, &[&destroyed]).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_state_that_the_server_does_not_know_leads_to_a_full_sync_that_lets_go_of_what_is_gone()
-> anyhow::Result<()> {
    let (db, jmap) = (Db::new().await?, Jmap::start(30).await?);
    let app = App::start(&db, near()).await?;
    add_mail(&db, &jmap, PASSWORD).await?;
    start(&db, "mail", true).await?;
    drain(&db, &app).await?;
    let gone = id(&db, "Message 7").await?;
    jmap.destroy(&[&gone]).await?;
    db.owner
        .batch_execute("update sources set state = 'nonsense'")
        .await?;
    let sync_job = start(&db, "mail", false).await?;
    drain(&db, &app).await?;
    // Changes, list, two that get, prune.
    assert_eq!(outcome(&db, sync_job).await?, "completed 5 0");
    assert_eq!(
        db.count("select count(*) from synced_emails where subject = 'Message 7'")
            .await?,
        0
    );
    assert_eq!(items(&db).await?, 29);
    let state = "select state <> 'nonsense' from sources";
    assert_eq!(db.text(state).await?.as_deref(), Some("true"));
    Ok(())
}

#[tokio::test]
async fn mail_that_comes_and_goes_during_a_full_sync_shifts_nothing() -> anyhow::Result<()> {
    let (db, jmap) = (Db::new().await?, Jmap::start(60).await?);
    let app = App::start(&db, near()).await?;
    add_mail(&db, &jmap, PASSWORD).await?;
    let sync_job = start(&db, "mail", true).await?;
    // It is listed, and the first messages are here; the newest come first.
    app.process().await?;
    app.process().await?;
    assert_eq!(items(&db).await?, 20);
    let (here, listed) = (
        id(&db, "Message 50").await?,
        "select work->'ids'->>3 from chunk_processing_queue q join chunked_sync_jobs c on c.id = q.chunk_id where q.status = 'pending' order by q.id limit 1",
    );
    let listed = db.text(listed).await?.unwrap_or_default();
    jmap.destroy(&[&here, &listed]).await?;
    jmap.add(61..=70).await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "completed 4 0");
    let old = "select count(distinct subject) from synced_emails";
    assert_eq!(
        db.count(old).await?,
        59,
        "all but the one that was gone when it was to be got"
    );
    let sync_job = start(&db, "mail", false).await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "completed 1 0");
    assert_eq!(
        (items(&db).await?, db.count(old).await?),
        (68, 68),
        "the changes bring what came, and take what went"
    );
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_fails_the_sync_at_once_and_shows_nowhere() -> anyhow::Result<()> {
    const WRONG: &str = "a-password-of-yesterday";
    let (db, jmap) = (Db::new().await?, Jmap::start(120).await?);
    let app = App::start(&db, near()).await?;
    add_mail(&db, &jmap, PASSWORD).await?;
    let sync_job = start(&db, "mail", true).await?;
    let mut answers = vec![app.process().await?.1];
    assert_eq!(outcome(&db, sync_job).await?, "processing 1 0");
    add_mail(&db, &jmap, WRONG).await?;
    let before = app.stats().outside_calls["process-chunks"];
    answers.push(app.process().await?.1);
    // To the database, and one question to the server.
    assert_eq!(
        app.stats().outside_calls["process-chunks"] - before,
        3 + 1,
        "{answers:?}"
    );
    for _ in 0..3 {
        answers.push(app.process().await?.1);
        answers.push(app.tick().await?.1);
    }
    assert_eq!(outcome(&db, sync_job).await?, "failed 1 6");
    let why = "select error_message from chunk_processing_status";
    assert_eq!(
        db.text(why).await?.as_deref(),
        Some("the source refuses the credentials (401)")
    );
    let asked = "select count(*) from chunk_attempts where error like '%credentials%'";
    assert_eq!(db.count(asked).await?, 1);

    let basic = outbound::authorization(Some(USER), Some(WRONG)).unwrap_or_default();
    let basic = basic.trim_start_matches("Basic ").trim_end_matches('=');
    let logs = ["process-chunks", "scheduler"].map(|it| app.log(it));
    assert!(
        !logs[0].is_empty() && !logs[1].is_empty(),
        "there are logs to look at"
    );
    let seen = format!("{answers:?} {logs:?}");
    for secret in [WRONG, PASSWORD, basic] {
        assert!(!seen.contains(secret), "{secret} is in a log or an answer");
    }
    assert_eq!(
        rows_with(&db, WRONG).await?,
        ["baton.source_secrets"],
        "where it belongs, and nowhere else"
    );
    assert_eq!(rows_with(&db, basic).await?, [""; 0]);
    Ok(())
}

/// The id of the one message with this subject.
async fn id(db: &Db, subject: &str) -> anyhow::Result<String> {
    let sql = "select id from synced_emails where subject = $1";
    Ok(db.owner.query_one(sql, &[&subject]).await?.get(0))
}

/// The tables and views with a row in which this text occurs.
async fn rows_with(db: &Db, text: &str) -> anyhow::Result<Vec<String>> {
    let relations = "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where c.relkind in ('r', 'v', 'm') and n.nspname in ('public', 'baton', 'baton_board') order by 1";
    let mut found = Vec::new();
    for relation in db.list(relations, &[]).await? {
        let sql =
            format!("select count(*) from {relation} as t where strpos(t::text, '{text}') > 0");
        if db.count(&sql).await? > 0 {
            found.push(relation);
        }
    }
    Ok(found)
}
