-- A provider's patience, kept for the channels that it serves; wakes that cost writers next to nothing; policies that an
-- index serves.

create table baton.channels (
  channel text primary key
    constraint channel_is_known check (channel in ('sms', 'email')),
  provider text,
  blocked_until timestamptz,
  blocked_reason text,
  constraint a_blocked_channel_has_a_reason check (blocked_until is null or blocked_reason is not null)
);
comment on table baton.channels is 'The ways of sending: which provider serves each, and until when it gets no request.';
comment on column baton.channels.provider is 'The provider of the last message that was submitted.';
insert into baton.channels (channel) values ('sms'), ('email');
update baton.channels c set blocked_until = l.blocked_until, blocked_reason = l.blocked_reason
from baton.limiters l where l.job = 'auto-sync-jobs' and l.blocked_until > baton.clock();
update baton.limiters l set blocked_until = null, blocked_reason = null where l.job in ('auto-sync-jobs', 'follow-up-reminders');

-- Claims leave out the channels that are blocked.
create index messages_due_by_channel_idx on baton.messages (job, channel, due_at) where due_at is not null;
drop index baton.messages_due_idx;

create table baton.inbound_messages (
  provider_id text primary key,
  received_at timestamptz not null default baton.clock()
);
comment on table baton.inbound_messages is 'Replies that changed an opt-out, so that a repeated request changes nothing. A provider''s signature holds for ever, and so do they.';

-- What text messages may cost at most.
alter table baton.settings
  add column allowed_regions text
    constraint allowed_regions_are_country_codes check (allowed_regions ~ '^[A-Z]{2}(,[A-Z]{2})*$'),
  add column most_segments int not null default 10
    constraint most_segments_within_1_and_20 check (most_segments between 1 and 20),
  add column hourly_ceiling int
    constraint hourly_ceiling_within_1_and_1000000 check (hourly_ceiling between 1 and 1000000);
comment on column baton.settings.allowed_regions is 'The countries that get text messages, ISO 3166-1 alpha-2, with commas; null: all.';
comment on column baton.settings.most_segments is 'A text message of more segments is not sent, because each is paid for.';
comment on column baton.settings.hourly_ceiling is 'Text messages in an hour, to all recipients together, after which both jobs that send are paused; null: any number.';
create index messages_by_submission_idx on baton.messages (submitting_at) where channel = 'sms' and submitting_at is not null;

-- Until when a job counts as woken, in seconds since 1970.
do $$
declare
  v_lock_id bigint;
begin
  for v_lock_id in select j.lock_id from baton.jobs j loop
    perform setval(format('baton.woken_%s', v_lock_id), 0);
    execute format('comment on sequence baton.woken_%s is %L', v_lock_id, 'Until when the job with this lock counts as woken, in seconds since 1970.');
  end loop;
end
$$;

-- The user is asked for once a statement and compared as what the column is, or no index serves.
do $$
declare
  v_user constant text := $sql$(select case when u.sub ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then u.sub::uuid end
    from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' as sub) u)$sql$;
  v_policy record;
begin
  for v_policy in
    select p.tablename, p.policyname, case when p.tablename = 'job_queue' then 'sync_id' else 'auto_sync_id' end as sync
    from pg_policies p
    where p.schemaname = 'public' and p.qual like '%::text%' and (p.tablename, p.policyname) in (
      ('crews', 'owners see and change their own'), ('job_queue', 'users see the jobs of their own auto-syncs'),
      ('auto_sync_responses', 'organizers see what concerns their own'), ('auto_sync_messages', 'organizers see what concerns their own'))
  loop
    if v_policy.tablename = 'crews' then
      execute format('alter policy %I on public.crews using (owner_id = %s) with check (owner_id = %2$s)', v_policy.policyname, v_user);
    else
      execute format('alter policy %I on public.%I using (%I in (select s.id from public.auto_syncs s where s.organizer_id = %s))',
        v_policy.policyname, v_policy.tablename, v_policy.sync, v_user);
    end if;
  end loop;
end
$$;
