use std::time::Duration;

use anyhow::Result;
use baton::database::Tls;
use driver::http::Http;
use serde::{Deserialize, Serialize};
use stack::database::{Address, Database, connect};
use stack::running::Announcement;
use stack::{context::Context, home::Home, roles};
use terminal::{advice, output};
use tokio_postgres::Client;
use validate_contacts::doh::{RecordKind, query};

use crate::{board, deployment};

/// How long a resolver may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    verdict: Verdict,
    found: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Broken,
}

/// Looks at everything, and fails when something is broken.
pub(crate) async fn run(args: deployment::Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let mut checks = vec![check_manifest(&home)];
    let mut check = |what, verdict, found: String| {
        checks.push(Check {
            what,
            verdict,
            found,
        })
    };
    match home.check_components() {
        Ok(()) => check(
            "components",
            Verdict::Ok,
            "all of spin.toml are built".to_owned(),
        ),
        Err(error) => check(
            "components",
            Verdict::Broken,
            format!("{error:#}; build them with scripts/build-components"),
        ),
    }
    match Database::look(context, &home, async |database| {
        look_inside(&home, database).await
    })
    .await
    {
        Ok(found) => found
            .into_iter()
            .for_each(|it| check(it.what, it.verdict, it.found)),
        Err(error) => check("database", Verdict::Broken, advice::chain(&error)),
    }
    for url in resolvers(&home)? {
        match asked(&url).await {
            Ok(()) => check("resolver", Verdict::Ok, format!("{url} answers")),
            Err(error) => check(
                "resolver",
                Verdict::Warning,
                format!(
                    "{url} does not answer: {}; without a resolver verdicts are unknown",
                    advice::chain(&error)
                ),
            ),
        }
    }
    let other = match &context.common.database_url {
        Some(url) => args.other_database(&home, &Address::parse(url)?.to_string()),
        None => None,
    };
    match args.health(&home).await {
        Some(health) if let Some(other) = other => check(
            "deployment",
            Verdict::Warning,
            format!(
                "the host of this folder, {}, was started with the database {other}, not with this one: unset DATABASE_URL to check it",
                health.url
            ),
        ),
        Some(health) if health.answers => {
            let (verdict, found) = match args.accepts_key(&home, &health.url).await {
                Ok(true) => (Verdict::Ok, "answers, and accepts the service key".to_owned()),
                Ok(false) => (
                    Verdict::Broken,
                    "answers, and refuses the service key; give it with --key-file or in BATON_SERVICE_KEY".to_owned(),
                ),
                Err(error) => (
                    Verdict::Warning,
                    format!("answers; the service key was not tried: {}", advice::chain(&error)),
                ),
            };
            check("deployment", verdict, format!("{} {found}", health.url));
        }
        Some(health) => check(
            "deployment",
            Verdict::Broken,
            format!(
                "{} does not answer: {}",
                health.url,
                health.error.unwrap_or_default()
            ),
        ),
        None => check(
            "deployment",
            Verdict::Ok,
            "not asked: no `baton up` runs in this folder, and --url names none".to_owned(),
        ),
    }
    context.output.result(&checks, || {
        let rows = checks.iter().map(|it| {
            let verdict = match it.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "warning",
                Verdict::Broken => "FAILED",
            };
            [it.what.to_owned(), verdict.to_owned(), it.found.clone()]
        });
        output::table(["CHECK", "", "FOUND"], rows)
    })?;
    match checks
        .iter()
        .filter(|it| it.verdict == Verdict::Broken)
        .count()
    {
        0 => Ok(()),
        n => Err(advice::error(
            format!("{} failed", output::counted(n as u64, "check")),
            "fix the checks marked FAILED",
        )),
    }
}

/// Whether Spin and the built-in host take `spin.toml`.
fn check_manifest(home: &Home) -> Check {
    let (verdict, found) = match host::check_manifest(&home.manifest()) {
        Ok(()) => (Verdict::Ok, "spin.toml follows Spin's rules".to_owned()),
        Err(error) => (Verdict::Broken, error.to_string()),
    };
    Check {
        what: "manifest",
        verdict,
        found,
    }
}

