use crate::support::db::Db;

/// One index per way of being due, and no sort, at a million contacts of which a few hundred are due.
#[tokio::test]
async fn the_claim_reads_the_due_indexes_at_a_million_contacts() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "insert into contacts (email, email_validation_status, external_heartbeat_checked_at, email_validation_retry_at)
             select 'user' || g || '@d.test', case when g % 3 = 0 then 'unknown' else 'deliverable' end, now(), now() + interval '1 day'
             from generate_series(1, 1000000) g;
             insert into contacts (email) select 'new' || g || '@d.test' from generate_series(1, 300) g;
             analyze contacts",
        )
        .await?;
    db.owner
        .batch_execute("prepare claim(timestamptz, uuid, bigint) as select * from baton_api.due_contacts($1, $1 - interval '30 days', $2, $3)")
        .await?;
    // A claim's plan is made for its values at first, and for any values later; both must do.
    for (mode, limit) in [
        ("force_custom_plan", 50),
        ("force_custom_plan", 1000),
        ("force_generic_plan", 50),
        ("force_generic_plan", 1000),
    ] {
        db.owner
            .batch_execute(&format!("set plan_cache_mode = {mode}"))
            .await?;
        let query = format!(
            "explain (analyze, buffers, format json) execute claim(now(), '00000000-0000-0000-0000-000000000001', {limit})"
        );
        let rows = db.owner.simple_query(&query).await?;
        let json: String = rows
            .iter()
            .filter_map(|it| match it {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            })
            .collect();
        let plan: serde_json::Value = serde_json::from_str(&json)?;
        let text = plan.to_string();
        for index in [
            "contacts_never_validated_idx",
            "contacts_unknown_idx",
            "contacts_validated_idx",
        ] {
            assert!(text.contains(index), "{index} is not used: {plan:#}");
        }
        assert!(
            !text.contains("Seq Scan") && !text.contains("\"Sort\""),
            "{plan:#}"
        );
        let blocks = plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap_or(0)
            + plan[0]["Plan"]["Shared Read Blocks"].as_i64().unwrap_or(0);
        assert!(blocks < 1000, "a claim reads {blocks} blocks");
    }
    Ok(())
}
