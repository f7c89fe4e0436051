-- Gives up the failed chunks of a source's latest sync job for good, at most 10,000; without any left, the sync job counts
-- as completed. For operators. Answers {"sync_job_id", "chunks", "more"}. Raises WK002 when there is no sync job,
-- WK003 while it is under way: with all of its failures gone it would pass for complete.
-- Locks: group, sync job, items.
create function baton_api.drop_failed_chunks(p_source text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_sync_job baton.sync_jobs := baton_api.latest_sync_job(p_source);
  v_dropped uuid[];
  v_chunks int;
  v_more boolean;
begin
  if v_sync_job.status in ('pending', 'processing') then
    raise exception 'the latest sync of % is under way', p_source using errcode = 'WK003';
  end if;
  v_dropped := array(select f.item_id from baton.failed_items f where f.group_id = v_sync_job.id order by f.item_id limit 10000);
  v_chunks := cardinality(v_dropped);
  perform baton_api.delete_items(v_dropped);
  v_more := exists (select from baton.failed_items f where f.group_id = v_sync_job.id);
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
