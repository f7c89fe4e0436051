create view baton_board.job_overview as
-- A claim holds its job's lock for milliseconds, so another session has it. The age is null where its owner hides it.
with held as (
  select l.lock_id, min(format('its lock is held by %s (pid %s)', l.holder, l.pid)) as reason
  from baton_api.get_active_advisory_locks() l
  where l.kind = 'lock' and l.granted and coalesce(l.age > interval '5 seconds', true)
  group by l.lock_id
)
select j.name as job, j.mode, case when h.reason is null then s->>'state' else 'busy' end as state, coalesce(h.reason, s->>'reason') as reason,
       case when h.reason is null then (s->>'until')::timestamptz end as until,
       j.batch_size, j.rate_per_minute, c.cron, (select min(p.due_at) from baton.slots p where p.job = j.name and p.status = 'planned') as next_slot,
       r.status as last_run, r.reason as last_reason, r.finished_at as last_run_at
from baton.jobs j
cross join lateral baton_api.explain_job(j, baton.clock()) as s
left join held h on h.lock_id = j.lock_id and s->>'state' <> 'paused'
left join baton.schedules c on c.job = j.name and c.enabled
left join lateral (
  select l.* from (
    (select o.status, o.reason, o.finished_at, o.id from baton.runs o where o.job = j.name order by o.started_at desc, o.id desc limit 1)
    union all
    (select case a.outcome when 'settled' then 'ran' else 'lost' end, a.result->>'reason', a.finished_at, null from baton.attempts a
      where a.job = j.name and a.finished_at is not null order by a.finished_at desc limit 1)
  ) l
  order by l.finished_at desc, l.id desc nulls last limit 1
) r on true;
comment on view baton_board.job_overview is 'Every job: whether it can run now, and if not, why.';
