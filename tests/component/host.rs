//! Our host does what Spin does with PostgreSQL, the dangerous parts included, or the other tests would prove nothing about Spin.

use host::{Config, Running};
use serde_json::{Value, json};

use crate::support::db::Db;
use crate::support::http::Http;

#[tokio::test]
async fn it_reads_what_spin_reads_and_refuses_what_spin_refuses() -> anyhow::Result<()> {
    let (probe, _db) = probe().await?;
    for (sql, expected) in [
        ("select 'a'::text", "Str(\"a\")"),
        ("select 1::int", "Int32(1)"),
        ("select 1::bigint", "Int64(1)"),
        ("select true", "Boolean(true)"),
        ("select null::int", "DbNull"),
        ("select '{\"a\": 1}'::jsonb", "Jsonb("),
        (
            "select '00000000-0000-0000-0000-000000000001'::uuid",
            "Uuid(\"00000000-",
        ),
        ("select array['a', null]", "ArrayStr([Some(\"a\"), None])"),
        ("select array[1]::bigint[]", "ArrayInt64([Some(1)])"),
        ("select '{}'::json", "unsupported"),
        ("select array[gen_random_uuid()]", "unsupported"),
        ("select row(1, 2)", "unsupported"),
        ("select now()", "WrongType"),
    ] {
        let shown = probe.ask(&[sql], None).await?;
        assert!(shown.contains(expected), "{sql} shows {shown}");
    }
    Ok(())
}

#[tokio::test]
async fn a_parameter_of_the_wrong_type_is_refused_and_a_cast_of_text_is_not() -> anyhow::Result<()>
{
    let (probe, _db) = probe().await?;
    let moment = Some("2026-01-01T00:00:00Z");
    let refused = probe
        .ask(&["select $1::timestamptz is null"], moment)
        .await?;
    assert!(
        refused.contains("ToSql(0)") && refused.contains("WrongType"),
        "{refused}"
    );
    let cast = probe
        .ask(&["select ($1::text)::timestamptz is null"], moment)
        .await?;
    assert_eq!(cast, "DbValue::Boolean(false)");
    Ok(())
}

#[tokio::test]
async fn an_error_of_the_database_comes_with_its_code_and_constraint() -> anyhow::Result<()> {
    let (probe, _db) = probe().await?;
    let shown = probe
        .ask(
            &[
                "create temp table t (x int constraint x_is_small check (x < 3))",
                "insert into t values (5) returning x",
            ],
            None,
        )
        .await?;
    assert!(
        shown.contains("23514") && shown.contains("x_is_small"),
        "{shown}"
    );
    Ok(())
}

/// Why no component of ours opens a transaction: the next stranger is inside their transaction.
#[tokio::test]
async fn an_abandoned_transaction_is_inherited_by_the_next_request() -> anyhow::Result<()> {
    let (probe, db) = probe().await?;
    db.owner
        .batch_execute("create table public.half_done (x int)")
        .await?;
    probe
        .ask(
            &[
                "begin",
                "insert into public.half_done values (1) returning x",
            ],
            None,
        )
        .await?;
    assert_eq!(db.count("select count(*) from public.half_done").await?, 0);
    assert_eq!(
        db.left_behind().await?,
        1,
        "the connection lies in the pool inside its transaction"
    );
    probe.ask(&["commit"], None).await?;
    assert_eq!(
        db.count("select count(*) from public.half_done").await?,
        1,
        "a stranger has committed it"
    );
    Ok(())
}

#[tokio::test]
async fn a_session_lock_is_held_until_the_connection_is_used_again() -> anyhow::Result<()> {
    let (probe, db) = probe().await?;
    probe
        .ask(&["select pg_try_advisory_lock(42)"], None)
        .await?;
    assert_eq!(db.left_behind().await?, 1);
    probe.ask(&["select 1"], None).await?;
    assert_eq!(db.left_behind().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_database_that_the_manifest_does_not_name_is_refused() -> anyhow::Result<()> {
    let (mut probe, _db) = probe().await?;
    probe.database = "host=127.0.0.1 port=1 user=postgres".to_owned();
    let shown = probe.ask(&["select 1"], None).await?;
    assert!(shown.contains("not permitted"), "{shown}");
    Ok(())
}

struct Probe {
    running: Running,
    http: Http,
    database: String,
}

/// The probe on our host, and a database for it.
async fn probe() -> anyhow::Result<(Probe, Db)> {
    let db = Db::new().await?;
    let manifest = crate::support::home().join("tests/probe/spin.toml");
    let mut config = Config::new(manifest, ([127, 0, 0, 1], 0).into());
    config
        .variables
        .insert("pg_port".to_owned(), db.port.to_string());
    let running = host::start(config).await?;
    let database = db.url.clone();
    Ok((
        Probe {
            running,
            http: Http::new(),
            database,
        },
        db,
    ))
}

impl Probe {
    async fn ask(&self, statements: &[&str], parameter: Option<&str>) -> anyhow::Result<String> {
        let body =
            json!({ "database": self.database, "statements": statements, "parameter": parameter });
        let url = format!("http://{}/", self.running.local_addr());
        let (_, answer) = self.http.send("POST", &url, "", &body.to_string()).await?;
        Ok(match answer {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }
}
