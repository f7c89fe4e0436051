//! One private cluster for all tests, a template migrated once, a copy of it for each test.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cluster::Cluster;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::variant::{PLAIN_OWNER, Variant};

/// The password of all roles of components in the test cluster.
const WORKER_PASSWORD: &str = "worker's \\ password";
/// A role of the tests with the rights of all components.
pub(crate) const ALL_COMPONENTS: &str = "test_components";
const TEMPLATE: &str = "baton_template";
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// In the template only, the clock can be stopped: it reads a row that every session sees.
pub(crate) const CLOCK: &str = "
    create table baton.test_clock (at timestamptz);
    insert into baton.test_clock values (null);
    revoke all on baton.test_clock from public, anon, authenticated, service_role;
    create or replace function baton.clock() returns timestamptz
    language sql volatile security definer set search_path = ''
    as $$ select coalesce((select at from baton.test_clock), pg_catalog.clock_timestamp()) $$;
    create function public.test_now() returns timestamptz language sql volatile security definer set search_path = ''
    as $$ select baton.clock() $$;
    grant execute on function public.test_now() to public;
    alter table public.contacts alter created_at set default public.test_now();
    alter table public.assignments alter created_at set default public.test_now();
    alter table public.activities alter occurred_at set default public.test_now();
    alter table public.auto_syncs alter started_at set default public.test_now();";

/// The roles that a platform in front of the database would have made.
const PLATFORM_ROLES: &str = "
    do $$
    declare
      v_role text;
    begin
      foreach v_role in array array['anon', 'authenticated', 'service_role', 'test_components'] loop
        begin
          execute format('create role %I nologin', v_role);
        exception when duplicate_object or unique_violation then
          null;
        end;
      end loop;
    end
    $$;";

/// A database of one test's own.
pub(crate) struct Db {
    pub(crate) name: String,
    /// Logged in as the owner.
    pub(crate) owner: Client,
    pub(crate) port: u16,
    /// For the owner.
    pub(crate) url: String,
    superuser_url: String,
}

impl Db {
    /// A copy of the template, named after the running test.
    pub(crate) async fn new() -> anyhow::Result<Db> {
        let thread = std::thread::current();
        let test = thread
            .name()
            .context("a test runs in a thread with its name")?;
        let plain: String = test
            .chars()
            .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
            .collect();
        let name = format!("t_{}", &plain[plain.len().saturating_sub(60)..]);
        let admin = host::pg::connect(&cluster().await?.owner_url("postgres")).await?;
        admin
            .batch_execute(&format!("drop database if exists {name} with (force)"))
            .await?;
        // Copying needs the template to itself, so tests that start at once take turns.
        admin.execute("select pg_advisory_lock(1)", &[]).await?;
        let copied = admin
            .batch_execute(&format!(
                "create database {name} template {TEMPLATE} owner {}",
                owner_role()?
            ))
            .await;
        admin.execute("select pg_advisory_unlock(1)", &[]).await?;
        copied?;
        admin
            .batch_execute(&format!(
                "alter database {name} set search_path = public, baton_board, baton_api, baton"
            ))
            .await?;
        Db::open(cluster().await?, name).await
    }

    /// A database with nothing in it.
    pub(crate) async fn empty(name: &str) -> anyhow::Result<Db> {
        let admin = host::pg::connect(&cluster().await?.owner_url("postgres")).await?;
        admin
            .batch_execute(&format!("drop database if exists {name} with (force)"))
            .await?;
        admin
            .batch_execute(&format!(
                "create database {name} owner {} template template0",
                owner_role()?
            ))
            .await?;
        Db::open(cluster().await?, name.to_owned()).await
    }

    /// A migrated database with the true clock on a cluster of the test's own, for tests that crash it.
    pub(crate) async fn on(cluster: &Cluster) -> anyhow::Result<Db> {
        make(cluster, "crashing").await?;
        Db::open(cluster, "crashing".to_owned()).await
    }

    /// The same database with a new session, after its server crashed.
    pub(crate) async fn reopen(cluster: &Cluster) -> anyhow::Result<Db> {
        Db::open(cluster, "crashing".to_owned()).await
    }

