use anyhow::Result;
use process_chunks::source::sealed::open;
use serde_json::json;
use stack::{api, context::Context, database::Database, source_key};
use terminal::advice;
use terminal::output::counted;

use super::sealing;

/// Encrypts the secrets of all sources under the first key.
pub(crate) async fn run(context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let Some(keys) = source_key::known(&home, database)? else {
            return Err(advice::error(
                "there is no key to encrypt with",
                "set SPIN_VARIABLE_SOURCE_KEY for the deployment and for this command, for example to the output of `openssl rand -hex 32`",
            ));
        };
        let mut client = database.connect().await?;
        let tx = client.transaction().await?;
        let rows = tx
            .query(
                "select k.source, k.secret from baton.source_secrets k order by k.source for update",
                &[],
            )
            .await
            .map_err(api::explain)?;
        for row in &rows {
            let (source, stored): (String, String) = (row.get(0), row.get(1));
            let clear = open(&keys, &source, &stored).map_err(sealing::explain)?;
            let sealed = sealing::sealed(&keys, &source, &clear)?;
            tx.execute(
                "update baton.source_secrets k set secret = $2 where k.source = $1",
                &[&source, &sealed],
            )
            .await?;
        }
        tx.commit().await?;
        let count = rows.len();
        context.output.result(&json!({ "encrypted": count }), || {
            format!(
                "Encrypted under the first key: {}. Backups made before still hold secrets as they were.",
                counted(count as u64, "secret")
            )
        })
    })
    .await
}
