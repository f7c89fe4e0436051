-- Writes what came of the items of an attempt that the caller has locked; the first part of the answer. Internal.
-- The former words `completed` for done and `wait` for seconds are understood, too. Locks: items, limiter.
create function baton_api.store_outcomes(p_job baton.jobs, p_attempt baton.attempts, p_outcomes jsonb, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_since constant timestamptz := coalesce(p_attempt.turn_at, p_attempt.claimed_at);
  v_done int;
  v_result jsonb;
begin
  if p_job.kind <> 'rows' and baton_api.all_done(p_attempt.item_ids, p_outcomes) then
    v_done := baton_api.store_done(p_job.kind, p_job.name, p_attempt.id, p_attempt.item_ids, v_since, p_now);
    return baton_api.done_result(v_done) || jsonb_build_object('left', cardinality(p_attempt.item_ids) - v_done);
  end if;
  -- One statement, because each costs as much as a row. Items are read and written by their ids and joined in memory, because a plan
  -- that was made when there were few may read all of them.
  with mine as materialized (
    select i.id, i.key, i.priority, i.group_id, i.attempts, i.created_at from baton.items i where i.id = any (p_attempt.item_ids::uuid[])
  ), given as materialized (
    select i.id, i.key, i.priority, i.group_id, i.attempts + c.counts as attempts, g.outcome,
           case when g.outcome not in ('done', 'completed') then left(g.error, 500) end as error,
           case when g.outcome in ('done', 'completed') then 'completed'
             when g.outcome in ('failed', 'refused') or c.counts = 1 and i.attempts + 1 >= p_job.max_attempts then 'failed' else 'waiting' end as status,
           case when g.outcome is null then interval '0'
             when g.outcome = 'wait' then least(greatest(coalesce(g.seconds, g.wait, 30), 1), 3600) * interval '1 second'
             else random() * least(3600, 2 * 2 ^ least(i.attempts + 1, 12)) * interval '1 second' end as later
    from unnest(p_attempt.item_ids) as m(id)
    join mine i on i.id = m.id::uuid
    left join jsonb_to_recordset(p_outcomes) as g(id uuid, outcome text, error text, seconds numeric, wait numeric) on g.id = i.id
    cross join lateral (
      select case when g.outcome is null or g.outcome = 'wait' and i.created_at > p_now - interval '1 day' then 0 else 1 end as counts) c
  ), stored as (
    update baton.items i
    set (status, attempts, error, started_at, ended_at, worker, attempt_id) = (
      select e.outcome->>0, (e.outcome->>1)::int, e.outcome->>2, v_since, case when e.outcome->>0 <> 'waiting' then p_now end, p_attempt.worker, p_attempt.id
      from (select (select jsonb_object_agg(g.id, jsonb_build_array(g.status, g.attempts, g.error)) from given g)->i.id::text as outcome) e)
    where i.id = any (array(select g.id from given g))
  ), freed as (
    -- The key of a row that failed stays taken, or the row would come again at once.
    delete from baton.item_keys k using given g
    where g.key is not null and k.job = p_job.name and k.key = g.key and g.status <> 'waiting' and p_job.kind = 'queue'
  ), rested as (
    -- A row that is still due although it is done comes again when the restart delay is over.
    update baton.item_keys k set until = p_now + p_job.restart_delay_seconds * interval '1 second'
    from given g
    where g.key is not null and k.job = p_job.name and k.key = g.key and g.status = 'completed' and p_job.kind = 'rows'
  ), again as (
    insert into baton.ready_items (job, priority, rank, run_at, item_id, group_id)
    select p_job.name, g.priority, baton_api.microseconds(p_now), p_now + g.later, g.id, g.group_id from given g where g.status = 'waiting'
  ), tried as (
    insert into baton.item_tries (item_id, ended_at, attempt_id, worker, started_at, outcome, error)
    select g.id, p_now, p_attempt.id, p_attempt.worker, v_since,
           case g.outcome when 'wait' then 'waited' when 'retry' then 'retried' else 'left' end, g.error
    from given g where g.status = 'waiting'
  ), failed as (
    insert into baton.failed_items (job, failed_at, item_id, group_id)
    select p_job.name, p_now, g.id, g.group_id from given g where g.status = 'failed'
  ), blocked as (
    update baton.limiters l
    set blocked_until = greatest(case when not baton_api.is_past(l.blocked_until, p_now, interval '1 hour') then l.blocked_until end, p_now + w.later),
        blocked_reason = 'provider_throttled'
    from (select max(g.later) as later from given g where g.outcome = 'wait') w
    where l.job = p_job.name and w.later is not null and p_job.kind <> 'groups'
  )
  select jsonb_build_object('status', 'settled',
      'completed', count(*) filter (where g.status = 'completed'),
      'retried', count(*) filter (where g.status = 'waiting' and g.outcome is not null),
      'failed', count(*) filter (where g.status = 'failed'),
      'left', cardinality(p_attempt.item_ids) - count(g.outcome))
  into v_result from given g;
  return v_result;
end
$$;
comment on function baton_api.store_outcomes is 'Writes what came of the items of an attempt (internal).';
