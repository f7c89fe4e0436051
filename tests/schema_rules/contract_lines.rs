use std::collections::BTreeSet;

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

#[tokio::test]
async fn the_worker_may_call_what_components_call_and_nothing_else() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let sql = "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
               where n.nspname in ('baton', 'baton_api', 'baton_board') and has_function_privilege('baton_worker', p.oid, 'execute')";
    let granted: BTreeSet<String> = db.list(sql, &[]).await?.into_iter().collect();
    let expected = [
        "claim_contacts",
        "settle_contacts",
        "claim_next_chunk_job_safe",
        "complete_chunk_job_safe",
        "extend_attempt",
        "sweep",
        "due_work",
        "plan_slots",
        "claim_reminders",
        "claim_auto_sync_jobs",
        "submit_messages",
        "settle_messages",
        "record_delivery",
        "record_opt_out",
        "correct_last_contact_date",
    ];
    assert_eq!(granted, expected.map(str::to_owned).into());
    Ok(())
}