    async fn open(cluster: &Cluster, name: String) -> anyhow::Result<Db> {
        let url = owner_url(cluster, &name)?;
        let owner = host::pg::connect(&url).await?;
        Ok(Db {
            owner,
            port: cluster.port(),
            url,
            superuser_url: cluster.owner_url(&name),
            name,
        })
    }

    /// A session of a superuser, for what the owner may not do: see what sessions of others wait for, and become any role.
    pub(crate) async fn superuser(&self) -> anyhow::Result<Client> {
        Ok(host::pg::connect(&self.superuser_url).await?)
    }

    /// Another session of the owner.
    pub(crate) async fn session(&self) -> anyhow::Result<Client> {
        Ok(host::pg::connect(&self.url).await?)
    }

    /// A session with the rights of all components together.
    pub(crate) async fn worker(&self) -> anyhow::Result<Client> {
        // A migration after the copy may have made others than those of the template.
        let missing = "select r.role_name from baton.component_roles r
                       where r.component <> 'viewer' and not pg_has_role('test_components', r.role_name, 'member')";
        for role in self.list(missing, &[]).await? {
            let grant = format!("grant {role} to {ALL_COMPONENTS}");
            self.owner.batch_execute(&grant).await?;
        }
        self.session_of(ALL_COMPONENTS).await
    }

    /// A session with the rights of one component, or of `viewer`.
    pub(crate) async fn component(&self, component: &str) -> anyhow::Result<Client> {
        let role = roles(&self.owner).await?.remove(component);
        self.session_of(&role.context("there is such a component")?)
            .await
    }

    /// A session of any role, with the settings that a component asks for when it connects.
    pub(crate) async fn session_of(&self, role: &str) -> anyhow::Result<Client> {
        let client = self.superuser().await?;
        let set = format!(
            "set default_transaction_isolation = 'read committed'; set timezone = 'UTC'; set session authorization {role}"
        );
        client.batch_execute(&set).await?;
        Ok(client)
    }

    /// Names and passwords of the roles with which components log in.
    pub(crate) async fn logins(&self) -> anyhow::Result<Vec<(String, &'static str)>> {
        let roles = roles(&self.owner).await?.into_values();
        Ok(roles.map(|it| (it, WORKER_PASSWORD)).collect())
    }

    /// Lets the component of a job log in that the test made. A copy has the template's roles, so its role gets a login
    /// with their prefix.
    pub(crate) async fn let_log_in(&self, component: &str) -> anyhow::Result<()> {
        let roles = roles(&self.owner).await?;
        let role = roles.get(component).context("the job has a role")?;
        let scheduler = roles.get("scheduler").context("it has a role")?;
        let prefix = scheduler.strip_suffix("scheduler").context("by its name")?;
        let login = format!("{prefix}{}", component.replace('-', "_"));
        let superuser = self.superuser().await?;
        let make = format!(
            "do $$ begin create role {login} nologin; exception when duplicate_object or unique_violation then null; end $$"
        );
        superuser.batch_execute(&make).await?;
        // Roles belong to the server, and tests that start at once change the same one.
        static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _turn = TURN.lock().await;
        schema::set_login(&superuser, &login, WORKER_PASSWORD).await?;
        let grant = format!("grant {role} to {login}");
        Ok(superuser.batch_execute(&grant).await?)
    }

    /// The variables of the application with which components log in.
    pub(crate) async fn login_variables(&self) -> anyhow::Result<Vec<(String, String)>> {
        let roles = roles(&self.owner).await?;
        let scheduler = roles.get("scheduler").context("it has a role")?;
        let prefix = scheduler
            .strip_suffix("_scheduler")
            .context("by its name")?;
        let mut variables = vec![("pg_role".to_owned(), prefix.to_owned())];
        for component in roles.keys().filter(|it| *it != "viewer") {
            let name = format!("pg_password_{}", component.replace('-', "_"));
            variables.push((name, baton::database::escaped(WORKER_PASSWORD)));
        }
        Ok(variables)
    }

