use crate::support::db::Db;

/// What must return no rows, and why.
const RULES: &[(&str, &str)] = &[
    (
        "a definer function pins its search path",
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname like 'baton%' and p.prosecdef and coalesce(array_to_string(p.proconfig, ','), '') not like '%search_path=\"\"%'",
    ),
    (
        // The clock is a definer in tests alone.
        "a definer function belongs to no superuser",
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
         where n.nspname like 'baton%' and p.prosecdef and r.rolsuper and p.proname <> 'clock'",
    ),
    (
        "PUBLIC may execute nothing",
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
         aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
         where n.nspname like 'baton%' and a.grantee = 0 and p.proname not like 'test_%'",
    ),
    (
        "in Baton's schemas no role has rights but the owner and Baton's own",
        "select o.object::text from (
           select c.oid::regclass::text as object, c.relnamespace as schema, c.relacl as acl, c.relowner as owner from pg_class c
           union all select p.oid::regprocedure::text, p.pronamespace, p.proacl, p.proowner from pg_proc p
           union all select n.nspname, n.oid, n.nspacl, n.nspowner from pg_namespace n
         ) o join pg_namespace n on n.oid = o.schema, aclexplode(o.acl) a left join pg_roles r on r.oid = a.grantee
         where n.nspname like 'baton%' and a.grantee <> o.owner
           and coalesce(r.rolname, '') not in (select role_name from baton.component_roles)
           and coalesce(r.rolname, '') not like 'baton%functions'
           -- The condition of the trigger that wakes reads it.
           and (o.object <> 'woken_123456789' or a.privilege_type <> 'SELECT') and o.object not like '%test\\_%'",
    ),
    (
        "PUBLIC has no right to a table that a migration makes in public, and no role one that policies do not cover",
        "select c.relname::text || ' ' || a.privilege_type from pg_class c, aclexplode(c.relacl) a
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.grantee <> c.relowner
           and (a.grantee = 0 or a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
           and not exists (select from baton.found_tables f where f.name = c.relname)",
    ),
    (
        "what a component calls takes and returns only types that cross to Spin",
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname = 'baton_api' and has_function_privilege('test_components', p.oid, 'execute')
           and (p.prorettype <> all (array['jsonb', 'text']::regtype[]) or p.proretset or exists (
             select from unnest(p.proargtypes) t
             where t not in ('text'::regtype, 'uuid'::regtype, 'int'::regtype, 'bigint'::regtype, 'boolean'::regtype, 'jsonb'::regtype, 'text[]'::regtype)))",
    ),
    (
        "no function is overloaded",
        "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname like 'baton%' group by n.nspname, p.proname having count(*) > 1",
    ),
    (
        "every function of baton_api has a comment",
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname = 'baton_api' and obj_description(p.oid, 'pg_proc') is null",
    ),
    (
        "every table and view has a comment",
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname like 'baton%' and c.relkind in ('r', 'v') and c.relname not like 'test_%' and obj_description(c.oid, 'pg_class') is null",
    ),
    (
        "no other function writes items or attempts, whose states no constraint checks",
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname like 'baton%' and p.prosrc ~* '(insert\\s+into|update)\\s+baton\\.(items|attempts)\\M' and p.proname <> all (array[
             'apply_chunk_results', 'cancel_item', 'claim_contacts', 'claim_next_items', 'drain_group', 'drop_items',
             'enqueue', 'enqueue_in_group', 'enqueue_many', 'feed_rows', 'go_on', 'lose_attempt', 'lose_items',
             'next_turn', 'open_message_attempt', 'renew_lease', 'retry_group', 'retry_items', 'settle_contacts',
             'settle_messages', 'store_done', 'store_outcomes'])",
    ),
    (
        "foreign keys are indexed, but those to jobs, which are never deleted",
        "select k.conname::text from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
         where k.contype = 'f' and n.nspname = 'baton' and k.confrelid <> 'baton.jobs'::regclass
           and not exists (select from pg_index i where i.indrelid = k.conrelid and i.indkey[0] = k.conkey[1]
             and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = '(' || (select a.attname from pg_attribute a where a.attrelid = k.conrelid and a.attnum = k.conkey[1]) || ' IS NOT NULL)'))",
    ),
    (
        "every instant is a timestamptz",
        "select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'baton' and c.relkind = 'r' and a.attnum > 0 and a.atttypid in ('timestamp'::regtype, 'date'::regtype, 'time'::regtype)",
    ),
    (
        "a table that a migration makes in public has row-level security",
        "select c.relname::text from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity
           and not exists (select from baton.found_tables f where f.name = c.relname)",
    ),
    (
        "a trigger on a table of the application does only what this list names",
        "select p.proname || ': ' || m.found[1] from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
         join pg_namespace n on n.oid = p.pronamespace
         cross join lateral regexp_matches(p.prosrc,
           '(\\m(?:insert into|update|delete from|merge into|truncate|lock table|lock|execute|perform|call|notify|set_config|for (?:no key )?(?:update|share)|for key share|do update)(?:\\s+[a-z_.]+)?)', 'gi') as m(found)
         where not t.tgisinternal and c.relnamespace = 'public'::regnamespace and n.nspname = 'baton'
           and regexp_replace(lower(m.found[1]), '\\s+', ' ', 'g') <> all (array[
             'perform baton.wake_for_writer', 'update public.assignments', 'for no key update of', 'insert into public.job_queue',
             'update baton.messages', 'for update skip', 'lock'])",
    ),
    (
        "a trigger function of the application's tables never fails the writer",
        "select p.proname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
         join pg_namespace n on n.oid = p.pronamespace
         where not t.tgisinternal and c.relnamespace = 'public'::regnamespace and n.nspname = 'baton'
           and p.proname <> 'forget_verdict' and p.prosrc !~ 'exception when others then'",
    ),
    (
        "nothing in baton depends on the schemas that are rebuilt",
        "select d.classid::regclass::text || ' ' || d.objid from pg_depend d
         join pg_proc p on d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid join pg_namespace n on n.oid = p.pronamespace
         join pg_class c on ((d.classid = 'pg_class'::regclass and d.objid = c.oid) or (d.classid = 'pg_attrdef'::regclass and exists (select from pg_attrdef f where f.oid = d.objid and f.adrelid = c.oid))) join pg_namespace o on o.oid = c.relnamespace
         where n.nspname in ('baton_api', 'baton_board') and o.nspname = 'baton'",
    ),
];

