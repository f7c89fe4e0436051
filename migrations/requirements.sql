-- What Baton needs of tables in schema public that are there: a query that a migration runs before it changes anything. It
-- returns a row for each difference: what it is about, what was found, what is needed, and the statement that mends it.
-- $1: the numbered files that the database has. Reads the catalog alone.
with needed (table_name, column_name, type, made_by, never_null) as (values
  ('contacts', 'id', 'any', '', true),
  ('contacts', 'email', 'text', '', false),
  ('contacts', 'created_at', 'instant', '0004', false),
  ('contacts', 'email_validation_status', 'text', '0004', false),
  ('contacts', 'email_validation_reason', 'text', '0004', false),
  ('contacts', 'email_validation_evidence', 'jsonb', '0004', false),
  ('contacts', 'external_heartbeat_checked_at', 'instant', '0004', false),
  ('contacts', 'email_validation_valid_until', 'instant', '0004', false),
  ('contacts', 'email_validation_retry_at', 'instant', '0004', false),
  ('contacts', 'email_validation_tries', 'integer', '0004', true),
  ('contacts', 'email_validation_cycle_id', 'uuid', '0004', false),
  ('synced_emails', 'source', 'text', '', true),
  ('synced_emails', 'id', 'text', '', true),
  ('synced_emails', 'sync_job_id', 'uuid', '0005', false),
  ('synced_emails', 'thread_id', 'text', '0005', false),
  ('synced_emails', 'blob_id', 'text', '0005', false),
  ('synced_emails', 'mailbox_ids', 'texts', '0005', false),
  ('synced_emails', 'keywords', 'texts', '0005', false),
  ('synced_emails', 'message_id', 'texts', '0005', false),
  ('synced_emails', 'subject', 'text', '0005', false),
  ('synced_emails', 'preview', 'text', '0005', false),
  ('synced_emails', 'sender', 'jsonb', '0005', false),
  ('synced_emails', 'recipients', 'jsonb', '0005', false),
  ('synced_emails', 'received_at', 'instant', '0005', false),
  ('synced_emails', 'sent_at', 'instant', '0005', false),
  ('synced_emails', 'size', 'bigint', '0005', false),
  ('synced_emails', 'has_attachment', 'boolean', '0005', false),
  ('synced_emails', 'payload', 'jsonb', '0005', false),
  ('synced_emails', 'synced_at', 'instant', '0005', false),
  ('assignments', 'id', 'any', '', true),
  ('assignments', 'status', 'word', '0007', false),
  ('assignments', 'last_contact_date', 'instant', '0007', false),
  -- Without either date, an assignment is never due.
  ('assignments', 'created_at', 'instant', '0007', true),
  ('assignments', 'peer_mentor_name', 'text', '0007', false),
  ('assignments', 'peer_mentor_phone', 'text', '0007', false),
  ('assignments', 'peer_mentor_email', 'text', '0007', false),
  ('assignments', 'contact_name', 'text', '0007', false),
  ('assignments', 'timezone', 'text', '0007', false),
  ('assignments', 'last_reminder_at', 'instant', '0007', false),
  ('activities', 'assignment_id', 'any', '', false),
  ('activities', 'occurred_at', 'instant', '0007', false),
  ('crews', 'id', 'uuid', '', true),
  ('crews', 'name', 'text', '', false),
  ('crews', 'owner_id', 'uuid', '', false),
  ('crew_members', 'id', 'uuid', '', true),
  ('crew_members', 'crew_id', 'uuid', '', false),
  ('crew_members', 'user_id', 'uuid', '', false),
  ('crew_members', 'name', 'text', '0007', false),
  ('crew_members', 'phone', 'text', '0007', false),
  ('crew_members', 'email', 'text', '0007', false),
  ('crew_members', 'timezone', 'text', '0007', false),
  ('auto_syncs', 'id', 'uuid', '', true),
  ('auto_syncs', 'organizer_id', 'uuid', '', false),
  ('auto_syncs', 'crew_id', 'uuid', '', false),
  ('auto_syncs', 'event_name', 'text', '', false),
  ('auto_syncs', 'status', 'word', '', false),
  ('auto_syncs', 'response_goal', 'text', '', false),
  ('auto_syncs', 'organizer_name', 'text', '0007', false),
  ('auto_syncs', 'timezone', 'text', '0007', false),
  ('auto_syncs', 'started_at', 'instant', '0007', false),
  ('auto_syncs', 'paused_at', 'instant', '0007', false),
  ('auto_sync_responses', 'auto_sync_id', 'uuid', '', false),
  ('auto_sync_responses', 'member_id', 'uuid', '', false),
  ('auto_sync_messages', 'auto_sync_id', 'uuid', '', false),
  ('auto_sync_messages', 'message_type', 'word', '', false),
  ('auto_sync_messages', 'member_id', 'uuid', '0007', false),
  ('auto_sync_messages', 'message_id', 'uuid', '0007', false),
  ('auto_sync_messages', 'status', 'text', '0007', false),
  ('auto_sync_messages', 'body', 'text', '0007', false),
  ('auto_sync_messages', 'sent_at', 'instant', '0007', false),
  ('job_queue', 'id', 'any', '', true),
  ('job_queue', 'sync_id', 'uuid', '', false),
  ('job_queue', 'job_type', 'text', '', false),
  ('job_queue', 'scheduled_at', 'instant', '', false),
  ('job_queue', 'status', 'text', '', false),
  ('job_queue', 'processed_at', 'instant', '', false),
  ('job_queue', 'error_message', 'text', '', false),
  ('job_queue', 'attempts', 'integer', '0007', false),
  ('job_queue', 'retry_at', 'instant', '0007', false)
), written (table_name, column_names) as (values
  -- Baton inserts rows here, with these columns alone.
  ('auto_sync_messages', '{auto_sync_id,member_id,message_type,message_id,status}'::text[]),
  ('job_queue', '{sync_id,job_type,scheduled_at}'),
  ('synced_emails', '{source,id,sync_job_id,thread_id,blob_id,mailbox_ids,keywords,message_id,subject,preview,sender,recipients,received_at,sent_at,size,has_attachment,payload,synced_at}')
), types (type, name, accepted) as (values
  ('text', 'text', '{text,varchar,citext}'::text[]),
  ('word', 'text', '{text,varchar,citext}'),
  ('texts', 'text[]', '{_text,_varchar}'),
  ('instant', 'timestamp with time zone', '{timestamptz}'),
  ('jsonb', 'jsonb', '{jsonb}'),
  ('uuid', 'uuid', '{uuid}'),
  ('integer', 'integer', '{int4,int8}'),
  ('bigint', 'bigint', '{int8}'),
  ('boolean', 'boolean', '{bool}')
), tables as (
  select c.oid, c.relname::text as table_name, c.relkind from pg_catalog.pg_class c
  where c.relnamespace = to_regnamespace('public') and c.relname in (select n.table_name from needed n)
), columns as (
  select t.oid, t.table_name, a.attname::text as column_name, a.attnotnull, format_type(a.atttypid, a.atttypmod) as found,
         y.typname::text as typname, y.typtype, d.typtype = 'd' as is_domain, case when y.typname = 'varchar' and a.atttypmod > 0 then a.atttypmod - 4 end as length,
         a.atthasdef or a.attidentity <> '' as has_default, a.attnum
  from tables t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  join pg_catalog.pg_type d on d.oid = a.atttypid
  -- A domain is as good as the type below it, except for instants, of which 0007 wants the type itself.
  join pg_catalog.pg_type y on y.oid = case when d.typtype = 'd' then d.typbasetype else d.oid end
), differences (about, found, wanted, statement, place) as (
  select 'public.' || t.table_name, 'is not a table', 'a table', format('alter table public.%I rename to …', t.table_name), 0
  from tables t where t.relkind not in ('r', 'p')
  union all
  select format('public.%s.%s', n.table_name, n.column_name), 'is missing', 'it',
         format('alter table public.%I add column %I %s', n.table_name, n.column_name, coalesce(y.name, '…')), 1
  from needed n join tables t using (table_name) left join types y using (type)
  where t.relkind in ('r', 'p') and not exists (select from columns c where c.oid = t.oid and c.column_name = n.column_name)
    and (n.made_by = '' or exists (select from unnest($1::text[]) f where f like n.made_by || '%'))
  union all
  select format('public.%s.%s', n.table_name, n.column_name), 'is ' || c.found,
         y.name || case when z.local then ' (for UTC, write the time zone in which the application wrote the values)' else '' end,
         format('alter table public.%1$I alter column %2$I type %3$s using %2$I%4$s', n.table_name, n.column_name, y.name,
           case when z.local then ' at time zone ''UTC''' else '::' || y.name end), 2
  from needed n join columns c using (table_name, column_name) join types y using (type)
  cross join lateral (select n.type = 'instant' and c.typname = 'timestamp' as local) z
  -- The longest word that Baton writes has 20 letters.
  where (c.typname <> all (y.accepted) and not (n.type = 'word' and c.typtype = 'e')) or (n.type = 'instant' and c.is_domain) or (n.made_by <> '' and n.type = 'text' and c.length < 32)
  union all
  select format('public.%s.%s', n.table_name, n.column_name), 'may be null', 'not null',
         format('update public.%1$I set %2$I = %3$s where %2$I is null; alter table public.%1$I alter column %2$I set not null', n.table_name, n.column_name,
           case n.type when 'instant' then 'now()' when 'integer' then '0' else '…' end), 3
  from needed n join columns c using (table_name, column_name)
  where n.never_null and not c.attnotnull
  union all
  select format('public.%s.%s', c.table_name, c.column_name), 'has no default', 'a default, because Baton inserts rows without this column',
         format('alter table public.%I alter column %I set default …', c.table_name, c.column_name), 4
  from columns c join written w using (table_name)
  where c.attnotnull and not c.has_default and c.column_name <> all (w.column_names)
  union all
  select 'public.synced_emails', 'has no unique index on source and id', 'one', 'create unique index concurrently on public.synced_emails (source, id)', 5
  from tables t
  where t.table_name = 'synced_emails' and not exists (
    select from pg_catalog.pg_index i where i.indrelid = t.oid and i.indisunique and i.indpred is null and i.indexprs is null
      and (select array_agg(c.column_name order by c.column_name) from columns c where c.oid = t.oid and c.attnum = any (i.indkey::int2[])) = '{id,source}')
)
select d.about, d.found, d.wanted, d.statement from differences d order by d.about, d.place
