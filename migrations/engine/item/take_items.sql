-- Takes the next items of a job out of those that are ready, at most p_limit: their ids, in the order of their turns, their groups, and the highest
-- rank of those that are neither urgent nor waited.
-- p_after: the attempt that goes on, or its caller closed just now; null for another. Internal; the caller writes the ids to an
-- attempt, in the same transaction. Locks: ready items, advisory, one for each group.
create function baton_api.take_items(
  p_job baton.jobs, p_limit int, p_after baton.attempts, p_now timestamptz, out item_ids text[], out group_ids uuid[], out rank bigint
)
language plpgsql
as $$
declare
  v_picked tid[];
begin
  if p_job.kind = 'groups' then
    v_picked := baton_api.pick_group_items(p_job, p_limit, p_after, p_now);
  else
    if p_job.kind = 'rows' then
      perform baton_api.feed_rows(p_job, p_limit, p_now);
    end if;
    v_picked := baton_api.pick_items(p_job, p_limit, p_now);
  end if;
  if v_picked = '{}' then
    item_ids := '{}';
    return;
  end if;
  with taken as (
    delete from baton.ready_items r where r.ctid = any (v_picked) returning r.item_id, r.priority, r.rank, r.group_id
  )
  select array_agg(t.item_id::text order by t.priority, t.rank), array_agg(distinct t.group_id) filter (where t.group_id is not null),
         max(t.rank) filter (where t.priority = 0)
  into item_ids, group_ids, rank
  from taken t;
  -- Once in a tenth of a second.
  if take_items.rank >= baton_api.mark('rank_mark', p_job.lock_id) + 100000 then
    perform baton_api.raise_marks(p_job, take_items.rank, p_now);
  end if;
end
$$;
comment on function baton_api.take_items is 'Takes the next items of a job out of those that are ready (internal).';
