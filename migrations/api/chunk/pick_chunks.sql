-- Chooses and locks the next chunks: first those to be tried again, in the order in which they became due, then new
-- ones in the order of their ranks. One that has a single chance left is taken alone, so that it alone pays if it
-- kills its worker. A chunk that somebody holds locked is passed over. Internal; at most p_limit. Locks: chunks.
create function baton_api.pick_chunks(p_now timestamptz, p_limit int, p_excluded uuid[]) returns uuid[]
language plpgsql
as $$
declare
  v_rank_mark constant bigint := baton_api.chunk_mark('baton.chunk_rank_mark');
  v_retry_mark constant timestamptz := baton_api.chunk_mark_at('baton.chunk_retry_mark');
  v_ids uuid[];
  v_last_chance uuid;
begin
  select array_agg(d.id order by d.retry_at), (array_agg(d.id order by d.retry_at) filter (where d.attempts >= d.max_attempts - 1))[1]
  into v_ids, v_last_chance
  from (
    select q.id, q.retry_at, q.attempts, q.max_attempts from baton.chunk_processing_queue q
    where q.status = 'pending' and q.retry_at <= p_now and q.retry_at >= v_retry_mark and q.parent_sync_job_id <> all (p_excluded)
    order by q.retry_at limit p_limit
    for update skip locked
  ) d;
  if v_last_chance is not null then
    return array[v_last_chance];
  elsif v_ids is not null then
    return v_ids;
  elsif p_excluded = '{}' then
    return array(
      select q.id from baton.chunk_processing_queue q
      where q.status = 'pending' and q.retry_at is null and q.rank >= v_rank_mark
      order by q.rank limit p_limit
      for update skip locked);
  end if;
  -- By sync job, because what is excluded may be all that stands in front.
  return array(
    select q.id
    from (
      select n.id, n.rank from baton.sync_jobs j
      cross join lateral (
        select o.id, o.rank from baton.chunk_processing_queue o
        where o.parent_sync_job_id = j.id and o.status = 'pending' and o.retry_at is null
        order by o.rank limit p_limit) n
      where j.status in ('pending', 'processing') and j.id <> all (p_excluded)
      order by n.rank limit p_limit) n
    join baton.chunk_processing_queue q on q.id = n.id and q.status = 'pending'
    order by n.rank
    for update of q skip locked);
end
$$;
comment on function baton_api.pick_chunks is 'Chooses and locks the next chunks (internal).';