    /// Stops the clock, at the present time.
    pub(crate) async fn freeze(&self) -> anyhow::Result<()> {
        Ok(self
            .owner
            .batch_execute("update baton.test_clock set at = clock_timestamp()")
            .await?)
    }

    /// Stops the clock at a moment.
    pub(crate) async fn freeze_at(&self, at: &str) -> anyhow::Result<()> {
        let sql = format!("update baton.test_clock set at = '{at}'");
        Ok(self.owner.batch_execute(&sql).await?)
    }

    /// Moves a stopped clock by an interval.
    pub(crate) async fn advance(&self, by: &str) -> anyhow::Result<()> {
        Ok(self
            .owner
            .batch_execute(&format!(
                "update baton.test_clock set at = at + interval '{by}'"
            ))
            .await?)
    }

    /// Sets settings of the validation, as an operator.
    pub(crate) async fn configure(&self, changes: Value) -> anyhow::Result<()> {
        self.configure_job("validate-contacts", changes).await
    }

    /// Sets settings of a job, as an operator.
    pub(crate) async fn configure_job(&self, job: &str, changes: Value) -> anyhow::Result<()> {
        let sql = "select baton_api.configure_job($1, $2, 'test')";
        self.owner.execute(sql, &[&job, &changes]).await?;
        Ok(())
    }

    /// Sets settings of the whole deployment, as an operator.
    pub(crate) async fn configure_settings(&self, changes: Value) -> anyhow::Result<()> {
        let sql = "select baton_api.configure_settings($1, 'test')";
        self.owner.execute(sql, &[&changes]).await?;
        Ok(())
    }

    /// Adds `n` assignments that are due for a reminder, of mentors with phones.
    pub(crate) async fn add_assignments(&self, n: i32) -> anyhow::Result<()> {
        let sql = "insert into assignments (peer_mentor_name, peer_mentor_phone, created_at)
                   select 'Mentor ' || g, '+4179' || 1000000 + g, baton.clock() - interval '8 days' from generate_series(1, $1::int) g";
        self.owner.execute(sql, &[&n]).await?;
        Ok(())
    }

