-- Sources, sync jobs and their chunks: the queue. Many attempts of one job may be open at once.

-- Ids in the order of their making (UUID version 7, RFC 9562), so that neighbours in time are neighbours in an index.
create function baton.ordered_id() returns uuid
language sql volatile
as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;
comment on function baton.ordered_id() is 'A new id that sorts by the time of its making.';

insert into baton.jobs (name, lock_id, route, batch_size, max_parallel)
values ('process-chunks', 123456790, '/jobs/process-chunks', 1, 8);
insert into baton.limiters (job, tokens) select name, rate_burst from baton.jobs where name = 'process-chunks';
alter table baton.jobs
  add constraint contacts_are_validated_one_batch_at_a_time check (name <> 'validate-contacts' or max_parallel = 1);

alter table baton.attempts
  alter column id set default baton.ordered_id(),
  add column seat int,
  add column sync_job_ids uuid[];
comment on column baton.attempts.seat is 'Which of the max_parallel places of its job the attempt takes.';
comment on column baton.attempts.sync_job_ids is 'The sync jobs whose chunks are in the batch.';
-- Jobs are never deleted, and the check would lock the one row of a job with every attempt and every line of the log.
alter table baton.attempts drop constraint attempts_job_fkey;
alter table baton.runs drop constraint runs_job_fkey;
-- By age, because a claim looks at the open ones alone, and the oldest open one bounds where it has to look.
drop index baton.attempts_open_idx;
create index attempts_open_idx on baton.attempts (job, claimed_at) where finished_at is null;
drop index baton.attempts_finished_idx;
create index attempts_finished_idx on baton.attempts (job, finished_at) where finished_at is not null;
drop index baton.attempts_by_cycle_idx;
create index attempts_by_cycle_idx on baton.attempts (cycle_id) where cycle_id is not null;

