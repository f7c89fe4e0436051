-- Adds chunks to a sync job, in the order given. p_work: an array of objects. Each sync job's chunks stand in the queue
-- behind its own earlier ones and level with those of the others, however many they are (start-time fair queueing).
-- Answers {"chunks": n}. Raises WK002 when there is no such sync job, WK004 for a malformed argument or one that has ended.
-- Locks: the shared lock of the rank mark, sync job.
create function baton_api.enqueue_chunks(p_sync_job_id uuid, p_work jsonb) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_sync_job baton.sync_jobs;
  v_from bigint;
  v_added int;
begin
  if jsonb_typeof(p_work) <> 'array' then
    raise exception 'work is an array of objects' using errcode = 'WK004';
  end if;
  perform pg_catalog.pg_advisory_xact_lock_shared(123456790, 0);
  select j.* into v_sync_job from baton.sync_jobs j where j.id = p_sync_job_id for no key update;
  if not found then
    raise exception 'there is no sync job %', p_sync_job_id using errcode = 'WK002';
  elsif v_sync_job.status not in ('pending', 'processing') then
    raise exception 'sync job % is %', p_sync_job_id, v_sync_job.status using errcode = 'WK004', hint = 'Start a new one.';
  end if;
  v_from := greatest(v_sync_job.next_rank, (select baton_api.mark('rank_mark', 123456790)));
  with given as materialized (
    select baton.ordered_id() as id, w.value as work, w.ordinality - 1 as n from jsonb_array_elements(p_work) with ordinality w
  ), described as (
    insert into baton.chunked_sync_jobs (id, sync_job_id, work) select g.id, p_sync_job_id, g.work from given g order by g.n
  )
  insert into baton.chunk_processing_queue (chunk_id, parent_sync_job_id, max_attempts, rank)
  select g.id, p_sync_job_id, k.max_attempts, v_from + g.n
  from given g, baton.jobs k where k.name = 'process-chunks' order by g.n;
  get diagnostics v_added = row_count;
  update baton.sync_jobs j set next_rank = v_from + v_added where j.id = p_sync_job_id;
  return jsonb_build_object('chunks', v_added);
end
$$;
comment on function baton_api.enqueue_chunks is 'Adds chunks to a sync job.';