    /// Starts an auto-sync with a crew of `n` members with phones, started so long ago. Its key.
    pub(crate) async fn add_auto_sync(&self, n: i32, ago: &str) -> anyhow::Result<Uuid> {
        let sql = format!(
            "with crew as (
               insert into crews (name) values ('Crew') returning id
             ), members as (
               insert into crew_members (crew_id, user_id, name, phone)
               select c.id, gen_random_uuid(), 'Member ' || g, '+4178' || 1000000 + g from crew c, generate_series(1, $1::int) g
             )
             insert into auto_syncs (organizer_id, crew_id, event_name, started_at)
             select gen_random_uuid(), c.id, 'Test Event', baton.clock() - interval '{ago}' from crew c
             returning id"
        );
        Ok(self.owner.query_one(&sql, &[&n]).await?.get(0))
    }

    /// Starts a sync of a source without anything behind it, with `n` chunks that do nothing.
    pub(crate) async fn add_sync(&self, source: &str, n: i32) -> anyhow::Result<Uuid> {
        let save = "select baton_api.save_source($1, 'noop', '', null, null, '{\"max_parallel\": 64}', 'test')";
        self.owner.execute(save, &[&source]).await?;
        // At once, because a host that listens would be through with the first chunk before the others are there.
        self.owner.batch_execute("begin").await?;
        let start = "select (baton_api.start_sync($1, true, 'test')->>'sync_job_id')::uuid";
        let sync_job: Uuid = self.owner.query_one(start, &[&source]).await?.get(0);
        let work = vec![serde_json::json!({ "do": "noop" }); usize::try_from(n - 1)?];
        let enqueue = "select baton_api.enqueue_chunks($1, $2)";
        self.owner
            .execute(enqueue, &[&sync_job, &Value::Array(work)])
            .await?;
        self.owner.batch_execute("commit").await?;
        Ok(sync_job)
    }

    /// Adds a source of JSON pages without credentials and starts its first sync.
    pub(crate) async fn sync_pages(
        &self,
        source: &str,
        url: &str,
        settings: Value,
    ) -> anyhow::Result<Uuid> {
        let save = "select baton_api.save_source($1, 'json', $2, null, null, $3, 'test')";
        self.owner
            .execute(save, &[&source, &url, &settings])
            .await?;
        let start = "select (baton_api.start_sync($1, true, 'test')->>'sync_job_id')::uuid";
        Ok(self.owner.query_one(start, &[&source]).await?.get(0))
    }

    /// Sets how the database wakes jobs: `listen` or `none`.
    pub(crate) async fn set_wake(&self, mode: &str) -> anyhow::Result<()> {
        let sql = "select baton_api.set_wake($1, null, null, 'test')";
        self.owner.execute(sql, &[&mode]).await?;
        Ok(())
    }

    /// Ends sessions of other clients of this database as a crash of theirs would; `which` is a condition on
    /// `pg_stat_activity`. How many.
    pub(crate) async fn end_sessions(&self, which: &str) -> anyhow::Result<i64> {
        self.look(&format!(
            "select count(*) filter (where pg_terminate_backend(pid)) from (
               select pid from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid() and {which}) s"
        ))
        .await
    }

    /// How many sessions of this database meet a condition on `pg_stat_activity`.
    pub(crate) async fn sessions(&self, which: &str) -> anyhow::Result<i64> {
        self.look(&format!(
            "select count(*) from pg_stat_activity where datname = current_database() and {which}"
        ))
        .await
    }

    /// The one number of a query about sessions of others, which an owner does not see.
    async fn look(&self, sql: &str) -> anyhow::Result<i64> {
        Ok(self.superuser().await?.query_one(sql, &[]).await?.get(0))
    }

    /// Adds contacts with these addresses.
    pub(crate) async fn add_contacts(&self, emails: &[&str]) -> anyhow::Result<()> {
        self.owner
            .execute(
                "insert into contacts (email) select unnest($1::text[])",
                &[&emails],
            )
            .await?;
        Ok(())
    }

    /// Adds `n` contacts of ten domains.
    pub(crate) async fn add_many_contacts(&self, n: i32) -> anyhow::Result<()> {
        let sql = "insert into contacts (email) select 'user' || g || '@d000' || g % 10 || '.test' from generate_series(1, $1::int) g";
        self.owner.execute(sql, &[&n]).await?;
        Ok(())
    }

    /// The one value of a query, as text.
    pub(crate) async fn text(&self, sql: &str) -> anyhow::Result<Option<String>> {
        let row = self
            .owner
            .query_one(&format!("select ({sql})::text"), &[])
            .await?;
        Ok(row.get(0))
    }

    /// The one number of a query.
    pub(crate) async fn count(&self, sql: &str) -> anyhow::Result<i64> {
        Ok(self
            .owner
            .query_one(&format!("select ({sql})::bigint"), &[])
            .await
            .context(sql.to_owned())?
            .get(0))
    }

    /// The first column of a query, sorted by the query.
    pub(crate) async fn list(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> anyhow::Result<Vec<String>> {
        let rows = self.owner.query(sql, params).await?;
        Ok(rows.iter().map(|it| it.get(0)).collect())
    }

    /// How many runs of each status and reason the log has.
    pub(crate) async fn runs(&self) -> anyhow::Result<BTreeMap<String, i64>> {
        let sql = "select concat_ws(' ', status, reason), count(*) from baton.runs group by 1";
        let rows = self.owner.query(sql, &[]).await?;
        Ok(rows.iter().map(|it| (it.get(0), it.get(1))).collect())
    }

    /// Notes every settled verdict from now on; [`Db::settled_twice`] reads them.
    pub(crate) async fn watch_verdicts(&self) -> anyhow::Result<()> {
        let sql = "
            create table baton.test_verdicts (contact text, cycle uuid);
            create function baton.test_note() returns trigger language plpgsql security definer as $$
            begin
              insert into baton.test_verdicts values (new.id::text, new.email_validation_cycle_id);
              return null;
            end $$;
            create trigger t99_note after update of external_heartbeat_checked_at on public.contacts
            for each row execute function baton.test_note();";
        Ok(self.owner.batch_execute(sql).await?)
    }

    /// Contacts that got more than one verdict in one cycle.
    pub(crate) async fn settled_twice(&self) -> anyhow::Result<i64> {
        let sql = "select count(*) from (select 1 from baton.test_verdicts group by contact, cycle having count(*) > 1) d";
        self.count(sql).await
    }

    /// Sessions of components that stand inside a transaction, and advisory locks, of this database.
    pub(crate) async fn left_behind(&self) -> anyhow::Result<i64> {
        let sql = "select (select count(*) from pg_stat_activity
                           where datname = current_database() and state like 'idle in transaction%')
                        + (select count(*) from pg_locks where locktype = 'advisory'
                           and database = (select oid from pg_database where datname = current_database()))";
        self.look(sql).await
    }
}

