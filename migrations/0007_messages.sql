-- Messages to people, and the two jobs that send them: follow-up reminders and auto-syncs.

alter table baton.events add column why text;

alter table baton.settings
  add column auto_sync_reminder_after interval not null default '24 hours'
    constraint auto_sync_reminder_after_is_positive check (auto_sync_reminder_after > interval '0'),
  add column auto_sync_pause_after interval not null default '48 hours',
  add column auto_sync_jobs_kept_for interval not null default '3 days'
    constraint auto_sync_jobs_kept_for_is_positive check (auto_sync_jobs_kept_for > interval '0'),
  add column follow_up_after interval not null default '7 days'
    constraint follow_up_after_is_positive check (follow_up_after > interval '0'),
  add column follow_up_every interval not null default '7 days'
    constraint follow_up_every_is_at_least_a_minute check (follow_up_every >= interval '1 minute'),
  add column quiet_from text not null default '21:00'
    constraint quiet_from_is_a_time_of_day check (quiet_from ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  add column quiet_until text not null default '08:00'
    constraint quiet_until_is_a_time_of_day check (quiet_until ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  add column daily_cap int not null default 3
    constraint daily_cap_within_1_and_1000 check (daily_cap between 1 and 1000),
  add column default_region text
    constraint default_region_is_two_capital_letters check (default_region ~ '^[A-Z]{2}$'),
  add column default_zone text not null default 'UTC',
  add column follow_up_subject text not null default 'A reminder to follow up',
  add column follow_up_text text not null
    default 'Hello{% if name %} {{ name }}{% endif %}, it is {{ days }} days since {% if contact_name %}{{ contact_name }}{% else %}your contact{% endif %} last heard from you. Please get in touch and log it.',
  add column auto_sync_subject text not null default 'Your answer is missing',
  add column auto_sync_text text not null
    default 'Hello{% if name %} {{ name }}{% endif %}, your answer about {{ event_name }} is still missing. Please respond.',
  add constraint auto_sync_pause_comes_after_the_reminder check (auto_sync_pause_after > auto_sync_reminder_after),
  add constraint message_texts_are_not_empty check ('' not in (follow_up_subject, follow_up_text, auto_sync_subject, auto_sync_text));
comment on column baton.settings.follow_up_after is 'An assignment is due for its first reminder so long after its last contact.';
comment on column baton.settings.follow_up_every is 'The period: at most one reminder per assignment in so long.';
comment on column baton.settings.quiet_from is 'From here to quiet_until, local time of the recipient, nothing is sent; the same value twice means that nothing is held.';
comment on column baton.settings.daily_cap is 'Messages to one address in 24 hours.';
comment on column baton.settings.default_region is 'The country (ISO 3166-1) of phone numbers that name none; null to refuse these.';
comment on column baton.settings.default_zone is 'The time zone of recipients about whom nothing is known.';

-- 12345678 is the lock that the reminders' first version documented, so operators look for it; it stays.
-- 123456791 is the next after those of the other jobs. All are keys of one namespace, so none may occur twice.
insert into baton.jobs (name, lock_id, route, mode, batch_size, alert_after_seconds)
values ('follow-up-reminders', 12345678, '/jobs/follow-up-reminders', 'protected', 100, 1800),
       ('auto-sync-jobs', 123456791, '/jobs/auto-sync-jobs', 'self_adaptive', 100, 1800);
insert into baton.limiters (job, tokens) select name, rate_burst from baton.jobs where name in ('follow-up-reminders', 'auto-sync-jobs');
insert into baton.schedules (job, cron) values ('follow-up-reminders', '0 9 * * *');
alter table baton.jobs
  add constraint messages_go_out_one_batch_at_a_time check (name not in ('follow-up-reminders', 'auto-sync-jobs') or max_parallel = 1);

create table baton.messages (
  id uuid primary key default baton.ordered_id(),
  job text not null,
  purpose text not null
    constraint message_purpose_is_known check (purpose in ('follow_up', 'auto_sync')),
  subject_id text not null,
  recipient_id text not null,
  period_start timestamptz not null,
  channel text
    constraint message_channel_is_known check (channel in ('sms', 'email')),
  recipient text not null,
  time_zones text[] not null default '{}',
  fields jsonb not null default '{}',
  status text not null default 'reserved'
    constraint message_status_is_known
    check (status in ('reserved', 'submitting', 'submitted', 'delivered', 'undelivered', 'failed', 'unknown')),
  reason text,
  detail text,
  due_at timestamptz,
  expires_at timestamptz,
  attempt_id uuid,
  attempts int not null default 0,
  losses int not null default 0,
  looks int not null default 0,
  address text,
  subject text,
  body text,
  provider text,
  provider_id text,
  created_at timestamptz not null default baton.clock(),
  submitting_at timestamptz,
  submitted_at timestamptz,
  ended_at timestamptz,
  constraint one_message_per_recipient_and_period unique (purpose, subject_id, recipient_id, period_start),
  constraint only_failed_messages_have_no_channel check (channel is not null or status = 'failed'),
  constraint only_waiting_messages_are_due check (due_at is null or (status in ('reserved', 'unknown') and attempt_id is null)),
  constraint ended_message_has_ended_at check ((status in ('delivered', 'undelivered', 'failed')) = (ended_at is not null))
);
comment on table baton.messages is 'Every outgoing message, written before anything is sent.';
comment on column baton.messages.subject_id is 'The assignment or the auto-sync that it is about.';
comment on column baton.messages.period_start is 'The period of the assignment, or when the queued job of the auto-sync was due: each is reminded of once.';
comment on column baton.messages.recipient is 'Where to, as the application stored it; address is what became of it.';
comment on column baton.messages.time_zones is 'Where the recipient may be, the best guess first.';
comment on column baton.messages.due_at is 'When it is next worth a look: to be sent, or, if unknown, to ask the provider about it; null while somebody has it, or nobody need look.';
comment on column baton.messages.losses is 'How often its sender died before sending it.';
comment on column baton.messages.looks is 'How often the provider was asked about it.';
create index messages_due_idx on baton.messages (job, due_at) where due_at is not null;
create index messages_by_address_idx on baton.messages (address, submitting_at) where submitting_at is not null;
create index messages_unknown_idx on baton.messages (submitting_at) where status = 'unknown';
create index messages_by_age_idx on baton.messages (created_at);

create table baton.opt_outs (
  channel text not null
    constraint opt_out_channel_is_known check (channel in ('sms', 'email')),
  address text not null,
  opted_out_at timestamptz not null default baton.clock(),
  primary key (channel, address)
);
comment on table baton.opt_outs is 'Who wants no messages: told by a reply such as STOP, or by the provider.';

create table baton.alerts (
  id bigint generated always as identity primary key,
  job text not null,
  cycle_id uuid not null unique references baton.cycles on delete cascade,
  reason text not null default 'running_too_long',
  alert_after_seconds int not null,
  noticed_at timestamptz not null default baton.clock()
);
comment on table baton.alerts is 'Cycles that ran for longer than their job''s alert threshold, once each.';

-- What follows belongs to the application: made when absent, extended when present. What is made here is closed
-- to everybody but its owner and the people it is about, because some platforms open schema public to all.
do $$
declare
  v_key text;
  v_made text[] := '{}';
  v_table text;
  v_user constant text := $sql$(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')$sql$;
  v_own_sync constant text := format('exists (select from public.auto_syncs s where s.id = %%s and s.organizer_id::text = %s)', v_user);
begin
  foreach v_table in array array['assignments', 'activities', 'crews', 'crew_members', 'auto_syncs', 'auto_sync_responses', 'auto_sync_messages', 'job_queue'] loop
    if to_regclass('public.' || v_table) is null then
      v_made := v_made || v_table;
    end if;
  end loop;

  create table if not exists public.assignments (id uuid primary key default gen_random_uuid());
  alter table public.assignments
    add column if not exists status text default 'active',
    add column if not exists last_contact_date timestamptz,
    add column if not exists created_at timestamptz not null default now(),
    add column if not exists peer_mentor_id uuid,
    add column if not exists peer_mentor_name text,
    add column if not exists peer_mentor_phone text,
    add column if not exists peer_mentor_email text,
    add column if not exists contact_name text,
    add column if not exists timezone text,
    add column if not exists last_reminder_at timestamptz;
  if (select a.atttypid from pg_attribute a where a.attrelid = 'public.assignments'::regclass and a.attname = 'last_contact_date') <> 'timestamptz'::regtype then
    raise exception 'assignments.last_contact_date must be a timestamptz'
      using hint = 'alter table assignments alter last_contact_date type timestamptz';
  end if;
  select format_type(a.atttypid, a.atttypmod) into v_key
  from pg_attribute a where a.attrelid = 'public.assignments'::regclass and a.attname = 'id';
  execute format('create table if not exists public.activities (
    id uuid primary key default gen_random_uuid(),
    assignment_id %s not null references public.assignments on delete cascade,
    registration text not null default ''direct''
      constraint activity_registration_is_known check (registration in (''direct'', ''proxy'', ''bulk'', ''coordinator_proxy'')),
    registered_by uuid,
    note text,
    created_at timestamptz not null default now())', v_key);
  alter table public.activities
    add column if not exists occurred_at timestamptz not null default now();

  create table if not exists public.crews (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    owner_id uuid,
    created_at timestamptz not null default now()
  );
  create table if not exists public.crew_members (
    id uuid primary key default gen_random_uuid(),
    crew_id uuid not null references public.crews on delete cascade,
    user_id uuid,
    created_at timestamptz not null default now()
  );
  alter table public.crew_members
    add column if not exists name text,
    add column if not exists phone text,
    add column if not exists email text,
    add column if not exists timezone text;
  create index if not exists crew_members_by_crew_idx on public.crew_members (crew_id);
  create table if not exists public.auto_syncs (
    id uuid primary key default gen_random_uuid(),
    organizer_id uuid not null,
    crew_id uuid not null references public.crews on delete cascade,
    event_name text not null,
    status text not null default 'running'
      constraint auto_sync_status_is_known check (status in ('draft', 'running', 'paused', 'completed', 'cancelled')),
    response_goal text not null default 'everyone'
      constraint response_goal_is_everyone_majority_or_a_number check (response_goal ~ '^(everyone|majority|[1-9][0-9]{0,5})$'),
    created_at timestamptz not null default now()
  );
  alter table public.auto_syncs
    add column if not exists organizer_name text,
    add column if not exists timezone text,
    add column if not exists started_at timestamptz default now(),
    add column if not exists paused_at timestamptz;
  create index if not exists auto_syncs_by_organizer_idx on public.auto_syncs (organizer_id);
  create table if not exists public.auto_sync_responses (
    auto_sync_id uuid not null references public.auto_syncs on delete cascade,
    member_id uuid not null references public.crew_members on delete cascade,
    response text,
    responded_at timestamptz not null default now(),
    primary key (auto_sync_id, member_id)
  );
  create index if not exists auto_sync_responses_by_member_idx on public.auto_sync_responses (member_id);
  create table if not exists public.auto_sync_messages (
    id uuid primary key default gen_random_uuid(),
    auto_sync_id uuid not null references public.auto_syncs on delete cascade,
    message_type text not null,
    created_at timestamptz not null default now()
  );
  alter table public.auto_sync_messages
    add column if not exists member_id uuid,
    add column if not exists message_id uuid,
    add column if not exists status text,
    add column if not exists body text,
    add column if not exists sent_at timestamptz;
  create index if not exists auto_sync_messages_by_sync_idx on public.auto_sync_messages (auto_sync_id, message_type);
  create unique index if not exists auto_sync_messages_by_message_idx on public.auto_sync_messages (message_id) where message_id is not null;

  create table if not exists public.job_queue (
    id uuid primary key default gen_random_uuid(),
    sync_id uuid references public.auto_syncs on delete cascade,
    job_type text constraint job_type_is_known check (job_type in ('reminder_24h', 'pause_check_48h')),
    scheduled_at timestamptz not null,
    status text default 'pending'
      constraint queued_job_status_is_known check (status in ('pending', 'processing', 'processed', 'skipped')),
    created_at timestamptz default now(),
    processed_at timestamptz,
    error_message text
  );
  alter table public.job_queue
    add column if not exists attempts int not null default 0,
    add column if not exists retry_at timestamptz;
  create unique index if not exists idx_job_queue_one_pending_per_type on public.job_queue (sync_id, job_type) where status = 'pending';
  create index if not exists job_queue_due_idx on public.job_queue (scheduled_at) where status = 'pending';
  create index if not exists job_queue_ended_idx on public.job_queue (processed_at) where status in ('processed', 'skipped');
  create index if not exists job_queue_by_sync_idx on public.job_queue (sync_id);

  foreach v_table in array v_made loop
    execute format('alter table public.%I enable row level security', v_table);
  end loop;
  if 'auto_syncs' = any (v_made) then
    execute format('create policy "organizers see and change their own" on public.auto_syncs
      using (organizer_id::text = %s) with check (organizer_id::text = %1$s)', v_user);
  end if;
  if 'crews' = any (v_made) then
    execute format('create policy "owners see and change their own" on public.crews using (owner_id::text = %s) with check (owner_id::text = %1$s)', v_user);
  end if;
  if 'auto_sync_responses' = any (v_made) then
    execute format('create policy "organizers see what concerns their own" on public.auto_sync_responses for select using (%s)', format(v_own_sync, 'auto_sync_id'));
  end if;
  if 'auto_sync_messages' = any (v_made) then
    execute format('create policy "organizers see what concerns their own" on public.auto_sync_messages for select using (%s)', format(v_own_sync, 'auto_sync_id'));
  end if;
  if 'job_queue' = any (v_made) then
    execute format('create policy "users see the jobs of their own auto-syncs" on public.job_queue for select using (%s)', format(v_own_sync, 'sync_id'));
    if exists (select from pg_roles r where r.rolname = 'service_role') then
      create policy "the service may do everything" on public.job_queue to service_role using (true) with check (true);
      grant select, insert, update, delete on public.job_queue to service_role;
    end if;
    if exists (select from pg_roles r where r.rolname = 'authenticated') then
      grant select on public.job_queue, public.auto_syncs to authenticated;
    end if;
  end if;
end
$$;

comment on column public.assignments.last_reminder_at is 'When the last reminder was reserved.';
-- One index per way of being due, each in the order in which a claim reads it.
create index if not exists assignments_never_reminded_idx on public.assignments (coalesce(last_contact_date, created_at))
  where status = 'active' and (last_reminder_at is null or last_reminder_at < coalesce(last_contact_date, created_at));
create index if not exists assignments_reminded_idx on public.assignments (last_reminder_at)
  where status = 'active' and last_reminder_at >= coalesce(last_contact_date, created_at);
create index if not exists activities_by_assignment_idx on public.activities (assignment_id, occurred_at);
