use crate::support::db::Db;

/// Rust and SQL cannot drift apart: each line is prepared as Spin prepares it, and its types are those that cross.
#[tokio::test]
async fn every_contract_line_fits_the_schema() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for (name, sql) in contract::ALL {
        let statement = db.owner.prepare(sql).await?;
        for parameter in statement.params() {
            assert!(
                ["text", "uuid", "int4", "bool", "jsonb"].contains(&parameter.name()),
                "{name} takes {parameter}"
            );
        }
        let results: Vec<&str> = statement
            .columns()
            .iter()
            .map(|it| it.type_().name())
            .collect();
        assert_eq!(results, ["jsonb"], "{name}");
    }
    Ok(())
}