#[tokio::test]
async fn the_schema_keeps_its_rules() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for (rule, query) in RULES {
        assert_eq!(db.list(query, &[]).await?, Vec::<String>::new(), "{rule}");
    }
    Ok(())
}

/// Each rule is broken on purpose and must notice.
#[tokio::test]
async fn every_rule_notices_when_it_is_broken() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let breaking = [
        "alter function baton_api.prune(int) reset search_path",
        "alter function baton_api.prune(int) owner to current_user",
        "grant execute on function baton_api.prune(int) to public",
        "grant select on baton.jobs to anon",
        "grant truncate on contacts to anon",
        "create function baton_api.odd(p timestamptz) returns jsonb language sql as 'select null::jsonb'; grant execute on function baton_api.odd to test_components",
        "create function baton_api.prune(p text) returns jsonb language sql as 'select null::jsonb'",
        "comment on function baton_api.prune(int) is null",
        "comment on table baton.jobs is null",
        "create function baton_api.odd() returns void language sql as 'update baton.items set status = ''odd'''",
        "create table baton.child (cycle_id uuid references baton.cycles)",
        "alter table baton.jobs add column odd timestamp",
        "create table public.odd ()",
        "create function baton.odd() returns trigger language plpgsql as 'begin perform from public.contacts for update; return null; end';
         create trigger odd after insert on public.contacts for each statement execute function baton.odd()",
        "create function baton.odd() returns trigger language plpgsql as 'begin return null; end';
         create trigger odd after insert on public.contacts for each statement execute function baton.odd()",
        "create table baton.odd (x jsonb default baton_api.prune(1))",
    ];
    assert_eq!(breaking.len(), RULES.len());
    for ((rule, query), statement) in RULES.iter().zip(breaking) {
        db.owner.batch_execute("begin").await?;
        db.owner.batch_execute(statement).await?;
        assert!(
            !db.list(query, &[]).await?.is_empty(),
            "{rule}: not noticed"
        );
        db.owner.batch_execute("rollback").await?;
    }
    Ok(())
}
