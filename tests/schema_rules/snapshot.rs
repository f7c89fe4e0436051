//! `migrations/snapshot.sql` is what a migrated database has.

use crate::support::db::Db;
use crate::support::home;

/// What the schemas of Baton have, one text for each object, in the order of reading. Names of roles without the database's.
const OBJECTS: &str = r#"
with names as (
  select n.oid, n.nspname from pg_namespace n where n.nspname in ('baton', 'baton_api', 'baton_board')
), relations as (
  select c.oid, c.relkind, n.nspname, n.nspname || '.' || c.relname as name, c.relacl, c.relowner
  from pg_class c join names n on n.oid = c.relnamespace where c.relname not like 'test\_%'
), grants as (
  select o.oid, o.class, string_agg(format(e'grant %s on %s %s to %s;\n', lower(a.privilege_type), o.kind, o.name,
           coalesce(replace(r.rolname, 'baton_' || current_database() || '_', 'baton_<database>_'), 'public')), '' order by r.rolname, a.privilege_type) as text
  from (
    select r.oid, 'pg_class'::regclass as class, case r.relkind when 'S' then 'sequence' else 'table' end as kind, r.name, r.relacl as acl, r.relowner as owner from relations r
    union all
    select p.oid, 'pg_proc'::regclass, 'function', n.nspname || '.' || p.proname, p.proacl, p.proowner from pg_proc p join names n on n.oid = p.pronamespace
  ) o
  cross join aclexplode(o.acl) a left join pg_roles r on r.oid = a.grantee
  where a.grantee <> o.owner and coalesce(r.rolname, '') not like '%functions'
  group by o.oid, o.class
)
select t.text || coalesce('-- ' || replace(d.description, e'\n', ' ') || e'\n', '') || coalesce(g.text, '')
from (
  select 1 as place, r.name, 'pg_class'::regclass as class, r.oid, format(e'create table %s (\n%s\n);\n', r.name, concat_ws(e',\n', (
      select string_agg(format('  %s %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then ' not null' else '' end,
        coalesce(' default ' || pg_get_expr(f.adbin, f.adrelid), case a.attidentity when 'a' then ' generated always as identity' end, '')), e',\n' order by a.attnum)
      from pg_attribute a left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
      where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    ), (
      select string_agg(format('  constraint %s %s', k.conname, pg_get_constraintdef(k.oid)), e',\n' order by k.contype, k.conname)
      from pg_constraint k where k.conrelid = r.oid and k.contype <> 'n'
    ))) || coalesce((
      select string_agg(pg_get_indexdef(i.indexrelid) || e';\n', '' order by i.indexrelid::regclass::text)
      from pg_index i where i.indrelid = r.oid and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
    ), '') || coalesce((
      select string_agg(pg_get_triggerdef(t.oid) || e';\n', '' order by t.tgname) from pg_trigger t where t.tgrelid = r.oid and not t.tgisinternal
    ), '') as text
  from relations r where r.relkind = 'r'
  union all
  select 2, r.name, 'pg_class', r.oid, format(e'create sequence %s;\n', r.name) from relations r
  where r.relkind = 'S' and not exists (select from pg_depend d where d.objid = r.oid and d.deptype = 'i')
  union all
  select 3, n.nspname || '.' || p.proname, 'pg_proc', p.oid, format(e'create function %s.%s(%s) returns %s%s;\n', n.nspname, p.proname,
    pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), case when p.prosecdef then ' security definer' else '' end)
  from pg_proc p join names n on n.oid = p.pronamespace where p.proname not like 'test\_%'
  union all
  select 4, r.name, 'pg_class', r.oid, format(e'create view %s (%s);\n', r.name, (
    select string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
    from pg_attribute a where a.attrelid = r.oid and a.attnum > 0))
  from relations r where r.relkind = 'v'
  union all
  select 5, c.relname || t.tgname, 'pg_trigger', t.oid, pg_get_triggerdef(t.oid) || e';\n'
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid join names n on n.oid = p.pronamespace
  where not t.tgisinternal and c.relnamespace = 'public'::regnamespace
) t
left join pg_description d on d.classoid = t.class and d.objoid = t.oid and d.objsubid = 0
left join grants g on g.class = t.class and g.oid = t.oid
order by t.place, t.name collate "C"
"#;

const HEAD: &str = "\
-- The whole schema after all migrations, to read and to compare; generated, never applied:
-- BATON_SNAPSHOT=write cargo test -p tests -- schema_rules::snapshot
-- Tables with their constraints, indexes and triggers, sequences, functions, views, and the triggers on tables of the application.
";

#[tokio::test]
async fn the_snapshot_is_what_a_migrated_database_has() -> anyhow::Result<()> {
    let mut db = Db::empty("snapshot").await?;
    schema::migrate(&mut db.owner).await?;
    let now = format!("{HEAD}\n{}", db.list(OBJECTS, &[]).await?.join("\n"));
    let file = home().join("migrations/snapshot.sql");
    if std::env::var_os("BATON_SNAPSHOT").is_some_and(|it| it == "write") {
        std::fs::write(&file, &now)?;
    }
    let kept = std::fs::read_to_string(&file)?;
    let differs = now.lines().zip(kept.lines()).find(|(a, b)| a != b);
    assert!(
        now == kept,
        "migrations/snapshot.sql differs: {differs:?}; its first lines say how to write it anew"
    );
    Ok(())
}
