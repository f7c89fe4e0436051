use anyhow::Result;
use serde_json::json;
use stack::{context::Context, database::Database};

/// Brings the schema up to date.
pub(crate) async fn run(context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let report = stack::migrate(&mut database.connect().await?).await?;
        let place = database.address().to_string();
        let document = json!({
            "database": place, "columns": report.columns, "indexes": report.indexes,
            "applied": report.applied, "code_rebuilt": report.code_rebuilt,
        });
        context.output.result(&document, || {
            let columns = report
                .columns
                .iter()
                .map(|it| format!("added columns to {it}"));
            let indexes = report
                .indexes
                .iter()
                .map(|it| format!("built the index {it}"));
            let applied = report.applied.iter().map(|it| format!("applied {it}"));
            let mut lines: Vec<String> = columns.chain(indexes).chain(applied).collect();
            if report.code_rebuilt {
                lines.push("rebuilt functions, views and triggers".to_owned());
            }
            if lines.is_empty() {
                lines.push("nothing to apply".to_owned());
            }
            lines.push(format!("The database {place} is up to date."));
            lines.join("\n")
        })
    })
    .await
}
