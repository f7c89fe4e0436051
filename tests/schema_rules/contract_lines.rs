use baton::contract::Line;

use crate::support::db::Db;

/// The calls of the engine, of each job and of operators.
const LINES: [&[Line]; 11] = [
    baton::contract::claim::ALL,
    baton::contract::items::ALL,
    baton::contract::operator::ALL,
    baton::contract::scheduler::ALL,
    dispatch::calls::ALL,
    auto_sync_jobs::calls::ALL,
    follow_up_reminders::calls::ALL,
    message_callbacks::calls::ALL,
    process_chunks::calls::ALL,
    process_chunks::sources::ALL,
    validate_contacts::calls::ALL,
];

/// Rust and SQL cannot drift apart: each line is prepared as Spin prepares it, and the types are those that Rust sends.
#[tokio::test]
async fn every_contract_line_fits_the_schema() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for line in LINES.iter().copied().flatten() {
        let Line {
            function,
            sql,
            types,
        } = line;
        let statement = db.owner.prepare(sql).await?;
        let wanted: Vec<&str> = statement.params().iter().map(|it| it.name()).collect();
        assert_eq!(types, &wanted, "{function}");
        let results = statement.columns().iter().map(|it| it.type_().name());
        let expected = match function.ends_with("_as_text") {
            true => "text",
            false => "jsonb",
        };
        assert_eq!(results.collect::<Vec<_>>(), [expected], "{function}");
    }
    Ok(())
}