/// The roles of a database's components by component.
pub(crate) async fn roles(owner: &Client) -> anyhow::Result<BTreeMap<String, String>> {
    let sql = "select component, role_name from baton.component_roles";
    let rows = owner.query(sql, &[]).await?;
    Ok(rows.iter().map(|it| (it.get(0), it.get(1))).collect())
}

async fn let_components_log_in(owner: &Client) -> anyhow::Result<()> {
    for (component, role) in roles(owner).await? {
        schema::set_login(owner, &role, WORKER_PASSWORD).await?;
        if component != "viewer" {
            let grant = format!("grant {role} to {ALL_COMPONENTS}");
            owner.batch_execute(&grant).await?;
        }
    }
    Ok(())
}

/// The role that databases belong to.
fn owner_role() -> anyhow::Result<&'static str> {
    let plain = Variant::read()?.plain_owner;
    Ok(if plain { PLAIN_OWNER } else { "postgres" })
}

fn owner_url(cluster: &Cluster, database: &str) -> anyhow::Result<String> {
    let port = cluster.port();
    Ok(match owner_role()? {
        PLAIN_OWNER => format!(
            "postgres://{PLAIN_OWNER}:{PLAIN_OWNER}@127.0.0.1:{port}/{database}?sslmode=disable"
        ),
        _ => cluster.owner_url(database),
    })
}

/// Makes a database, migrates it and lets components log in. A session of its owner.
async fn make(cluster: &Cluster, database: &str) -> anyhow::Result<Client> {
    let variant = Variant::read()?;
    let admin = host::pg::connect(&cluster.owner_url("postgres")).await?;
    admin.batch_execute(PLATFORM_ROLES).await?;
    if variant.plain_owner {
        // The last line is a device of the tests, who log in as all components at once.
        admin
            .batch_execute(&format!(
                "do $$ begin create role {PLAIN_OWNER} login createrole password '{PLAIN_OWNER}';
                 exception when duplicate_object then null; end $$;
                 grant {ALL_COMPONENTS} to {PLAIN_OWNER} with admin option"
            ))
            .await?;
    }
    admin
        .batch_execute(&format!(
            "create database {database} owner {}",
            owner_role()?
        ))
        .await?;
    let mut owner = host::pg::connect(&owner_url(cluster, database)?).await?;
    owner.batch_execute(variant.before_migrating).await?;
    schema::migrate(&mut owner).await?;
    let_components_log_in(&owner).await?;
    Ok(owner)
}

/// The cluster of all tests. It goes on after them, so that the next run need not make it again.
pub(crate) async fn cluster() -> anyhow::Result<&'static Cluster> {
    CLUSTER
        .get_or_try_init(|| async {
            let variant = Variant::read()?;
            // Nothing here outlives the tests, so nothing waits for the disk.
            let options = variant.options(&[("fsync", "off"), ("max_connections", "400")])?;
            let cluster = Cluster::start(&variant.folder(), options).await?;
            let admin = host::pg::connect(&cluster.owner_url("postgres")).await?;
            admin
                .batch_execute(&format!("drop database if exists {TEMPLATE} with (force)"))
                .await?;
            let owner = make(&cluster, TEMPLATE).await?;
            owner.batch_execute(CLOCK).await?;
            // A test's copy is a database that is migrated for the first time, not one that was moved.
            owner
                .batch_execute("update baton.known_database set database_oid = null, server = null")
                .await?;
            Ok(cluster)
        })
        .await
}