create table baton.sources (
  name text primary key
    constraint source_name_is_letters_digits_and_some_punctuation check (name ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$'),
  kind text not null
    constraint source_kind_is_known check (kind in ('jmap', 'json', 'noop')),
  url text not null,
  username text,
  settings jsonb not null default '{}'
    constraint source_settings_are_an_object check (jsonb_typeof(settings) = 'object'),
  state text,
  max_parallel int not null default 4
    constraint source_max_parallel_within_1_and_64 check (max_parallel between 1 and 64),
  blocked_until timestamptz,
  blocked_reason text,
  created_at timestamptz not null default baton.clock(),
  changed_at timestamptz not null default baton.clock()
);
comment on table baton.sources is 'Mailboxes and other collections that are synced.';
comment on column baton.sources.state is 'Where the last complete sync left off, in the words of the source; null before.';
comment on column baton.sources.max_parallel is 'How many invocations may ask the source at once.';
create index sources_blocked_idx on baton.sources (blocked_until) where blocked_until is not null;

create table baton.source_secrets (
  source text primary key references baton.sources on delete cascade,
  secret text not null,
  changed_at timestamptz not null default baton.clock()
);
comment on table baton.source_secrets is 'Passwords and tokens of sources, apart so that nothing shows them by accident.';

create table baton.sync_jobs (
  id uuid primary key default baton.ordered_id(),
  source text not null references baton.sources on delete cascade,
  kind text not null default 'full'
    constraint sync_job_kind_is_known check (kind in ('full', 'changes')),
  status text not null default 'pending'
    constraint sync_job_status_is_known
    check (status in ('pending', 'processing', 'completed', 'partial_failure', 'failed', 'cancelled')),
  plan jsonb not null default '{}'
    constraint sync_job_plan_is_an_object check (jsonb_typeof(plan) = 'object'),
  state text,
  next_rank bigint not null default 0,
  draining boolean not null default false,
  error_message text,
  created_at timestamptz not null default baton.clock(),
  started_at timestamptz,
  completed_at timestamptz,
  constraint ended_sync_job_has_completed_at check ((status in ('pending', 'processing')) = (completed_at is null))
);
comment on table baton.sync_jobs is 'One pass over a source: everything, or the changes since the last one.';
comment on column baton.sync_jobs.plan is 'What one chunk found out for the later ones, such as the session of a JMAP server.';
comment on column baton.sync_jobs.state is 'What becomes the state of the source when all is completed.';
comment on column baton.sync_jobs.next_rank is 'Where the next chunk of this sync job queues up.';
comment on column baton.sync_jobs.draining is 'It has ended, and chunks that nobody will do are still to be closed.';
create index sync_jobs_by_source_idx on baton.sync_jobs (source, created_at desc);
create unique index sync_jobs_one_active_per_source_idx on baton.sync_jobs (source) where status in ('pending', 'processing');
create index sync_jobs_draining_idx on baton.sync_jobs (id) where draining;
create index sync_jobs_ended_idx on baton.sync_jobs (completed_at) where completed_at is not null;

create table baton.chunked_sync_jobs (
  id uuid primary key default baton.ordered_id(),
  sync_job_id uuid not null references baton.sync_jobs on delete cascade,
  work jsonb not null
    constraint chunk_work_is_an_object check (jsonb_typeof(work) = 'object'),
  created_at timestamptz not null default baton.clock()
);
comment on table baton.chunked_sync_jobs is 'The pieces of sync jobs: what is to be done.';
create index chunked_sync_jobs_by_sync_job_idx on baton.chunked_sync_jobs (sync_job_id);

create table baton.chunk_processing_queue (
  id uuid primary key default baton.ordered_id(),
  chunk_id uuid not null unique references baton.chunked_sync_jobs on delete cascade,
  parent_sync_job_id uuid not null references baton.sync_jobs on delete cascade,
  status text not null default 'pending'
    constraint chunk_status_is_known check (status in ('pending', 'processing', 'completed', 'failed')),
  attempts int not null default 0
    constraint chunk_attempts_are_not_negative check (attempts >= 0),
  max_attempts int not null default 3
    constraint chunk_max_attempts_within_1_and_100 check (max_attempts between 1 and 100),
  created_at timestamptz not null default baton.clock(),
  started_at timestamptz,
  completed_at timestamptz,
  error_message text,
  worker_id text,
  attempt_id uuid,
  rank bigint not null default 0,
  retry_at timestamptz,
  items int not null default 0
);
comment on table baton.chunk_processing_queue is 'The queue of chunks: who does what, how often it was tried, and how it ended.';
comment on column baton.chunk_processing_queue.rank is
  'The place in the queue. Chunk n of each sync job stands about where chunk n of the others does, so a big one starves no small one.';
comment on column baton.chunk_processing_queue.retry_at is 'When a chunk that was tried before is due again; null for one never tried.';
comment on column baton.chunk_processing_queue.items is 'How many items the chunk brought.';
create index chunk_queue_ready_idx on baton.chunk_processing_queue (rank) where status = 'pending' and retry_at is null;
create index chunk_queue_retry_idx on baton.chunk_processing_queue (retry_at) where status = 'pending' and retry_at is not null;
create index chunk_queue_by_sync_job_idx on baton.chunk_processing_queue (parent_sync_job_id, status, rank);

create table baton.chunk_attempts (
  queue_id uuid not null,
  attempt_id uuid not null,
  number int not null,
  worker_id text not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  outcome text not null
    constraint chunk_attempt_outcome_is_known check (outcome in ('completed', 'retried', 'waited', 'failed', 'lost', 'left')),
  error text,
  primary key (queue_id, attempt_id)
);
comment on table baton.chunk_attempts is 'Every attempt at every chunk, written once when it ends.';

-- Where claims begin to look. Below these lie only entries of what is done, which an index keeps as long as any
-- transaction might see them. Sequences, because they change in place; rows would pile up versions of themselves.
create sequence baton.chunk_rank_mark minvalue 0 start 0;
create sequence baton.chunk_retry_mark minvalue 0 start 0;
create sequence baton.chunk_attempt_mark minvalue 0 start 0;
comment on sequence baton.chunk_rank_mark is 'No chunk that was never tried has a smaller rank.';
comment on sequence baton.chunk_retry_mark is 'No chunk is due again before this moment, in microseconds since 1970.';
comment on sequence baton.chunk_attempt_mark is 'No open attempt at chunks began before this moment, in microseconds since 1970.';

-- The application's synced items: made when absent, extended when present.
create table if not exists public.synced_emails (
  source text not null,
  id text not null,
  primary key (source, id)
);
alter table public.synced_emails
  add column if not exists sync_job_id uuid,
  add column if not exists thread_id text,
  add column if not exists blob_id text,
  add column if not exists mailbox_ids text[],
  add column if not exists keywords text[],
  add column if not exists message_id text[],
  add column if not exists subject text,
  add column if not exists preview text,
  add column if not exists sender jsonb,
  add column if not exists recipients jsonb,
  add column if not exists received_at timestamptz,
  add column if not exists sent_at timestamptz,
  add column if not exists size bigint,
  add column if not exists has_attachment boolean,
  add column if not exists payload jsonb,
  add column if not exists synced_at timestamptz not null default now();
create index if not exists synced_emails_by_sync_job_idx on public.synced_emails (source, sync_job_id);
create index if not exists synced_emails_by_time_idx on public.synced_emails (source, received_at);
