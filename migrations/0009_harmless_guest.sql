-- What keeps Baton harmless in a database of others: closed tables, wakes that nobody waits for, items set aside with
-- their errors, and the memory of which server's history this is.

-- An item that raises an error, apart from the row of the application that it is about, which may not be writable.
create table baton.set_aside (
  job text not null references baton.jobs,
  item_id text not null,
  sqlstate text not null,
  message text not null,
  tries int not null default 1
    constraint set_aside_tries_are_positive check (tries > 0),
  since timestamptz not null default baton.clock(),
  retry_at timestamptz,
  primary key (job, item_id)
);
comment on table baton.set_aside is 'Items whose work raised an error: out of the way of the others until retry_at, or until an operator retries them.';
comment on column baton.set_aside.retry_at is 'When it is tried again by itself; null: when an operator says so.';

-- When each job was last woken, in milliseconds since 1970. Sequences change in place, so no writer waits for another.
do $$
declare
  v_lock_id bigint;
begin
  for v_lock_id in select j.lock_id from baton.jobs j loop
    execute format('create sequence baton.woken_%s minvalue 0 start 0', v_lock_id);
    execute format('comment on sequence baton.woken_%1$s is %2$L', v_lock_id, 'When the job with this lock was last woken, in milliseconds since 1970.');
  end loop;
end
$$;

update baton.settings s set follow_up_every = s.follow_up_after where s.follow_up_every > s.follow_up_after;
alter table baton.settings
  add column server_history text,
  add column after_failover text not null default 'hold'
    constraint after_failover_is_known check (after_failover in ('hold', 'continue')),
  add column messages_kept_for interval not null default '30 days'
    constraint messages_are_kept_for_at_least_7_days check (messages_kept_for >= interval '7 days'),
  add column personal_data_kept_for interval not null default '30 days'
    constraint personal_data_is_kept_for_at_least_2_days check (personal_data_kept_for >= interval '2 days'),
  add constraint follow_up_every_is_not_longer_than_follow_up_after check (follow_up_every <= follow_up_after);
comment on column baton.settings.server_history is 'The server and its timeline (a promotion or a restore begins another one) that last claimed messages.';
comment on column baton.settings.after_failover is 'Whether messages are held for an operator when the server''s history changed, because the last ones may have gone out.';
comment on column baton.settings.messages_kept_for is 'Messages that ended are deleted after so long; the daily cap, callbacks and reconciliation need them until then.';
comment on column baton.settings.personal_data_kept_for is 'Recipient, text and fields of messages that ended are blanked after so long.';

-- What a migration made in public is closed, because some platforms open that schema to everybody. Tables that were there
-- before belong to the application. Where that is not known, `baton doctor` tells.
do $$
declare
  v_table text;
  v_user constant text := $sql$(select case when u.sub ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then u.sub::uuid end
    from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' as sub) u)$sql$;
begin
  foreach v_table in array array['contacts', 'synced_emails'] loop
    if to_regclass('baton.found_tables') is not null
      and not exists (select from baton.found_tables f where f.name = v_table)
    then
      execute format('alter table public.%I enable row level security', v_table);
    end if;
  end loop;

  -- Users start auto-syncs for crews of their own, from now on. The user is asked for once a statement, so that an index serves.
  if exists (select from pg_policies p where p.schemaname = 'public' and p.tablename = 'auto_syncs' and p.policyname = 'organizers see and change their own') then
    drop policy "organizers see and change their own" on public.auto_syncs;
    execute format('create policy "organizers see their own" on public.auto_syncs for select using (organizer_id = %s)', v_user);
    execute format('create policy "organizers delete their own" on public.auto_syncs for delete using (organizer_id = %s)', v_user);
    execute format('create policy "organizers change their own" on public.auto_syncs for update using (organizer_id = %s)
      with check (organizer_id = %1$s and exists (select from public.crews c where c.id = crew_id and c.owner_id = organizer_id))', v_user);
    execute format('create policy "organizers start them for crews of their own" on public.auto_syncs for insert
      with check (organizer_id = %s and started_at >= created_at and created_at >= now() - interval ''1 minute''
        and exists (select from public.crews c where c.id = crew_id and c.owner_id = organizer_id))', v_user);
  end if;
end
$$;
