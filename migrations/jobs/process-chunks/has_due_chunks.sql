-- Whether a chunk could be taken now, were it not for the sync jobs in p_excluded. Internal; reads a row or two.
create function baton_api.has_due_chunks(p_now timestamptz, p_excluded uuid[]) returns boolean
language plpgsql
as $$
begin
  if p_excluded = '{}' then
    return coalesce((
      select true from baton.chunk_processing_queue q
      where q.status = 'pending' and q.retry_at is null and q.rank >= (select baton_api.mark('rank_mark', 123456790))
      order by q.rank limit 1
    ), (
      select true from baton.chunk_processing_queue q
      where q.status = 'pending' and q.retry_at <= p_now
        and q.retry_at >= (select baton_api.mark_at('retry_mark', 123456790))
      order by q.retry_at limit 1
    ), false);
  end if;
  return exists (
    select from baton.sync_jobs j
    where j.status in ('pending', 'processing') and j.id <> all (p_excluded) and exists (
        select from baton.chunk_processing_queue q
        where q.parent_sync_job_id = j.id and q.status = 'pending' and (q.retry_at is null or q.retry_at <= p_now)));
end
$$;
comment on function baton_api.has_due_chunks is 'Whether a chunk could be taken now (internal).';
