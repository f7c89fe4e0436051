mod known;
mod profile;

use anyhow::Result;
use baton::contract::operator::ConfigureSettings;
use dispatch::phone;
use serde::Serialize;
use serde_json::{Map, Value};
use stack::{api, context::Context, database::Database};
use terminal::{advice, output};
use tokio_postgres::Client;

use known::KNOWN;
use profile::Profile;

/// How they are used.
pub(crate) const EXAMPLES: &str = "Examples:
  baton settings                                     show all, with their defaults and what they mean
  baton settings set quiet_from=20:30 daily_cap=2
  baton settings set 'follow_up_after=10 days' default_region=CH
  baton settings profile demo                        auto-syncs remind after 5 minutes instead of 24 hours";

/// What `settings` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Change settings; they hold from the next batch on.
    #[command(after_help = "Example:\n  baton settings set quiet_from=20:30 daily_cap=2")]
    Set {
        /// Settings by the names that `baton settings` shows; `none` for no value.
        #[arg(required = true, value_parser = assignment, value_name = "NAME=VALUE")]
        changes: Vec<(String, String)>,
    },
    /// Set how soon auto-syncs remind and pause; what is scheduled already stays as it is.
    #[command(after_help = "Example:\n  baton settings profile demo")]
    Profile {
        /// The profile.
        #[arg(value_enum)]
        profile: Profile,
    },
}

/// Shows or changes settings.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let changes = match args.command {
        None => None,
        Some(Command::Set { changes }) => Some(known::read(changes)?),
        Some(Command::Profile { profile }) => Some(profile.changes()),
    };
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        client.batch_execute(READABLE).await?;
        match changes {
            None => show(&client, context).await,
            Some(changes) => change(&client, changes, context).await,
        }
    })
    .await
}

/// Lengths of time in words.
const READABLE: &str = "set intervalstyle = 'postgres_verbose'";

/// Settings by name.
const VALUES: &str = "select to_jsonb(s) - 'wake_secret' from baton.settings s";

/// The statement that selects the defaults of the columns.
const DEFAULTS: &str = "select 'select to_jsonb(d) from (select '
    || string_agg(format('%s as %I', pg_get_expr(d.adbin, d.adrelid), a.attname), ', ') || ') d'
    from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    where d.adrelid = 'baton.settings'::regclass";

/// What is shown.
#[derive(Debug, Serialize)]
struct Shown {
    /// The profile, or `own`.
    profile: &'static str,
    settings: Vec<ShownSetting>,
}

/// One setting.
#[derive(Debug, Serialize)]
struct ShownSetting {
    name: &'static str,
    value: Value,
    default: Value,
    meaning: &'static str,
}

async fn show(client: &Client, context: &Context) -> Result<()> {
    let values = row(client, VALUES).await?;
    let statement = client.query_one(DEFAULTS, &[]).await?;
    let defaults = row(client, statement.try_get(0)?).await?;
    let settings = KNOWN.iter().map(|it| ShownSetting {
        name: it.name,
        value: it.plain(&values[it.name]),
        default: it.plain(&defaults[it.name]),
        meaning: it.meaning,
    });
    let shown = Shown {
        settings: settings.collect(),
        profile: profile::of(client).await?,
    };
    context.output.result(&shown, || text(&shown))
}

async fn row(client: &Client, statement: &str) -> Result<Value> {
    let row = client
        .query_one(statement, &[])
        .await
        .map_err(api::explain)?;
    Ok(row.try_get(0)?)
}

async fn change(client: &Client, changes: Map<String, Value>, context: &Context) -> Result<()> {
    let names: Vec<String> = changes.keys().cloned().collect();
    let call = ConfigureSettings {
        changes,
        who: context.common.who.clone(),
    };
    let answer = api::call(client, call).await.map_err(advice::with(
        format!("setting {}", names.join(", ")),
        "`baton settings` shows what each setting means and its present value",
    ))?;
    let settings: Map<String, Value> = KNOWN
        .iter()
        .filter(|it| names.iter().any(|name| name == it.name))
        .map(|it| (it.name.to_owned(), it.plain(&answer[it.name])))
        .collect();
    if names.iter().any(|it| it.starts_with("quiet_")) {
        warn_of_endless_nights(client).await?;
    }
    context.output.result(&settings, || {
        let lines = settings
            .iter()
            .map(|(name, value)| format!("{name} = {}\n", word(value)));
        lines.collect()
    })
}

/// Says for which numbers the quiet hours leave no hour of the day.
async fn warn_of_endless_nights(client: &Client) -> Result<()> {
    let night = "select baton_api.quiet_until($1, baton.clock(), s.quiet_from::time, s.quiet_until::time) = 'infinity' from baton.settings s";
    let mut codes = Vec::new();
    for (code, zones) in phone::shared_codes() {
        let endless: Option<bool> = client.query_one(night, &[&zones]).await?.get(0);
        if endless == Some(true) {
            codes.push(format!("+{code}"));
        }
    }
    if !codes.is_empty() {
        output::note(&format!(
            "warning: with these quiet hours, no hour is by day in all time zones of {}; messages to such numbers are held until they expire\n\
             help: set the time zone in the recipients' records, or leave more hours between quiet_until and quiet_from",
            codes.join(", ")
        ));
    }
    Ok(())
}

fn text(shown: &Shown) -> String {
    let mut parts = vec![match shown.profile {
        profile::OWN => {
            "How soon auto-syncs remind and pause is neither the profile demo nor production."
                .to_owned()
        }
        profile => format!("How soon auto-syncs remind and pause is the profile {profile}."),
    }];
    parts.extend(shown.settings.iter().map(|it| {
        let value = word(&it.value);
        let default = if it.value == it.default {
            "(default)".to_owned()
        } else {
            format!("(default: {})", word(&it.default))
        };
        format!("{} = {value}  {default}\n  {}", it.name, it.meaning)
    }));
    parts.push(
        "`baton settings set NAME=VALUE` changes one; `baton set` has those of single jobs."
            .to_owned(),
    );
    parts.join("\n\n")
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err("write it as NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_told_beside_its_default() {
        let shown = |value: Value, default: Value| {
            let setting = ShownSetting {
                name: "daily_cap",
                value,
                default,
                meaning: "How many.",
            };
            text(&Shown {
                profile: "demo",
                settings: vec![setting],
            })
        };
        let check = |value, default, expected: &str| {
            let text = shown(value, default);
            assert!(text.contains(expected), "{text}");
        };
        check(json!(3), json!(3), "daily_cap = 3  (default)\n  How many.");
        check(json!(2), json!(3), "daily_cap = 2  (default: 3)");
        check(json!("CH"), json!(null), "= CH  (default: none)");
        check(json!(1), json!(1), "the profile demo.");
    }
}
