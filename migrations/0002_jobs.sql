-- Jobs, their limits and schedules, and the settings of the whole.

create table baton.settings (
  only_row boolean primary key default true constraint settings_have_one_row check (only_row),
  wake text not null default 'listen'
    constraint wake_is_known check (wake in ('listen', 'none')),
  revalidate_after interval not null default interval '30 days'
    constraint revalidate_after_is_positive check (revalidate_after > interval '0'),
  runs_kept_for interval not null default interval '30 days'
    constraint runs_kept_for_is_positive check (runs_kept_for > interval '0')
);
comment on table baton.settings is 'Settings of the whole deployment; one row.';
insert into baton.settings default values;

create table baton.jobs (
  name text primary key
    constraint job_name_is_plain check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  lock_id bigint not null unique,
  route text not null
    constraint job_route_is_a_path check (route like '/%'),
  mode text not null default 'self_adaptive'
    constraint job_mode_is_known check (mode in ('protected', 'self_adaptive')),
  batch_size int not null default 50
    constraint job_batch_size_within_1_and_1000 check (batch_size between 1 and 1000),
  lease_seconds int not null default 8
    constraint job_lease_within_4_and_300_seconds check (lease_seconds between 4 and 300),
  max_attempts int not null default 3
    constraint job_max_attempts_within_1_and_100 check (max_attempts between 1 and 100),
  max_parallel int not null default 1
    constraint job_max_parallel_within_1_and_64 check (max_parallel between 1 and 64),
  rate_per_minute int
    constraint job_rate_is_positive check (rate_per_minute > 0),
  rate_burst int not null default 100
    constraint job_burst_is_positive check (rate_burst > 0),
  restart_delay_seconds int not null default 60
    constraint job_restart_delay_is_not_negative check (restart_delay_seconds >= 0),
  alert_after_seconds int not null default 43200
    constraint job_alert_is_positive check (alert_after_seconds > 0),
  paused_at timestamptz,
  paused_by text,
  pause_reason text,
  created_at timestamptz not null default baton.clock(),
  constraint paused_job_says_by_whom check ((paused_at is null) = (paused_by is null))
);
comment on table baton.jobs is 'A named kind of work: where it is done, how much at a time, and whether it may run.';
comment on column baton.jobs.rate_per_minute is 'Items started per minute; null for no limit.';
comment on column baton.jobs.lock_id is 'Key of the advisory lock that every claim of this job takes.';

-- 123456789 is the lock that operators of the first version look for; it stays.
insert into baton.jobs (name, lock_id, route, rate_per_minute)
values ('validate-contacts', 123456789, '/jobs/validate-contacts', 100);

create table baton.limiters (
  job text primary key references baton.jobs,
  tokens double precision not null
    constraint limiter_tokens_are_not_negative check (tokens >= 0),
  refilled_at timestamptz not null default baton.clock(),
  blocked_until timestamptz,
  blocked_reason text
) with (fillfactor = 50);
comment on table baton.limiters is 'One token bucket per job; apart from jobs, because it changes with every claim.';
insert into baton.limiters (job, tokens) select name, rate_burst from baton.jobs;

create table baton.schedules (
  job text primary key references baton.jobs,
  cron text not null
    constraint cron_has_five_fields check (cron ~ '^\S+( +\S+){4}$'),
  enabled boolean not null default true,
  changed_at timestamptz not null default baton.clock()
);
comment on table baton.schedules is 'When a job starts a cycle by itself: five cron fields, UTC.';
insert into baton.schedules (job, cron) values ('validate-contacts', '0 2 * * *');

create table baton.slots (
  job text not null references baton.jobs,
  due_at timestamptz not null,
  status text not null default 'planned'
    constraint slot_status_is_known check (status in ('planned', 'started', 'idle', 'skipped')),
  settled_at timestamptz,
  primary key (job, due_at),
  constraint settled_slot_has_settled_at check ((status = 'planned') = (settled_at is null))
);
comment on table baton.slots is 'One due moment of a schedule; unique, so any number of schedulers is harmless.';
create index slots_planned_idx on baton.slots (job, due_at) where status = 'planned';

create table baton.events (
  id bigint generated always as identity primary key,
  noun text not null,
  noun_id text not null,
  from_state text,
  to_state text,
  who text not null,
  at timestamptz not null default baton.clock()
);
comment on table baton.events is 'What people and cycles did: history of states that no attempt row tells.';
create index events_by_noun_idx on baton.events (noun, noun_id, at);
