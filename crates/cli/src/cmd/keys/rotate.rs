use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use stack::key::{Key, MOST_LIVE};
use stack::{context::Context, secret};
use terminal::advice;

use super::wakes::{self, Wakes};
use super::{Here, ask, given_by};

/// What a rotation did.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Rotated {
    /// The new value is in a file.
    Kept {
        key: Key,
        file: PathBuf,
        live: usize,
        /// The running host, which accepts it.
        accepted_by: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        wakes: Option<Wakes>,
    },
    /// A person has to set it.
    Made { key: Key, new: String },
}

/// Makes new values.
pub(super) async fn run(keys: &[Key], here: &Here, context: &Context) -> Result<()> {
    let mut plans = Vec::new();
    // Nothing is changed unless everything can be.
    for key in keys {
        let (file, live) = here.live(*key)?;
        if live.len() == MOST_LIVE {
            return Err(advice::error(
                format!("two values of the {} are live already", key.name()),
                "`baton keys retire` drops the old one, once every caller has the new one",
            ));
        }
        plans.push((*key, file, live));
    }
    let mut rotated = Vec::new();
    for (key, file, live) in plans {
        rotated.push(match file {
            Some(file) => keep(key, file, live, here, context).await?,
            None => Rotated::Made {
                key,
                new: key.generate()?,
            },
        });
    }
    context.output.result(&rotated, || {
        let words: Vec<String> = rotated.iter().map(in_words).collect();
        words.join("\n\n")
    })
}

async fn keep(
    key: Key,
    file: PathBuf,
    live: Vec<String>,
    here: &Here,
    context: &Context,
) -> Result<Rotated> {
    let new = key.generate()?;
    let lines: Vec<&str> = [&new]
        .into_iter()
        .chain(&live)
        .map(String::as_str)
        .collect();
    let text = lines.join("\n");
    // A short key is one of its own only while it is alone.
    if key.live(&text)?.len() != lines.len() {
        return Err(advice::error(
            format!(
                "the {} in {} is too short to be live beside another",
                key.name(),
                file.display()
            ),
            "stop the host, delete the file, and start the host: a new one is made, and callers need it at once",
        ));
    }
    if let (Some(old), Some(url)) = (live.first(), here.url()) {
        let introducing = introduce(key, &file, &new, old, url);
        if let Err(error) = context.interrupt.guard(introducing).await {
            secret::replace(&file, old)?;
            return Err(error);
        }
    }
    secret::replace(&file, &text)?;
    let accepted_by = match here.url() {
        Some(url) if ask::until(url, key, &new, true).await => Some(url.to_owned()),
        Some(_) | None => None,
    };
    let wakes = match key {
        Key::Service => None,
        Key::Webhook => Some(wakes::hand_over(&new, here, context).await?),
    };
    Ok(Rotated::Kept {
        key,
        live: lines.len(),
        accepted_by,
        file,
        wakes,
    })
}

/// Puts the new value behind the old one until the host accepts it, because whoever reads the file presents the first.
async fn introduce(key: Key, file: &Path, new: &str, old: &str, url: &str) -> Result<()> {
    secret::replace(file, &format!("{old}\n{new}"))?;
    if ask::until(url, key, new, true).await {
        return Ok(());
    }
    Err(advice::error(
        format!("the host at {url} does not take a new {}", key.name()),
        "nothing was changed; look at what `baton up` says, or stop it and try again",
    ))
}

fn in_words(rotated: &Rotated) -> String {
    match rotated {
        Rotated::Made { key, new } => {
            let (name, variable) = (key.name(), key.variable());
            let wakes = match key {
                Key::Service => "",
                Key::Webhook => {
                    " If `baton wake` says pg_net, give it to the database, too: `baton wake pg_net` with BATON_WEBHOOK_SECRET set to it."
                }
            };
            format!(
                "The {name} is given by {}. A new one:\n\n  {new}\n\nSet the variable {variable} to it, a space, and the one before, so that both are live.{wakes} \
                 When nobody has the one before any more, set {variable} to the new one alone.",
                given_by(*key),
            )
        }
        Rotated::Kept {
            key,
            file,
            live,
            accepted_by,
            wakes,
        } => {
            let (name, file) = (key.name(), file.display());
            let mut words = if *live < MOST_LIVE {
                format!("The {name} is in {file}.")
            } else {
                format!("The new {name} is the first line of {file}; the one before is the second.")
            };
            if let Some(url) = accepted_by {
                words.push_str(&format!(" The host at {url} accepts it."));
            }
            if let Some(wakes) = wakes.as_ref().and_then(Wakes::in_words) {
                words.push_str(&format!(" {wakes}"));
            }
            if *live == MOST_LIVE {
                words.push_str(&format!(
                    " Both are live until `baton keys retire {}`.",
                    key.argument()
                ));
            }
            words
        }
    }
}
