-- Cycles, attempts and the log of runs.

create table baton.cycles (
  id uuid primary key default gen_random_uuid(),
  job text not null references baton.jobs,
  status text not null default 'running'
    constraint cycle_status_is_known check (status in ('running', 'completed', 'failed')),
  started_at timestamptz not null default baton.clock(),
  completed_at timestamptz,
  total_items bigint
    constraint cycle_total_is_not_negative check (total_items >= 0),
  done_items bigint not null default 0
    constraint cycle_done_is_not_negative check (done_items >= 0),
  iteration int not null default 0
    constraint cycle_iteration_is_not_negative check (iteration >= 0),
  trigger text,
  error_message text,
  config jsonb not null default '{}'
    constraint cycle_config_is_an_object check (jsonb_typeof(config) = 'object'),
  constraint running_cycle_is_not_completed check (status <> 'running' or completed_at is null),
  constraint only_one_running exclude (job with =) where (status = 'running')
);
comment on table baton.cycles is 'One pass over everything due, spread over many short invocations; at most one runs per job.';
create index cycles_by_job_idx on baton.cycles (job, started_at desc);

create table baton.attempts (
  id uuid primary key default gen_random_uuid(),
  job text not null references baton.jobs,
  cycle_id uuid references baton.cycles,
  trigger text not null,
  worker text not null,
  item_ids text[] not null,
  n_items int not null,
  claimed_at timestamptz not null,
  leased_until timestamptz not null,
  finished_at timestamptz,
  outcome text
    constraint attempt_outcome_is_known check (outcome in ('settled', 'lost')),
  result jsonb,
  constraint finished_attempt_has_an_outcome check ((finished_at is null) = (outcome is null))
);
comment on table baton.attempts is 'A lease on a batch. Its id is the fencing token: whoever settles must name it.';
create index attempts_open_idx on baton.attempts (job, leased_until) where finished_at is null;
create index attempts_by_cycle_idx on baton.attempts (cycle_id);
create index attempts_finished_idx on baton.attempts (finished_at) where finished_at is not null;

-- Only items whose attempt died have a row here, so the table is nearly always empty.
create table baton.item_losses (
  job text not null references baton.jobs,
  item_id text not null,
  losses int not null
    constraint losses_are_positive check (losses > 0),
  primary key (job, item_id)
);
comment on table baton.item_losses is 'How often an item was in an attempt that died; the road to giving up on what kills its worker.';

create table baton.runs (
  id bigint generated always as identity primary key,
  job text not null references baton.jobs,
  status text not null
    constraint run_status_is_known check (status in ('ran', 'skipped', 'idle', 'failed', 'lost')),
  reason text,
  counts jsonb not null default '{}',
  trigger text not null,
  worker text not null,
  attempt_id uuid,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  constraint unfinished_business_has_a_reason check (status = 'ran' or reason is not null)
);
comment on table baton.runs is 'The execution log: every invocation, what it did or why it did nothing.';
create index runs_by_job_idx on baton.runs (job, started_at desc);
create index runs_by_age_idx on baton.runs (finished_at);

create table baton.queue_samples (
  job text not null references baton.jobs,
  sampled_at timestamptz not null,
  due_items bigint not null,
  primary key (job, sampled_at)
);
comment on table baton.queue_samples is 'How much was due, once an hour.';
