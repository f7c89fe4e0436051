-- Chooses and locks the next chunks: first those to be tried again, in the order in which they became due, then new
-- ones in the order of their ranks. One that has a single chance left is taken alone, so that it alone pays if it
-- kills its worker. A chunk that somebody holds locked is passed over. Sources that allow fewer calls than the job,
-- which are p_parallel, are counted under a lock of their sync job. Internal; at most p_limit. Locks: chunks.
create function baton_api.pick_chunks(p_now timestamptz, p_limit int, p_parallel int) returns uuid[]
language plpgsql
as $$
declare
  v_rank_mark constant bigint := baton_api.mark('rank_mark', 123456790);
  v_retry_mark constant timestamptz := baton_api.mark_at('retry_mark', 123456790);
  v_ids uuid[];
  v_last_chance uuid;
  v_sync_jobs uuid[];
  v_narrow uuid[];
  v_excluded uuid[] := '{}';
begin
  for i in 1 .. 4 loop
    with retried as materialized (
      select q.id, q.parent_sync_job_id, q.attempts >= q.max_attempts - 1 as last_chance from baton.chunk_processing_queue q
      where q.status = 'pending' and q.retry_at <= p_now and q.retry_at >= v_retry_mark and q.parent_sync_job_id <> all (v_excluded)
      order by q.retry_at limit p_limit
      for update skip locked
    ), fresh as materialized (
      select q.id, q.parent_sync_job_id, false as last_chance from baton.chunk_processing_queue q
      where q.status = 'pending' and q.retry_at is null and q.rank >= v_rank_mark
        and v_excluded = '{}' and not exists (select from retried)
      order by q.rank limit p_limit
      for update skip locked
    ), picked as materialized (
      select * from retried union all select * from fresh
    )
    select array_agg(p.id), (array_agg(p.id) filter (where p.last_chance))[1], array_agg(distinct p.parent_sync_job_id), (
      select array_agg(j.id order by j.id)
      from (select distinct o.parent_sync_job_id as id from picked o) o
      join baton.sync_jobs j on j.id = o.id
      join baton.sources s on s.name = j.source
      where j.draining or s.blocked_until > p_now and not baton_api.is_past(s.blocked_until, p_now, interval '1 hour') or s.max_parallel < p_parallel)
    into v_ids, v_last_chance, v_sync_jobs, v_narrow
    from picked p;
    if v_ids is null and v_excluded <> '{}' then
      -- By sync job, because what is excluded may be all that stands in front.
      select array_agg(l.id), array_agg(distinct l.parent_sync_job_id)
      into v_ids, v_sync_jobs
      from (
        select q.id, q.parent_sync_job_id
        from (
          select o.id, o.rank from baton.sync_jobs j
          cross join lateral (
            select n.id, n.rank from baton.chunk_processing_queue n
            where n.parent_sync_job_id = j.id and n.status = 'pending' and n.retry_at is null
            order by n.rank limit p_limit) o
          where j.status in ('pending', 'processing') and j.id <> all (v_excluded)
          order by o.rank limit p_limit) n
        join baton.chunk_processing_queue q on q.id = n.id and q.status = 'pending'
        order by n.rank
        for update of q skip locked) l;
      v_narrow := v_sync_jobs;
    end if;
    exit when v_ids is null;
    if v_narrow is not null then
      v_excluded := baton_api.excluded_sync_jobs(p_now, v_narrow);
      continue when v_excluded && v_sync_jobs;
    end if;
    return case when v_last_chance is not null then array[v_last_chance] else v_ids end;
  end loop;
  return '{}';
end
$$;
comment on function baton_api.pick_chunks is 'Chooses and locks the next chunks (internal).';