async fn look_inside(home: &Home, database: &Database) -> Result<Vec<Check>> {
    let client = database.connect().await?;
    let version: i32 = client
        .query_one("select current_setting('server_version_num')::int", &[])
        .await?
        .get(0);
    let major = version / 10_000;
    let verdict = if major >= 15 {
        Verdict::Ok
    } else {
        Verdict::Broken
    };
    let mut checks = vec![Check {
        what: "database",
        verdict,
        found: format!("{}, PostgreSQL {major}", database.address()),
    }];
    checks.push(protection(database.address()));
    let board = match board::read(&client).await {
        Ok(board) => board,
        Err(error) => {
            checks.push(Check {
                what: "schema",
                verdict: Verdict::Broken,
                found: format!("{}; run `baton migrate`", advice::chain(&error)),
            });
            return Ok(checks);
        }
    };
    checks.push(Check {
        what: "schema",
        verdict: Verdict::Ok,
        found: "is there".to_owned(),
    });
    checks.extend(lost_by_moving(&client).await?);
    checks.extend(roles_log_in(home, database, &client).await?);
    checks.push(connections(database, &client).await?);
    checks.push(lent_rights(&client, major).await?);
    checks.push(never_due(&client).await?);
    checks.extend(board.refused_callbacks.iter().map(|it| Check {
        what: "callbacks",
        verdict: Verdict::Warning,
        found: it.in_words(&board.now),
    }));
    Ok(checks)
}

/// What a copied, restored or renamed database lacks.
async fn lost_by_moving(client: &Client) -> Result<Option<Check>> {
    let lost: Vec<String> = client
        .query_one("select baton_api.lost_by_moving()", &[])
        .await?
        .get(0);
    Ok((!lost.is_empty()).then(|| Check {
        what: "move",
        verdict: Verdict::Broken,
        found: format!(
            "this database was copied, restored or renamed, and lacks {}; run `baton migrate`",
            lost.join("; ")
        ),
    }))
}

/// Whose rights the triggers on tables of the application get when Baton writes these tables.
async fn lent_rights(client: &Client, major: i32) -> Result<Check> {
    let sql = "select r.rolname::text, r.rolsuper, r.rolcreaterole from pg_proc p join pg_roles r on r.oid = p.proowner
               where p.prosecdef and p.pronamespace::regnamespace::text in ('baton', 'baton_api', 'baton_board')
               group by 1, 2, 3 order by r.rolsuper desc, r.rolcreaterole desc limit 1";
    let (mut verdict, mut found) = (Verdict::Ok, "no functions".to_owned());
    if let Some(row) = client.query_opt(sql, &[]).await? {
        let (role, superuser, creates): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
        // Before PostgreSQL 16, such a role can give itself nearly every right.
        (verdict, found) = match (superuser, creates && major < 16) {
            (true, _) => (
                Verdict::Warning,
                format!(
                    "triggers on your tables run with the rights of {role}, a superuser, when Baton writes there; run `baton migrate`"
                ),
            ),
            (false, true) => (
                Verdict::Warning,
                format!(
                    "triggers on your tables run with the rights of {role}, which may create roles, when Baton writes there; \
                     after migrating, let an administrator run: alter role \"{role}\" nocreaterole"
                ),
            ),
            (false, false) => (
                Verdict::Ok,
                format!("functions run with the rights of {role}, which is no superuser"),
            ),
        };
    }
    Ok(Check {
        what: "rights",
        verdict,
        found,
    })
}

/// Rows that no job will ever find due. What cannot be counted in ten seconds is not.
async fn never_due(client: &Client) -> Result<Check> {
    #[derive(Deserialize)]
    struct Rows {
        table: String,
        rows: u32,
        why: String,
        remedy: String,
    }
    client
        .batch_execute("begin; set local statement_timeout = '10s'")
        .await?;
    let counted = client
        .query_one("select baton_api.unreachable_rows()", &[])
        .await;
    client.batch_execute("rollback").await?;
    let check = |verdict, found| Check {
        what: "rows",
        verdict,
        found,
    };
    let counted = match counted {
        Ok(row) => row.get(0),
        Err(error) => {
            let found = format!(
                "rows that are never due were not counted: {}",
                advice::postgres(&error)
            );
            return Ok(check(Verdict::Warning, found));
        }
    };
    let rows: Vec<Rows> = serde_json::from_value(counted)?;
    if rows.is_empty() {
        let found = "every row can become due".to_owned();
        return Ok(check(Verdict::Ok, found));
    }
    let lines = rows.iter().map(|it| {
        let number = match it.rows {
            10_001.. => "10,000+".to_owned(),
            n => n.to_string(),
        };
        format!(
            "{number} of {} are never due ({}); {}",
            it.table, it.why, it.remedy
        )
    });
    let found = lines.collect::<Vec<_>>().join("; ");
    Ok(check(Verdict::Warning, found))
}

