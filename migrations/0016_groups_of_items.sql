-- Chunks become items of the one queue. Items may belong to a group: all that one sync does of one source. A group has a turn of
-- its own, so that a large one does not hold up a small one, a limit of calls, and the patience that its source asked for.

alter table baton.jobs
  drop constraint job_kind_is_known,
  add constraint job_kind_is_known check (kind in ('queue', 'rows', 'groups', 'custom'));
comment on column baton.jobs.kind is
  'queue: items in baton.items; rows: due rows of a view, which become items; groups: items in groups, by its own claim and settle made of the queue''s; custom: its own claim and settle.';

create table baton.item_groups (
  id uuid primary key,
  job text not null,
  state text not null default 'open'
    constraint group_state_is_known check (state in ('open', 'draining', 'ended')),
  next_rank bigint not null default 0,
  max_parallel int not null default 64
    constraint group_max_parallel_within_1_and_64 check (max_parallel between 1 and 64),
  blocked_until timestamptz,
  blocked_reason text
);
comment on table baton.item_groups is 'What items of one source have in common: their turn, how many attempts may have some of them, and until when none may.';
comment on column baton.item_groups.state is 'open: its items are done; draining: those that wait are cancelled; ended: none waits or is under way.';
comment on column baton.item_groups.next_rank is 'Where its next item queues up.';
create index item_groups_active_idx on baton.item_groups (job, state) where state <> 'ended';
create index item_groups_blocked_idx on baton.item_groups (job, blocked_until) where blocked_until is not null;

-- What they said is checked where items are made: here it would be checked anew by every settlement.
alter table baton.items
  drop constraint item_key_within_1_and_200_characters,
  drop constraint item_data_within_256_kib,
  add column group_id uuid,
  add column brought int not null default 0;
comment on column baton.items.brought is 'How many records a chunk brought that no other chunk of its group had.';
create index items_by_group_idx on baton.items (group_id) where group_id is not null;

alter table baton.ready_items add column group_id uuid;
create index ready_items_by_group_idx on baton.ready_items (group_id, rank) where group_id is not null;

alter table baton.failed_items add column group_id uuid;
create index failed_items_by_group_idx on baton.failed_items (group_id) where group_id is not null;

alter table baton.attempts rename column sync_job_ids to group_ids;
comment on column baton.attempts.group_ids is 'The groups of the items in the batch.';

-- The one queue ranks by microseconds; a group's items stand a thousand apart.
insert into baton.item_groups (id, job, state, next_rank, max_parallel, blocked_until, blocked_reason)
select j.id, 'process-chunks', case when j.draining then 'draining' when j.status in ('pending', 'processing') then 'open' else 'ended' end,
       j.next_rank * 1000, s.max_parallel, s.blocked_until, s.blocked_reason
from baton.sync_jobs j join baton.sources s on s.name = j.source;
select pg_catalog.setval('baton.rank_mark_123456790', coalesce(pg_catalog.pg_sequence_last_value('baton.rank_mark_123456790'), 0) * 1000);

insert into baton.items (id, job, group_id, data, status, attempts, losses, created_at, started_at, ended_at, worker, attempt_id, error, brought)
select q.id, 'process-chunks', q.parent_sync_job_id, c.work, case when q.status in ('pending', 'processing') then 'waiting' else q.status end,
       greatest(q.attempts - case when q.status = 'processing' then 1 else 0 end, 0),
       (select count(*) from baton.chunk_attempts a where a.queue_id = q.id and a.outcome = 'lost'),
       q.created_at, q.started_at, case when q.status in ('completed', 'failed') then coalesce(q.completed_at, baton.clock()) end,
       q.worker_id, q.attempt_id, q.error_message, q.items
from baton.chunk_processing_queue q join baton.chunked_sync_jobs c on c.id = q.chunk_id
order by q.id;
insert into baton.ready_items (job, priority, rank, run_at, item_id, alone, group_id)
select 'process-chunks', 0, q.rank * 1000, q.retry_at, q.id, q.attempts > 0 and q.attempts >= q.max_attempts - 1, q.parent_sync_job_id
from baton.chunk_processing_queue q
where q.status = 'pending' or q.status = 'processing' and not exists (
  select from baton.attempts a where a.id = q.attempt_id and a.finished_at is null);
insert into baton.failed_items (job, failed_at, item_id, group_id)
select 'process-chunks', coalesce(q.completed_at, baton.clock()), q.id, q.parent_sync_job_id from baton.chunk_processing_queue q where q.status = 'failed';
-- The last try of an item that has ended is told by the item.
insert into baton.item_tries (item_id, ended_at, attempt_id, worker, started_at, outcome, error)
select a.queue_id, a.ended_at, a.attempt_id, a.worker_id, a.started_at, a.outcome, a.error
from baton.chunk_attempts a where a.outcome in ('retried', 'waited', 'lost', 'left')
on conflict do nothing;

drop table baton.chunk_attempts, baton.chunk_processing_queue, baton.chunked_sync_jobs;
drop function if exists baton.keep_chunk_rank_mark(), baton.trigger_next_chunk_processing(), baton.register_job(text, jsonb, int, text, boolean),
  baton.check_item(timestamptz, int, timestamptz);
drop index baton.sync_jobs_draining_idx;
alter table baton.sync_jobs drop column next_rank, drop column draining;
drop index baton.sources_blocked_idx;
alter table baton.sources drop column blocked_until, drop column blocked_reason;
