use anyhow::Result;
use baton::contract::operator::SetWake;
use serde::Serialize;
use stack::{api, context::Context, database::Database, key::Key};
use terminal::advice;
use terminal::interrupt::Interrupted;

use super::{Here, ask};

/// What becomes of the wakes that the database signs, when the webhook secret changes.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(super) enum Wakes {
    /// It signs none.
    Unsigned,
    /// It signs with the new secret.
    Signed { url: String },
    /// It signs with the one before, because the deployment does not take the new one yet.
    Waiting { url: String },
    /// It could not be asked.
    Unseen { reason: String },
}

impl Wakes {
    /// For people; nothing where nothing is to be known.
    pub(super) fn in_words(&self) -> Option<String> {
        let then = "run `baton wake pg_net`";
        match self {
            Self::Unsigned => None,
            Self::Signed { url } => {
                Some(format!("The database signs its wakes for {url} with it."))
            }
            Self::Waiting { url } => Some(format!(
                "The database still signs its wakes for {url} with the one before, because that deployment does not accept the new one: \
                 set its variable webhook_secret to both, the new one first, then {then}."
            )),
            Self::Unseen { reason } => Some(format!(
                "Whether the database signs its wakes could not be seen ({reason}). If `baton wake` says pg_net, {then} once the deployment has both."
            )),
        }
    }
}

/// Lets the database sign with this secret, if it signs at all and the deployment that it wakes takes it.
pub(super) async fn hand_over(secret: &str, here: &Here, context: &Context) -> Result<Wakes> {
    let handing = with_signing(here, context, async |signing, database| {
        let Some(Signing { url, .. }) = signing else {
            return Ok(Wakes::Unsigned);
        };
        if ask::accepts(&url, Key::Webhook, secret).await != Some(true) {
            return Ok(Wakes::Waiting { url });
        }
        let call = SetWake {
            mode: "pg_net".to_owned(),
            url: None,
            secret: Some(secret.to_owned()),
            who: context.common.who.clone(),
        };
        api::call(&database.connect().await?, call).await?;
        Ok(Wakes::Signed { url })
    });
    match handing.await {
        Ok(wakes) => Ok(wakes.unwrap_or(Wakes::Unsigned)),
        Err(error) if error.is::<Interrupted>() => Err(error),
        Err(error) => Ok(Wakes::Unseen {
            reason: advice::chain(&error),
        }),
    }
}

/// Whether the database signs its wakes with this secret.
pub(super) async fn sign_with(secret: &str, here: &Here, context: &Context) -> Result<bool> {
    let found = with_signing(here, context, async |signing, _| {
        Ok(signing.is_some_and(|it| it.secret == secret))
    });
    Ok(found.await?.unwrap_or(false))
}

/// Where wakes go, and what signs them.
struct Signing {
    url: String,
    secret: String,
}

/// Does `work` with what the database signs; none where there is no database yet.
async fn with_signing<T>(
    here: &Here,
    context: &Context,
    work: impl AsyncFnOnce(Option<Signing>, &Database) -> Result<T>,
) -> Result<Option<T>> {
    if context.common.database_url.is_none() && !here.home.cluster().exists() {
        return Ok(None);
    }
    Database::with(context, &here.home, async |database| {
        let sql = "select wake_url, wake_secret from baton.settings where wake = 'pg_net'";
        let client = database.connect().await?;
        let row = client.query_opt(sql, &[]).await.map_err(api::explain)?;
        let signing = row.map(|it| Signing {
            url: it.get(0),
            secret: it.get(1),
        });
        work(signing, database).await.map(Some)
    })
    .await
}
