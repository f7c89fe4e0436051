use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use domain::doh::{RecordKind, query};
use serde::Serialize;

use crate::{
    advice, board, context::Context, database::Database, home::Home, http::Http, output,
    running::Announcement, stack,
};

/// Components renew their lease so often, in seconds.
const HEARTBEAT: i32 = 2;
/// How long a component asks the outside, how long a tick goes on, and when hosts end a request, in seconds.
const BUDGETS: [u32; 3] = [20, 25, 30];
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
pub(crate) async fn run(context: &Context) -> Result<()> {
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
    match Database::with(context, &home, async |database| {
        look_inside(&home, database).await
    })
    .await
    {
        Ok(found) => found
            .into_iter()
            .for_each(|it| check(it.what, it.verdict, it.found)),
        Err(error) => check("database", Verdict::Broken, advice::chain(&error)),
    }
    for (name, url) in resolvers(&home)? {
        match asked(&url).await {
            Ok(()) => check(name, Verdict::Ok, format!("{url} answers")),
            Err(error) => check(
                name,
                Verdict::Warning,
                format!(
                    "{url} does not answer: {}; without a resolver verdicts are unknown",
                    advice::chain(&error)
                ),
            ),
        }
    }
    match Announcement::read(&home) {
        Some(it) => check("host", Verdict::Ok, format!("runs at {}", it.url)),
        None => check("host", Verdict::Ok, "none of this folder runs".to_owned()),
    }
    context.output.result(&checks, || {
        let rows = checks.iter().map(|it| {
            let verdict = match it.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "warning",
                Verdict::Broken => "BROKEN",
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
            format!("{n} checks failed"),
            "mend what the table above calls BROKEN",
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
    if let Err(error) = board::read(&client).await {
        checks.push(Check {
            what: "schema",
            verdict: Verdict::Broken,
            found: format!("{}; run `baton migrate`", advice::chain(&error)),
        });
        return Ok(checks);
    }
    checks.push(Check {
        what: "schema",
        verdict: Verdict::Ok,
        found: "is there".to_owned(),
    });
    let (verdict, found) = match stack::worker_password(home, database.address(), &client).await {
        Ok(_) => (Verdict::Ok, "components can log in".to_owned()),
        Err(error) => (Verdict::Broken, advice::chain(&error)),
    };
    checks.push(Check {
        what: "role",
        verdict,
        found,
    });
    let [work, tick, request] = BUDGETS;
    let leases = client
        .query(
            "select name, lease_seconds from baton.jobs order by name",
            &[],
        )
        .await?;
    for row in leases {
        let (job, lease): (String, i32) = (row.get(0), row.get(1));
        let verdict = if lease >= 2 * HEARTBEAT {
            Verdict::Ok
        } else {
            Verdict::Broken
        };
        let found = format!(
            "{job}: lease {lease} s, renewed every {HEARTBEAT} s; work {work} s < tick {tick} s < request {request} s"
        );
        checks.push(Check {
            what: "budgets",
            verdict,
            found,
        });
    }
    Ok(checks)
}

/// The resolvers that `baton up` would use without further arguments.
fn resolvers(home: &Home) -> Result<BTreeMap<&'static str, String>> {
    let text = std::fs::read_to_string(home.manifest())?;
    let manifest: toml::Table = toml::from_str(&text)?;
    let environment = stack::environment_variables();
    let resolvers = ["resolver1", "resolver2"].into_iter().filter_map(|name| {
        let default = || {
            manifest
                .get("variables")?
                .get(name)?
                .get("default")?
                .as_str()
                .map(str::to_owned)
        };
        Some((name, environment.get(name).cloned().or_else(default)?))
    });
    Ok(resolvers.collect())
}

/// Asks for the mail host of a name that DNS itself keeps.
async fn asked(resolver: &str) -> Result<()> {
    let question = query("iana.org", RecordKind::Mx)?;
    let (status, _) = Http::new(resolver, None)
        .send(
            "/dns-query",
            "application/dns-message",
            question.into(),
            PATIENCE,
        )
        .await?;
    match status {
        200 => Ok(()),
        other => anyhow::bail!("HTTP status {other}"),
    }
}
