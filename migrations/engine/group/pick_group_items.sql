-- Chooses and locks the next items of a job that has groups: those that wait no longer, in the order of their moments, then a
-- batch of as few groups as possible, in the order of their turns; a group of p_after, the attempt that goes on,
-- keeps its turn until it is 32 items ahead of the others. One whose attempts died is taken alone. One that another holds
-- locked is passed over. A group that allows fewer attempts than the job and p_after does not have is counted under its lock.
-- Internal; at most p_limit. Locks: ready items, advisory, one for each group.
create function baton_api.pick_group_items(p_job baton.jobs, p_limit int, p_after baton.attempts, p_now timestamptz) returns tid[]
language plpgsql
as $$
declare
  v_held constant uuid[] := coalesce(p_after.group_ids, '{}');
  -- So many items at the front say whose turn it is.
  v_front constant int := 100;
  -- So far ahead of the others a held group may be: 32 items.
  v_ahead constant bigint := 32000;
  v_rank_mark constant bigint := baton_api.mark('rank_mark', p_job.lock_id);
  v_retry_mark constant timestamptz := baton_api.mark_at('retry_mark', p_job.lock_id);
  v_picked tid[];
  v_alone tid[];
  v_groups uuid[];
  v_uncertain uuid[];
  v_closed uuid[] := '{}';
begin
  -- The short way: the one held group goes on, when it has a whole batch, is not far ahead, and nothing waited.
  if cardinality(v_held) = 1 then
    v_picked := array(
      select r.ctid from baton.ready_items r
      where r.group_id = v_held[1] and r.run_at is null and r.rank >= v_rank_mark
        and r.rank <= v_ahead + (
          select f.rank from baton.ready_items f
          where f.job = p_job.name and f.priority = 0 and f.run_at is null and f.rank >= v_rank_mark order by f.rank limit 1)
        and exists (
          select from baton.item_groups g where g.id = v_held[1] and g.state = 'open' and (g.blocked_until is null or g.blocked_until <= p_now))
        and (
          select true from baton.ready_items w
          where w.job = p_job.name and w.run_at <= p_now and w.run_at >= v_retry_mark order by w.run_at limit 1) is null
      order by r.rank limit p_limit for update skip locked);
    if cardinality(v_picked) = p_limit then
      return v_picked;
    end if;
  end if;
  for i in 1 .. 4 loop
    with waited as materialized (
      select r.ctid as tid, r.group_id, r.alone from baton.ready_items r
      where r.job = p_job.name and r.run_at <= p_now and r.run_at >= v_retry_mark and r.group_id <> all (v_closed)
      order by r.run_at limit p_limit for update skip locked
    ), turns as materialized (
      select f.group_id, min(f.rank) as rank
      from (
        select r.group_id, r.rank from baton.ready_items r
        where r.job = p_job.name and r.priority = 0 and r.run_at is null and r.rank >= v_rank_mark and not exists (select from waited)
        order by r.rank limit p_limit + v_front) f
      where f.group_id <> all (v_closed)
      group by f.group_id
    ), fresh as materialized (
      select l.tid, t.group_id, l.alone
      from (select * from turns order by rank - case when group_id = any (v_held) then v_ahead else 0 end) t
      cross join lateral (
        select r.ctid as tid, r.alone from baton.ready_items r
        where r.group_id = t.group_id and r.rank >= t.rank and r.run_at is null
        order by r.rank limit p_limit for update skip locked) l
      limit p_limit
    ), picked as materialized (
      select * from waited union all select * from fresh
    )
    select array_agg(p.tid), (array_agg(p.tid) filter (where p.alone))[1:1], array_agg(distinct p.group_id), (
      select array_agg(u.id order by u.id)
      from (select distinct p.group_id from picked p) o
      cross join lateral (
        select g.id from baton.item_groups g
        where g.id = o.group_id
          and (g.state <> 'open' or g.blocked_until > p_now and not baton_api.is_past(g.blocked_until, p_now, interval '1 hour')
               or g.max_parallel < p_job.max_parallel and g.id <> all (v_held))
        limit 1) u)
    into v_picked, v_alone, v_groups, v_uncertain
    from picked p;
    if v_picked is null and v_closed <> '{}' then
      -- By group, because items of closed groups may be all that stands in front.
      select array_agg(l.tid), (array_agg(l.tid) filter (where l.alone))[1:1], array_agg(distinct l.group_id), array_agg(distinct l.group_id)
      into v_picked, v_alone, v_groups, v_uncertain
      from (
        select t.id as group_id, n.tid, n.alone
        from (
          select g.id, (
            select min(r.rank) from baton.ready_items r where r.group_id = g.id and r.run_at is null) as rank
          from baton.item_groups g
          where g.job = p_job.name and g.state = 'open' and g.id <> all (v_closed)
          order by 2 limit p_limit) t
        cross join lateral (
          select r.ctid as tid, r.alone from baton.ready_items r
          where r.group_id = t.id and r.rank >= t.rank and r.run_at is null
          order by r.rank limit p_limit for update skip locked) n
        limit p_limit) l;
    end if;
    exit when v_picked is null;
    if v_uncertain is not null then
      v_closed := baton_api.closed_groups(p_job, v_uncertain, p_after.id, p_now);
      continue when v_closed && v_groups;
    end if;
    return coalesce(v_alone, v_picked);
  end loop;
  return '{}';
end
$$;
comment on function baton_api.pick_group_items is 'Chooses and locks the next items of a job that has groups (internal).';
