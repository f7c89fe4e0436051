//! What keeps a migration harmless in a database of others: their search path, their objects, their grants.

use tokio_postgres::Transaction;

use crate::Error;

/// What a database was like before its first migration.
pub(crate) struct Before {
    first: bool,
    /// Whether it had tables or views of its own, or a search path that somebody set.
    lived_in: bool,
}

/// Remembers what a database had before its first migration; its tables are not ours to close, its search path not ours to set.
pub(crate) async fn look(tx: &Transaction<'_>) -> Result<Before, Error> {
    let sql = "select to_regclass('baton.migrations') is null, exists (
                 select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                 where c.relkind in ('r', 'p', 'f', 'v', 'm') and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%')
               or exists (
                 select from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) c
                 where s.setdatabase = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
                   and s.setrole = 0 and c like 'search_path=%')";
    let row = tx.query_one(sql, &[]).await?;
    let before = Before {
        first: row.get(0),
        lived_in: row.get(1),
    };
    if before.first {
        tx.batch_execute(
            "create schema if not exists baton;
             create table if not exists baton.found_tables (name text primary key);
             comment on table baton.found_tables is 'Which tables schema public had before the first migration.';
             insert into baton.found_tables
             select c.relname from pg_catalog.pg_class c
             where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p', 'f', 'v', 'm')
             on conflict do nothing",
        )
        .await?;
    }
    Ok(before)
}

/// The first numbered file sets a search path by which operators' statements need no schema. In a database that somebody uses,
/// it would change what their statements mean.
pub(crate) async fn keep_search_path(tx: &Transaction<'_>, before: &Before) -> Result<(), Error> {
    if before.first && before.lived_in {
        tx.batch_execute(
            "do $$ begin
               if exists (
                 select from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) c
                 where s.setdatabase = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
                   and s.setrole = 0 and c = 'search_path=public, baton_board, baton_api, baton')
               then
                 execute format('alter database %I reset search_path', current_database());
               end if;
             end $$",
        )
        .await?;
    }
    Ok(())
}

/// Objects outside the schemas that are rebuilt which depend on something inside, by description.
pub(crate) async fn dependents(tx: &Transaction<'_>) -> Result<Vec<String>, Error> {
    let sql = "
        with ours as (
          select c.oid from pg_catalog.pg_class c where c.relnamespace::regnamespace::text in ('baton_api', 'baton_board')
          union all select p.oid from pg_catalog.pg_proc p where p.pronamespace::regnamespace::text in ('baton_api', 'baton_board')
          union all select t.oid from pg_catalog.pg_type t where t.typnamespace::regnamespace::text in ('baton_api', 'baton_board')
        )
        select distinct pg_catalog.pg_describe_object(
            case when w.oid is null then d.classid else 'pg_class'::regclass end, coalesce(w.ev_class, d.objid), 0)
        from pg_catalog.pg_depend d
        left join pg_catalog.pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
        where d.refobjid in (select oid from ours) and d.deptype in ('n', 'a')
          and d.objid not in (select oid from ours) and coalesce(w.ev_class, 0) not in (select oid from ours)
          -- Functions of schema baton name them in their bodies alone; whatever else depends there is ours.
          and coalesce((select p.pronamespace::regnamespace::text from pg_catalog.pg_proc p where d.classid = 'pg_proc'::regclass and p.oid = d.objid), '') <> 'baton'
        order by 1 limit 20";
    let rows = tx.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// A privilege that somebody gave on a schema, view or function that is rebuilt.
pub(crate) struct Grant {
    statement: String,
}

/// The grants to roles that are not Baton's own.
pub(crate) async fn grants(tx: &Transaction<'_>) -> Result<Vec<Grant>, Error> {
    if !tx
        .query_one(
            "select to_regclass('baton.component_roles') is not null",
            &[],
        )
        .await?
        .get::<_, bool>(0)
    {
        return Ok(Vec::new());
    }
    let sql = "
        select format('grant %s on %s to %s', a.privilege_type, o.object, quote_ident(r.rolname))
        from (
          select format('table %s', c.oid::regclass) as object, c.relacl as acl, c.relowner as owner
          from pg_catalog.pg_class c where c.relnamespace::regnamespace::text = 'baton_board'
          union all
          select format('function %s', p.oid::regprocedure), p.proacl, p.proowner
          from pg_catalog.pg_proc p where p.pronamespace::regnamespace::text in ('baton_api', 'baton_board')
          union all
          select format('schema %I', n.nspname), n.nspacl, n.nspowner
          from pg_catalog.pg_namespace n where n.nspname in ('baton_api', 'baton_board')
        ) o, aclexplode(o.acl) a join pg_catalog.pg_roles r on r.oid = a.grantee
        where a.grantee <> o.owner and r.rolname not in ('baton_worker', 'baton_viewer')
          and r.rolname not in (select c.role_name from baton.component_roles c)
        order by 1 limit 10000";
    let rows = tx.query(sql, &[]).await?;
    let statements = rows.iter().map(|row| Grant {
        statement: row.get(0),
    });
    Ok(statements.collect())
}

/// Takes what PUBLIC and default privileges, which platforms set, got from what a migration made in a schema. Grants that
/// an operator gave stay.
pub(crate) async fn close(tx: &Transaction<'_>, schema: &str) -> Result<(), Error> {
    let sql = "
        select coalesce(string_agg(distinct format('revoke all on %s from %s', o.object,
                 case when a.grantee = 0 then 'public' else quote_ident(r.rolname) end), ';'), '')
        from (
          select case c.relkind when 'S' then 'S' else 'r' end as kind, c.relacl as acl, c.relowner as owner,
                 format('%s %s', case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass) as object
          from pg_catalog.pg_class c where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
          union all
          select 'f', coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner, format('function %s', p.oid::regprocedure)
          from pg_catalog.pg_proc p where p.pronamespace = $1::text::regnamespace
          union all
          select 'n', n.nspacl, n.nspowner, format('schema %I', n.nspname) from pg_catalog.pg_namespace n where n.nspname = $1
        ) o cross join aclexplode(o.acl) a left join pg_catalog.pg_roles r on r.oid = a.grantee
        where a.grantee <> o.owner and (a.grantee = 0 or exists (
          select from pg_catalog.pg_default_acl d, aclexplode(d.defaclacl) b
          where d.defaclrole in (o.owner, current_user::regrole) and d.defaclobjtype = o.kind::\"char\" and d.defaclnamespace in (0, $1::text::regnamespace)
            and b.grantee = a.grantee and b.privilege_type = a.privilege_type))";
    let revoke: String = tx.query_one(sql, &[&schema]).await?.get(0);
    Ok(tx.batch_execute(&revoke).await?)
}

/// Gives them again; what no longer exists has no privileges.
pub(crate) async fn restore(tx: &Transaction<'_>, grants: &[Grant]) -> Result<(), Error> {
    for grant in grants {
        tx.batch_execute(&format!(
            "do $$ begin execute {}; exception when undefined_table or undefined_function or undefined_object then null; end $$",
            quoted(&grant.statement)
        ))
        .await?;
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
