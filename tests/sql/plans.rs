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
    let sql = "explain (analyze, buffers, format json)
               select * from baton_api.due_contacts(now(), now() - interval '30 days', gen_random_uuid(), 50)";
    for query in [sql.to_owned(), sql.replace("50)", "1000)")] {
        let plan = db.owner.query_one(&query, &[]).await?.get::<_, serde_json::Value>(0);
        let text = plan.to_string();
        for index in ["contacts_never_validated_idx", "contacts_unknown_idx", "contacts_validated_idx"] {
            assert!(text.contains(index), "{index} is not used: {plan:#}");
        }
        assert!(!text.contains("Seq Scan") && !text.contains("\"Sort\""), "{plan:#}");
        let blocks = plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap_or(0) + plan[0]["Plan"]["Shared Read Blocks"].as_i64().unwrap_or(0);
        assert!(blocks < 1000, "a claim reads {blocks} blocks");
    }
    Ok(())
}
