-- Adds chunks to a sync job, in the order given. p_work: an array of objects. Each sync job's chunks stand in the queue
-- behind its own earlier ones and level with those of the others, however many they are.
-- Answers {"chunks": n}. Raises WK002 when there is no such sync job, WK004 for a malformed argument or one that has ended.
-- Locks: group, the shared lock of the marks.
create function baton_api.enqueue_chunks(p_sync_job_id uuid, p_work jsonb) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_job baton.jobs;
  v_status text;
  v_added int;
begin
  if jsonb_typeof(p_work) is distinct from 'array' or jsonb_path_exists(p_work, '$[*] ? (@.type() != "object")') then
    raise exception 'work is an array of objects' using errcode = 'WK004';
  end if;
  v_job := baton_api.job_of('process-chunks');
  perform from baton.item_groups g where g.id = p_sync_job_id for no key update;
  select j.status into v_status from baton.sync_jobs j where j.id = p_sync_job_id;
  if not found then
    raise exception 'there is no sync job %', p_sync_job_id using errcode = 'WK002';
  elsif v_status not in ('pending', 'processing') then
    raise exception 'sync job % is %', p_sync_job_id, v_status using errcode = 'WK004', hint = 'Start a new one.';
  end if;
  v_added := baton_api.enqueue_in_group(v_job, p_sync_job_id, p_work, baton.clock());
  perform baton_api.trigger_next_chunk_processing();
  return jsonb_build_object('chunks', v_added);
end
$$;
comment on function baton_api.enqueue_chunks is 'Adds chunks to a sync job.';
