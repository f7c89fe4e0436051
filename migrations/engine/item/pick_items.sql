-- Chooses and locks the next items that are ready: those of a priority below 0, those that wait no longer, in the order of
-- their moments, those of priority 0, then the rest; each in the order of their ranks. One whose attempts died is taken
-- alone, so that it alone pays if it kills its worker again. One that another holds locked is passed over. Internal; at most p_limit.
-- Locks: ready items.
create function baton_api.pick_items(p_job baton.jobs, p_limit int, p_now timestamptz) returns tid[]
language plpgsql
as $$
declare
  v_rank_mark constant bigint := baton_api.mark('rank_mark', p_job.lock_id);
  v_retry_mark constant timestamptz := baton_api.mark_at('retry_mark', p_job.lock_id);
  v_picked tid[];
  v_alone tid[];
begin
  with urgent as materialized (
    select r.ctid as tid, r.alone from baton.ready_items r
    where r.job = p_job.name and r.priority < 0 and r.run_at is null
    order by r.priority, r.rank limit p_limit for update skip locked
  ), waited as materialized (
    select r.ctid as tid, r.alone from baton.ready_items r
    where r.job = p_job.name and r.run_at <= p_now and r.run_at >= v_retry_mark
    order by r.run_at limit p_limit - (select count(*) from urgent) for update skip locked
  ), usual as materialized (
    select r.ctid as tid, r.alone from baton.ready_items r
    where r.job = p_job.name and r.priority = 0 and r.run_at is null and r.rank >= v_rank_mark
    order by r.rank limit p_limit - (select count(*) from urgent) - (select count(*) from waited) for update skip locked
  ), rest as materialized (
    select r.ctid as tid, r.alone from baton.ready_items r
    where r.job = p_job.name and r.priority > 0 and r.run_at is null
    order by r.priority, r.rank limit p_limit - (select count(*) from urgent) - (select count(*) from waited) - (select count(*) from usual)
    for update skip locked
  )
  select array_agg(p.tid), (array_agg(p.tid) filter (where p.alone))[1:1] into v_picked, v_alone
  from (select * from urgent union all select * from waited union all select * from usual union all select * from rest) p;
  return coalesce(v_alone, v_picked, '{}');
end
$$;
comment on function baton_api.pick_items is 'Chooses and locks the next items of a job (internal).';
