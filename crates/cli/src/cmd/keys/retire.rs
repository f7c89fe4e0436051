use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use stack::{context::Context, key::Key, secret};
use terminal::interrupt::Interrupted;
use terminal::{advice, output};

use super::{Here, ask, given_by, wakes};

/// What became of the old value of a key.
#[derive(Debug, Serialize)]
struct Retired {
    key: Key,
    /// Where the key is kept; none when a person has to drop the old value.
    file: Option<PathBuf>,
    /// Whether there was one.
    retired: bool,
    /// The running host, which refuses it.
    refused_by: Option<String>,
}

/// Drops old values.
pub(super) async fn run(keys: &[Key], here: &Here, context: &Context) -> Result<()> {
    let mut retired = Vec::new();
    for key in keys {
        retired.push(retire(*key, here, context).await?);
    }
    context.output.result(&retired, || {
        let words: Vec<String> = retired.iter().map(in_words).collect();
        words.join("\n\n")
    })
}

async fn retire(key: Key, here: &Here, context: &Context) -> Result<Retired> {
    let (file, live) = here.live(key)?;
    let (Some(path), [new, old]) = (&file, &live[..]) else {
        return Ok(Retired {
            key,
            file,
            retired: false,
            refused_by: None,
        });
    };
    if key == Key::Webhook {
        check_database(old, here, context).await?;
    }
    secret::replace(path, new)?;
    if let Some(url) = here.url() {
        let refusing = async { Ok(ask::until(url, key, old, false).await) };
        if !context.interrupt.guard(refusing).await? {
            return Err(advice::error(
                format!("the host at {url} still accepts the old {}", key.name()),
                "look at what `baton up` says, or start it anew",
            ));
        }
    }
    Ok(Retired {
        key,
        file,
        retired: true,
        refused_by: here.url().map(str::to_owned),
    })
}

/// Fails when the database signs its wakes with the secret that is to go.
async fn check_database(old: &str, here: &Here, context: &Context) -> Result<()> {
    match wakes::sign_with(old, here, context).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(advice::error(
            "the database signs its wakes with the old secret",
            "`baton wake pg_net` gives it the new one; the deployment must have that already",
        )),
        Err(error) if error.is::<Interrupted>() => Err(error),
        Err(error) => {
            output::note(&format!(
                "Whether the database signs with the old secret could not be seen: {}.",
                advice::chain(&error)
            ));
            Ok(())
        }
    }
}

fn in_words(retired: &Retired) -> String {
    let name = retired.key.name();
    match retired {
        Retired {
            file: None, key, ..
        } => format!(
            "The {name} is given by {}: set {} to its first value alone.",
            given_by(*key),
            key.variable()
        ),
        Retired { retired: false, .. } => {
            format!("No old {name} is live; `baton keys rotate` makes a new one.")
        }
        Retired {
            refused_by: Some(url),
            ..
        } => format!("The old {name} is dropped, and the host at {url} refuses it."),
        Retired {
            refused_by: None, ..
        } => format!("The old {name} is dropped."),
    }
}
