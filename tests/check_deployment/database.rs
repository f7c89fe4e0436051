//! The deployment's database, as its owner: what is looked at, what is changed for the checks, and what is set back.

use std::cell::OnceCell;

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::advice;

/// The mark of every row and change of the checks.
pub(crate) const MARK: &str = "check-deployment";

/// Settings for the checks: one at a time, without limits and delays, so that a call decides what happens.
fn job_settings() -> [(&'static str, Value); 4] {
    let messages = json!({ "rate_per_minute": null, "batch_size": 100 });
    [
        (
            "validate-contacts",
            json!({ "rate_per_minute": null, "batch_size": 50, "mode": "self_adaptive", "restart_delay_seconds": 0 }),
        ),
        (
            "process-chunks",
            json!({ "rate_per_minute": null, "batch_size": 1, "max_parallel": 8 }),
        ),
        ("follow-up-reminders", messages.clone()),
        ("auto-sync-jobs", messages),
    ]
}

/// The same for the whole deployment: a message goes out at any hour.
fn settings() -> Value {
    json!({ "quiet_from": "00:00", "quiet_until": "00:00", "daily_cap": 1000 })
}

/// Rows with our mark, in an order in which they can go, and what else a failed check leaves: a pause, and the wait for
/// a provider, which is a stand-in. A message that waits must not go out after the checks.
const CLEAN: &str = "
    select baton_api.remove_source(s.name, 'check-deployment') from baton.sources s where s.name like 'check-deployment-%';
    delete from public.synced_emails where source like 'check-deployment-%';
    delete from baton.messages where subject_id in (
      select id::text from public.assignments where contact_name = 'check-deployment'
      union all select id::text from public.auto_syncs where event_name = 'check-deployment');
    delete from public.assignments where contact_name = 'check-deployment';
    delete from public.crews where name = 'check-deployment';
    delete from public.contacts where email like 'check-deployment-%';
    delete from baton.opt_outs where address like '+120155501__';
    delete from baton.inbound_messages where provider_id like 'SMffffffffffffffff%';
    delete from baton.slots where job = 'follow-up-reminders' and status = 'planned' and due_at < now() and due_at <> date_trunc('minute', due_at);
    update baton.channels set blocked_until = null, blocked_reason = null;
    select baton_api.resume_job(j.name, 'check-deployment') from baton.jobs j where j.paused_by = 'check-deployment'";

/// What a refused request must leave as it is.
const TRACES: &str = "
    select jsonb_build_object(
      'runs', (select count(*) from baton.runs), 'attempts', (select count(*) from baton.attempts),
      'cycles', (select count(*) from baton.cycles), 'events', (select count(*) from baton.events),
      'messages', (select md5(coalesce(string_agg(m::text, ',' order by m.id), '')) from baton.messages m),
      'opt-outs', (select count(*) from baton.opt_outs), 'sync jobs', (select count(*) from baton.sync_jobs),
      'jobs', (select md5(string_agg(j::text, ',' order by j.name)) from baton.jobs j),
      'contacts', (select md5(coalesce(string_agg(c::text, ',' order by c.id), '')) from public.contacts c where c.email like 'check-deployment-%'),
      'assignments', (select md5(coalesce(string_agg(a::text, ',' order by a.id), '')) from public.assignments a where a.contact_name = 'check-deployment'))";

/// What sessions of others hold in this database. A transaction shows by its virtual id to everybody, while its state
/// shows to superusers only.
const HELD: &str = "
    select coalesce(string_agg(distinct concat_ws(' ', case l.locktype when 'advisory' then 'an advisory lock' else 'an open transaction' end,
      'of', a.usename, nullif('(' || a.state || ')', '()')), ', '), '')
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where a.datname = current_database() and a.pid <> pg_backend_pid() and a.usename is not null
      and l.locktype in ('advisory', 'virtualxid')";

/// What was set before the checks.
struct Before {
    jobs: Vec<(&'static str, Value)>,
    settings: Value,
    wake: String,
}

/// A session of the owner.
pub(crate) struct Database {
    pub(crate) client: Client,
    pub(crate) name: String,
    before: OnceCell<Before>,
}

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Database {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Database> {
        let client = host::pg::connect(url).await.map_err(advice::with(
            "the database cannot be reached",
            "set DATABASE_URL to the connection string of the owner of the deployment's database",
        ))?;
        let sql = "select current_database()::text, to_regclass('baton.settings') is not null";
        let row = client.query_one(sql, &[]).await?;
        let name: String = row.get(0);
        if !row.get::<_, bool>(1) {
            return Err(advice::error(
                format!("the database `{name}` has no tables of Baton"),
                "run `scripts/baton migrate` with the same DATABASE_URL",
            ));
        }
        Ok(Database {
            client,
            name,
            before: OnceCell::new(),
        })
    }

    /// Kinds and numbers of rows that the checks did not make.
    pub(crate) async fn foreign_rows(&self) -> anyhow::Result<Vec<String>> {
        let sql = "
            select n || ' ' || what from (values
              ('contacts', (select count(*) from public.contacts where coalesce(email, '') not like 'check-deployment-%')),
              ('assignments', (select count(*) from public.assignments where contact_name is distinct from 'check-deployment')),
              ('auto-syncs', (select count(*) from public.auto_syncs where event_name is distinct from 'check-deployment')),
              ('sources', (select count(*) from baton.sources where name not like 'check-deployment-%'))) as v(what, n)
            where n > 0";
        self.list(sql, &[]).await
    }

    /// Changes settings for the checks and remembers them as they were; deletes what an interrupted run left.
    pub(crate) async fn prepare(&self) -> anyhow::Result<()> {
        let mut jobs = Vec::new();
        for (job, wanted) in job_settings() {
            let sql = "select to_jsonb(j) from baton.jobs j where j.name = $1";
            let row = self.client.query_opt(sql, &[&job]).await?;
            let row = row.with_context(|| format!("the database has no job {job}"))?;
            jobs.push((job, same_keys(&row.get(0), &wanted)));
        }
        let sql = "select to_jsonb(s), s.wake from baton.settings s";
        let row = self.client.query_one(sql, &[]).await?;
        let before = Before {
            jobs,
            settings: same_keys(&row.get(0), &settings()),
            wake: row.get(1),
        };
        self.all_or_nothing(async || {
            self.apply(&job_settings(), &settings(), "none").await?;
            self.clean().await
        })
        .await?;
        // It is empty, because this runs once.
        let _ = self.before.set(before);
        Ok(())
    }

    /// Sets back what [`Database::prepare`] changed, and deletes the rows of the checks.
    pub(crate) async fn restore(&self) -> anyhow::Result<()> {
        let Some(before) = self.before.get() else {
            return Ok(());
        };
        self.all_or_nothing(async || {
            self.clean().await?;
            self.apply(&before.jobs, &before.settings, &before.wake)
                .await
        })
        .await
    }

    async fn apply(
        &self,
        jobs: &[(&'static str, Value)],
        settings: &Value,
        wake: &str,
    ) -> anyhow::Result<()> {
        let sql = "select baton_api.set_wake($1, null, null, $2)";
        self.client.execute(sql, &[&wake, &MARK]).await?;
        for (job, changes) in jobs {
            let sql = "select baton_api.configure_job($1, $2, $3)";
            self.client.execute(sql, &[job, changes, &MARK]).await?;
        }
        let sql = "select baton_api.configure_settings($1, $2)";
        self.client.execute(sql, &[settings, &MARK]).await?;
        Ok(())
    }

    async fn all_or_nothing(
        &self,
        work: impl AsyncFnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        // A check that was broken off may have left a transaction.
        self.client.batch_execute("rollback; begin").await?;
        let done = work().await;
        let end = if done.is_ok() { "commit" } else { "rollback" };
        self.client.batch_execute(end).await?;
        done
    }

    /// The one value of a query, as text.
    pub(crate) async fn text(&self, sql: &str, params: Params<'_>) -> anyhow::Result<String> {
        let row = self.client.query_one(sql, params).await?;
        Ok(row.get::<_, Option<String>>(0).unwrap_or_default())
    }

    /// The one number of a query.
    pub(crate) async fn count(&self, sql: &str, params: Params<'_>) -> anyhow::Result<i64> {
        Ok(self.client.query_one(sql, params).await?.get(0))
    }

    /// The first column of a query.
    pub(crate) async fn list(&self, sql: &str, params: Params<'_>) -> anyhow::Result<Vec<String>> {
        let rows = self.client.query(sql, params).await?;
        Ok(rows.iter().map(|it| it.get(0)).collect())
    }

    /// Seconds since 1970.
    pub(crate) async fn now(&self) -> anyhow::Result<u64> {
        let sql = "select floor(extract(epoch from clock_timestamp()))::bigint";
        Ok(u64::try_from(self.count(sql, &[]).await?)?)
    }

    /// What a refused request must leave as it is.
    pub(crate) async fn traces(&self) -> anyhow::Result<Value> {
        Ok(self.client.query_one(TRACES, &[]).await?.get(0))
    }

    /// Open transactions and advisory locks of others; empty when there are none.
    pub(crate) async fn held(&self) -> anyhow::Result<String> {
        self.text(HELD, &[]).await
    }

    /// Now, for [`Database::triggers_since`].
    pub(crate) async fn moment(&self) -> anyhow::Result<String> {
        self.text("select clock_timestamp()::text", &[]).await
    }

    /// By which triggers of their own ticks, wakes and crons ran jobs.
    pub(crate) async fn triggers_since(&self, moment: &str) -> anyhow::Result<Vec<String>> {
        let sql = "select trigger from baton.attempts where claimed_at >= ($1::text)::timestamptz and trigger in ('tick', 'next', 'wake', 'cron')
                   union select trigger from baton.runs where started_at >= ($1::text)::timestamptz and trigger in ('tick', 'next', 'wake', 'cron')";
        self.list(sql, &[&moment]).await
    }

    /// Deletes the rows of the checks.
    pub(crate) async fn clean(&self) -> anyhow::Result<()> {
        Ok(self.client.batch_execute(CLEAN).await?)
    }

    /// The last line of the log of runs.
    pub(crate) async fn last_run(&self) -> anyhow::Result<i64> {
        self.count("select coalesce(max(id), 0) from baton.runs", &[])
            .await
    }

    /// Lines of the log of runs after one, of a job, with this status and reason.
    pub(crate) async fn runs_since(
        &self,
        last: i64,
        job: &str,
        status: &str,
        reason: &str,
    ) -> anyhow::Result<i64> {
        let sql = "select count(*) from baton.runs where id > $1 and job = $2 and status = $3 and reason = $4";
        self.count(sql, &[&last, &job, &status, &reason]).await
    }
}

/// The values that `row` has for the keys of `like`.
fn same_keys(row: &Value, like: &Value) -> Value {
    let keys = like.as_object().into_iter().flat_map(Map::keys);
    Value::Object(keys.map(|it| (it.clone(), row[it].clone())).collect())
}
