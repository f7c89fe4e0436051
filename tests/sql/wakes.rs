//! The wake ladder in the database: who is told, what, and that nobody ever fails by it.

use baton::contract::Trigger;
use baton::contract::native::call;
use baton::contract::operator::SetWake;
use baton::contract::scheduler::EndDeadAttempts;
use process_chunks::calls::Ending;
use serde_json::Value;

use crate::support::db::Db;
use crate::support::settling::{claim_chunks, complete, take};

/// The extension's one function as it is published, without the sending: a stand-in that keeps what it was given.
const NET: &str = "
    create schema net;
    grant usage on schema net to public;
    alter default privileges in schema net grant all on tables to public;
    create table net.asked (id bigint generated always as identity, url text, body jsonb, headers jsonb, timeout_milliseconds int);
    create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
      headers jsonb default '{\"Content-Type\": \"application/json\"}', timeout_milliseconds int default 5000) returns bigint
    language plpgsql as $$
    declare
      v_id bigint;
    begin
      if headers->>'Content-Type' <> 'application/json' then
        raise exception 'Content-Type header must be \"application/json\"';
      end if;
      insert into net.asked (url, body, headers, timeout_milliseconds) values (url, body, headers, timeout_milliseconds) returning id into v_id;
      return v_id;
    end $$;";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn listeners_hear_how_many_calls_are_worth_while() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner.batch_execute(RECORD).await?;
    db.add_sync("trial", 3).await?;
    // A sync is more than one statement.
    let by_writers = async || {
        let mut heard = heard(&db).await?;
        heard.dedup();
        anyhow::Ok(heard)
    };
    assert_eq!(by_writers().await?, ["/jobs/process-chunks"]);
    let worker = db.worker().await?;
    // A first call wakes a second one beside it, as there is more to do; one that follows another wakes nobody.
    claim_chunks(&worker, Trigger::Wake).await?;
    assert_eq!(heard(&db).await?, ["/jobs/process-chunks 2"]);
    claim_chunks(&worker, Trigger::Next).await?;
    assert_eq!(heard(&db).await?, [""; 0]);
    forget(&db).await?;
    db.add_sync("other", 1).await?;
    assert_eq!(by_writers().await?, ["/jobs/process-chunks 3"]);
    Ok(())
}

/// As if no writer had ever woken a job.
pub(crate) async fn forget(db: &Db) -> anyhow::Result<()> {
    let sql = "select setval('baton.woken_' || lock_id, 0) from baton.jobs";
    db.owner.execute(sql, &[]).await?;
    Ok(())
}

/// Commits of writers that notify wait for each other, so of many only some notify.
#[tokio::test]
async fn of_many_writers_a_hundred_a_second_notify() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner.batch_execute(RECORD).await?;
    let write = "do $$
        begin
          for n in 1 .. 1000 loop
            insert into contacts (email) values ('a' || n || '@x.test');
            commit;
          end loop;
        end $$";
    let milliseconds = "select (extract(epoch from clock_timestamp()) * 1000)::bigint";
    let before = db.count(milliseconds).await?;
    db.owner.batch_execute(write).await?;
    let took = db.count(milliseconds).await? - before;
    let notified = i64::try_from(heard(&db).await?.len())?;
    // The first twenty need not wait; the server rounds to milliseconds.
    assert!(
        (20..=20 + took / 10 + 1).contains(&notified),
        "{notified} in {took} ms"
    );
    forget(&db).await?;
    db.add_contacts(&["later@x.test"]).await?;
    assert_eq!(heard(&db).await?, ["/jobs/validate-contacts"]);
    let ahead = "select setval('baton.woken_123456789', extract(epoch from now() + interval '1 year')::bigint * 1000)";
    db.owner.execute(ahead, &[]).await?;
    call(&db.worker().await?, EndDeadAttempts { limit: 10 }).await?;
    db.add_contacts(&["after a wrong clock@x.test"]).await?;
    assert_eq!(
        heard(&db).await?.len(),
        1,
        "a tick forgets the mark of a clock that was ahead"
    );
    Ok(())
}

#[tokio::test]
async fn settling_wakes_the_next_unless_the_caller_goes_on_by_itself() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("trial", 10).await?;
    db.owner.batch_execute(RECORD).await?;
    let worker = db.worker().await?;
    for (trigger, wakes) in [
        (Trigger::Cron, 2),
        (Trigger::Tick, 0),
        (Trigger::Next, 0),
        (Trigger::Wake, 1),
    ] {
        let baton::contract::Claim::Claimed(it) = claim_chunks(&worker, trigger).await? else {
            panic!("chunks are due")
        };
        complete(
            &worker,
            it.attempt_id,
            &[it.chunks[0].id],
            Ending::Completed,
        )
        .await?;
        assert_eq!(heard(&db).await?.len(), wakes, "{trigger:?}");
    }
    Ok(())
}

