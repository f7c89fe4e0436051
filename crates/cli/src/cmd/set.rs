use anyhow::Result;
use baton::contract::operator::ConfigureJob;
use serde_json::Value;
use stack::{api, context::Context, database::Database};
use terminal::advice;

/// What `set` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The job, such as validate-contacts.
    job: String,
    /// Settings: mode, batch_size, lease_seconds, max_attempts, max_parallel, rate_per_minute (or `none`),
    /// rate_burst, restart_delay_seconds, alert_after_seconds, items_kept_for, async_turns, base_url (or `none`).
    #[arg(required = true, value_parser = assignment, value_name = "SETTING=VALUE")]
    changes: Vec<(String, Value)>,
}

/// Changes settings of a job.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let changes: serde_json::Map<String, Value> = args.changes.into_iter().collect();
        let names: Vec<String> = changes.keys().cloned().collect();
        let call = ConfigureJob {
            job: args.job.clone(),
            changes,
            who: context.common.who.clone(),
        };
        let answer = api::call(&client, call).await.map_err(|error| {
            if api::code(&error) == Some(baton::contract::codes::NO_SUCH_THING) {
                return api::no_such_job(error);
            }
            advice::with(
                format!("setting {}", names.join(", ")),
                "`baton set --help` lists the settings, `baton status` shows them",
            )(error)
        })?;
        context.output.result(&answer, || {
            let lines = names.iter().map(|it| {
                let value = if answer[it].is_null() {
                    "none".to_owned()
                } else {
                    answer[it].to_string()
                };
                format!("{} {it} = {}\n", args.job, value.trim_matches('"'))
            });
            lines.collect()
        })
    })
    .await
}

fn assignment(text: &str) -> Result<(String, Value), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("write it as SETTING=VALUE".to_owned());
    };
    let value = match value.trim() {
        "none" => Value::Null,
        value => value
            .parse::<i64>()
            .map_or_else(|_| Value::from(value), Value::from),
    };
    Ok((name.trim().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_numbers_words_or_none() {
        let check = |text: &str, expected: Option<(&str, Value)>| {
            let expected = expected.map(|(name, value)| (name.to_owned(), value));
            assert_eq!(assignment(text).ok(), expected, "{text}");
        };
        check("batch_size=500", Some(("batch_size", Value::from(500))));
        check("mode = protected", Some(("mode", Value::from("protected"))));
        check(
            "rate_per_minute=none",
            Some(("rate_per_minute", Value::Null)),
        );
        check("batch_size", None);
    }
}
