-- Jobs say what they are, so that the engine names none: which functions know about their work, what a slot of their schedule
-- starts, how many attempts may be open. And the queue in which jobs of applications have their items.

-- Up to here the numbers were picked by hand. Seats are locked by (lock_id, seat), two ints.
create sequence baton.lock_ids as int minvalue 1650000000;
comment on sequence baton.lock_ids is 'Keys of advisory locks for jobs to come, in a range that applications rarely use.';

alter table baton.jobs
  alter column lock_id set default nextval('baton.lock_ids'),
  add column kind text not null default 'custom'
    constraint job_kind_is_known check (kind in ('queue', 'rows', 'custom')),
  add column base_url text
    constraint job_base_url_is_http_without_a_path check (base_url ~ '^https?://[^/?#@[:space:]]+$'),
  add column parallel_limit int not null default 64
    constraint job_parallel_limit_within_1_and_64 check (parallel_limit between 1 and 64),
  add column on_slot text
    constraint job_on_slot_is_known check (on_slot in ('cycle', 'item')),
  add column runs_are_attempts boolean not null default false,
  add column due_view regclass,
  add column items_kept_for interval not null default '3 days'
    constraint job_items_are_kept_for_a_positive_time check (items_kept_for > interval '0'),
  add constraint lock_id_is_an_int check (lock_id between 1 and 2147483647),
  add constraint rows_have_a_view check ((kind = 'rows') = (due_view is not null));
comment on column baton.jobs.kind is 'queue: items in baton.items; rows: due rows of a view, which become items; custom: its own claim and settle.';
comment on column baton.jobs.base_url is 'Where the component is when it belongs to another deployment; null: where the scheduler''s components_url says.';
comment on column baton.jobs.parallel_limit is 'The most that max_parallel may be.';
comment on column baton.jobs.on_slot is 'What a slot of the schedule starts: a cycle, or one item; null: the job cannot have a schedule.';
comment on column baton.jobs.runs_are_attempts is 'Its runs are told by its attempts alone: a line of the log for each as well would be one write more.';
comment on column baton.jobs.due_view is 'Of a job of kind rows: the view of what is due, with the columns id (text) and data (jsonb).';
comment on column baton.jobs.items_kept_for is 'Items that are completed or cancelled are deleted after so long; failed ones are kept as long as the log of runs.';

update baton.jobs j set parallel_limit = 1, max_parallel = 1 where j.name in ('validate-contacts', 'follow-up-reminders', 'auto-sync-jobs');
alter table baton.jobs
  drop constraint contacts_are_validated_one_batch_at_a_time,
  drop constraint messages_go_out_one_batch_at_a_time,
  add constraint job_max_parallel_within_its_limit check (max_parallel <= parallel_limit);

create table baton.job_functions (
  job text not null references baton.jobs on delete cascade,
  hook text not null
    constraint job_hook_is_known check (hook in ('state', 'lost', 'clean_up', 'prune', 'count_due', 'unreachable_rows', 'settled')),
  function text not null
    constraint job_function_has_a_schema check (function like '%.%'),
  primary key (job, hook)
);
comment on table baton.job_functions is 'Which function the engine calls for a job, and for what. Names, because functions are rebuilt, and pg_upgrade refuses a regprocedure.';

-- Of two claims that take the same seat, one fails here, whatever the locks say.
create unique index attempts_one_open_per_seat_idx on baton.attempts (job, seat) where finished_at is null and seat > 0;

alter sequence baton.chunk_rank_mark rename to rank_mark_123456790;
alter sequence baton.chunk_retry_mark rename to retry_mark_123456790;
alter sequence baton.chunk_attempt_mark rename to attempt_mark_123456790;

-- An item is inserted once and updated when it ends or is tried again, in place: no index names a column that changes, so
-- what is ready, what failed, and which keys are taken have narrow tables of their own. What is under way is said by the open
-- attempt alone.
create table baton.items (
  id uuid primary key default baton.ordered_id(),
  job text not null,
  key text
    constraint item_key_within_1_and_200_characters check (length(key) between 1 and 200),
  data jsonb not null
    constraint item_data_within_256_kib check (octet_length(data::text) <= 262144),
  priority smallint not null default 0,
  status text not null default 'waiting'
    constraint item_status_is_known check (status in ('waiting', 'completed', 'failed', 'cancelled')),
  attempts int not null default 0,
  losses int not null default 0,
  created_at timestamptz not null default baton.clock(),
  started_at timestamptz,
  ended_at timestamptz,
  worker text,
  attempt_id uuid,
  error text,
  constraint ended_item_has_ended_at check ((status = 'waiting') = (ended_at is null))
) with (fillfactor = 70);
comment on table baton.items is 'The queue of jobs of applications: what is to be done, how often it was tried, and how it ended.';
comment on column baton.items.key is 'What the application knows the item by: no two items of a job that wait have the same.';
comment on column baton.items.attempts is 'Tries that count; one that the other side put off does not.';

create table baton.ready_items (
  job text not null,
  priority smallint not null,
  rank bigint not null,
  run_at timestamptz,
  item_id uuid not null,
  alone boolean not null default false
);
comment on table baton.ready_items is 'Items that no attempt has: a claim deletes the row, a retry puts it back.';
comment on column baton.ready_items.rank is 'The place in the queue: when the item became ready, in microseconds since 1970.';
comment on column baton.ready_items.run_at is 'Not before this moment; null: at once.';
comment on column baton.ready_items.alone is 'Its attempts died: it is taken alone, so that it alone pays if it kills its worker again.';
create index ready_items_idx on baton.ready_items (job, priority, rank) where run_at is null;
create index ready_items_later_idx on baton.ready_items (job, run_at) where run_at is not null;
create index ready_items_by_item_idx on baton.ready_items (item_id);

create table baton.item_keys (
  job text not null,
  key text not null,
  item_id uuid not null,
  until timestamptz,
  primary key (job, key)
);
comment on table baton.item_keys is 'The keys of items that wait or are under way, and of rows that failed or rest.';
comment on column baton.item_keys.until is 'Of a row that was done: until when it does not come again; null: as long as the entry is there.';
create index item_keys_until_idx on baton.item_keys (until) where until is not null;

create table baton.failed_items (
  job text not null,
  failed_at timestamptz not null,
  item_id uuid not null,
  primary key (job, failed_at, item_id)
);
comment on table baton.failed_items is 'Items that failed for good, until an operator retries or drops them.';
create index failed_items_by_item_idx on baton.failed_items (item_id);

create table baton.item_tries (
  item_id uuid not null,
  ended_at timestamptz not null,
  attempt_id uuid not null,
  worker text not null,
  started_at timestamptz not null,
  outcome text not null
    constraint item_try_outcome_is_known check (outcome in ('retried', 'waited', 'lost', 'left')),
  error text,
  primary key (item_id, ended_at, attempt_id)
);
comment on table baton.item_tries is 'Tries after which an item was due again; the last one is told by the item.';

create table baton.prune_position (
  only_row boolean primary key default true
    constraint there_is_one_position check (only_row),
  after_item_id uuid not null default '00000000-0000-0000-0000-000000000000'
);
comment on table baton.prune_position is 'Where the next look for old items begins.';
insert into baton.prune_position default values;