/// How the connections of owner and components are protected.
fn protection(address: &Address) -> Check {
    let (verdict, found) = match (address.tls(), address.is_local()) {
        (Tls::Verified, _) => (
            Verdict::Ok,
            match address.root_cert() {
                Some(file) => format!("encrypted, certificate verified by {file}"),
                None => "encrypted, certificate verified by the system's authorities".to_owned(),
            },
        ),
        (Tls::Off, true) => (
            Verdict::Ok,
            "not encrypted; the server is on this machine".to_owned(),
        ),
        (Tls::Off, false) => (
            Verdict::Warning,
            "NOT encrypted: passwords and data cross the network in clear; use sslmode=require"
                .to_owned(),
        ),
    };
    Check {
        what: "connection",
        verdict,
        found,
    }
}

/// Logs in as each component does, with what this folder and its environment know; sets nothing.
async fn roles_log_in(home: &Home, database: &Database, client: &Client) -> Result<Vec<Check>> {
    let given = stack::variables::environment_variables(home)?;
    let roles = roles::read(client).await?;
    let check = |verdict, found| Check {
        what: "roles",
        verdict,
        found,
    };
    let unset: Vec<&str> = roles
        .iter()
        .filter(|it| it.is_component() && it.password_set_at.is_none())
        .map(|it| &*it.name)
        .collect();
    let Some(variables) = roles::known(home, &roles, &given)? else {
        let found = match unset.is_empty() {
            true => "not tried: their passwords are not in this folder or its environment (SPIN_VARIABLE_PG_PASSWORD_…)".to_owned(),
            false => "have no passwords yet; `baton up` sets them, or `baton roles set-passwords`".to_owned(),
        };
        return Ok(vec![check(Verdict::Warning, found)]);
    };
    let mut checks = Vec::new();
    for role in roles.iter().filter(|it| it.is_component()) {
        let password = role.password(&variables);
        let address = database.address().with_user(&role.name, &password);
        if let Err(error) = connect(&address).await {
            let found = format!(
                "{} cannot log in as {}: {}",
                role.component,
                role.name,
                advice::chain(&error)
            );
            checks.push(check(Verdict::Broken, found));
        }
    }
    if checks.is_empty() {
        checks.push(check(Verdict::Ok, "every component can log in".to_owned()));
    }
    Ok(checks)
}

/// Spin's pools: so many connections for each component.
const SPIN_POOL: i64 = 64;

/// Whether the server has room for the connections that components may open.
async fn connections(database: &Database, client: &Client) -> Result<Check> {
    let row = client
        .query_one(
            "select current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint,
                    (select count(*) from pg_stat_activity a where a.backend_type = 'client backend'
                       and a.usename not in (select r.role_name from baton.component_roles r)),
                    (select count(*) from baton.component_roles r where r.component <> 'viewer')",
            &[],
        )
        .await?;
    let (room, others, components): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let free = room - others;
    let own = i64::try_from(stack::MAX_CONNECTIONS)?;
    let spin = components * SPIN_POOL;
    let (verdict, found) = if free < own {
        (
            Verdict::Warning,
            format!(
                "{free} of {room} are free, and `baton up` uses up to {own}: raise max_connections, or give it fewer with --max-connections"
            ),
        )
    } else if free < spin && !database.is_private() {
        (
            Verdict::Warning,
            format!(
                "{free} of {room} are free: enough for `baton up` ({own}), not for Spin without a limit ({components} components × {SPIN_POOL} = {spin}); \
                 set [outbound_pg] max_connections = {} in its runtime configuration",
                (free / components.max(1)).max(1)
            ),
        )
    } else {
        (Verdict::Ok, format!("{free} of {room} are free"))
    };
    Ok(Check {
        what: "connections",
        verdict,
        found,
    })
}

/// The resolvers of the host that runs in this folder, else those that `baton up` would use without further arguments.
fn resolvers(home: &Home) -> Result<Vec<String>> {
    match Announcement::read(home) {
        Some(host) => Ok(host.resolvers),
        None => stack::resolvers(home, &stack::variables::environment_variables(home)?),
    }
}

/// Asks for the mail host of a name that DNS itself keeps.
async fn asked(resolver: &str) -> Result<()> {
    let question = query("iana.org", RecordKind::Mx)?;
    let headers = [("content-type", "application/dns-message")];
    let (status, _) = Http::new(resolver, None)
        .send("/dns-query", &headers, question.into(), PATIENCE)
        .await?;
    match status {
        200 => Ok(()),
        other => anyhow::bail!("HTTP status {other}"),
    }
}