#[tokio::test]
async fn pg_net_gets_a_body_that_is_signed_as_it_is_sent() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let set = |mode: &str, url: Option<&str>, secret: Option<&str>| SetWake {
        mode: mode.to_owned(),
        url: url.map(str::to_owned),
        secret: secret.map(str::to_owned),
        who: "test".to_owned(),
    };
    for refused in [
        set("pg_net", None, Some(SECRET)),
        set("pg_net", Some("https://app.test"), None),
        set("pg_net", Some("https://app.test"), Some(SECRET)),
    ] {
        let error = call(&db.owner, refused)
            .await
            .expect_err("something is missing");
        assert_eq!(
            error.code().map(|it| it.code()),
            Some(baton::contract::codes::BAD_ARGUMENT)
        );
    }
    db.owner.batch_execute(NET).await?;
    call(
        &db.owner,
        set("pg_net", Some("https://app.test/"), Some(SECRET)),
    )
    .await?;
    db.add_contacts(&["a@x.test"]).await?;
    let row = db
        .owner
        .query_one(
            "select url, body::text, headers, timeout_milliseconds from net.asked",
            &[],
        )
        .await?;
    let (url, body, headers): (String, String, Value) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(
        (url.as_str(), row.get::<_, i32>(3)),
        ("https://app.test/jobs/validate-contacts", 30_000)
    );
    let header = |name: &str| headers[name].as_str().unwrap_or_default().to_owned();
    let timestamp: u64 = header("webhook-timestamp").parse()?;
    let secrets = baton::webhook::secrets(SECRET)?;
    let expected =
        baton::webhook::sign(&secrets, &header("webhook-id"), timestamp, body.as_bytes());
    assert_eq!(header("webhook-signature"), expected);
    Ok(())
}

/// Waking by pg_net goes on by itself: nobody reads the answers of what it posts.
#[tokio::test]
async fn with_pg_net_every_settlement_wakes_the_next() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner.batch_execute(NET).await?;
    db.add_sync("trial", 3).await?;
    db.owner.batch_execute(&format!("update settings set wake = 'pg_net', wake_url = 'https://app.test', wake_secret = '{SECRET}'")).await?;
    let worker = db.worker().await?;
    let asked = async || db.count("select count(*) from net.asked").await;
    for expected in [2, 4, 4] {
        let baton::contract::Claim::Claimed(it) = claim_chunks(&worker, Trigger::Wake).await?
        else {
            panic!("chunks are due")
        };
        complete(
            &worker,
            it.attempt_id,
            &[it.chunks[0].id],
            Ending::Completed,
        )
        .await?;
        assert_eq!(asked().await?, expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_writer_goes_on_when_pg_net_refuses_or_is_gone() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner.batch_execute(NET).await?;
    db.owner.batch_execute(&format!("update settings set wake = 'pg_net', wake_url = 'https://app.test', wake_secret = '{SECRET}'")).await?;
    db.owner.batch_execute("drop function net.http_post; create function net.http_post(url text, body jsonb, params jsonb, headers jsonb, timeout_milliseconds int) returns bigint
        language plpgsql as $$ begin raise exception 'Couldn''t resolve host'; end $$").await?;
    db.add_contacts(&["a@x.test"]).await?;
    db.add_sync("trial", 2).await?;
    db.owner.batch_execute("drop schema net cascade").await?;
    db.add_contacts(&["b@x.test"]).await?;
    let worker = db.worker().await?;
    let (attempt, ids) = take(&worker).await?;
    complete(&worker, attempt, &ids, Ending::Completed).await?;
    assert_eq!(db.count("select count(*) from contacts").await?, 2);
    Ok(())
}

#[tokio::test]
async fn with_none_nobody_is_told() -> anyhow::Result<()> {
    let db = Db::new().await?;
    call(
        &db.owner,
        SetWake {
            mode: "none".to_owned(),
            url: None,
            secret: None,
            who: "test".to_owned(),
        },
    )
    .await?;
    db.owner.batch_execute(RECORD).await?;
    db.add_sync("trial", 3).await?;
    db.add_contacts(&["a@x.test"]).await?;
    assert_eq!(heard(&db).await?, [""; 0]);
    Ok(())
}

/// In the test's copy, what would be notified is written down instead: one session cannot see what another is sent
/// before its own next statement, and here the payloads are what matters.
pub(super) const RECORD: &str = r"
    create table baton.test_heard (n bigint generated always as identity, payload text);
    grant insert on baton.test_heard to public;
    do $do$
    begin
      execute replace(pg_get_functiondef('baton.wake(text)'::regprocedure),
        'perform pg_catalog.pg_notify(''baton_wake'',', 'insert into baton.test_heard (payload) values (');
    end
    $do$;";

pub(super) async fn heard(db: &Db) -> anyhow::Result<Vec<String>> {
    let heard = db
        .list("select payload from baton.test_heard order by n", &[])
        .await?;
    db.owner.batch_execute("truncate baton.test_heard").await?;
    Ok(heard)
}
