-- Gives up the failed chunks of a source's latest sync job for good, at most 10,000; without any left, the sync job counts
-- as completed. For operators. Answers {"sync_job_id", "chunks", "more"}. Raises WK002 when there is no sync job,
-- WK003 while it is under way: with all of its failures gone it would pass for complete.
-- Locks: sync job, chunks.
create function baton_api.drop_failed_chunks(p_source text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_sync_job baton.sync_jobs := baton_api.latest_sync_job(p_source);
  v_chunks int;
  v_more boolean;
begin
  if v_sync_job.status in ('pending', 'processing') then
    raise exception 'the latest sync of % is under way', p_source using errcode = 'WK003';
  end if;
  delete from baton.chunked_sync_jobs c where c.id in (
    select q.chunk_id from baton.chunk_processing_queue q
    where q.parent_sync_job_id = v_sync_job.id and q.status = 'failed' order by q.rank limit 10000);
  get diagnostics v_chunks = row_count;
  v_more := exists (select from baton.chunk_processing_queue q where q.parent_sync_job_id = v_sync_job.id and q.status = 'failed');
  if v_chunks > 0 then
    update baton.sync_jobs j set status = 'completed', error_message = format('given up by %s: %s failed chunk%s', p_who, v_chunks, case when v_chunks <> 1 then 's' end)
    where j.id = v_sync_job.id and j.status = 'partial_failure' and not v_more;
    insert into baton.events (noun, noun_id, from_state, to_state, who)
    values ('sync_job', v_sync_job.id::text, v_sync_job.status, v_chunks || ' chunks dropped', p_who);
  end if;
  return jsonb_build_object('sync_job_id', v_sync_job.id, 'chunks', v_chunks, 'more', v_more);
end
$$;
comment on function baton_api.drop_failed_chunks is 'Gives up the failed chunks of a source''s latest sync job for good.';
