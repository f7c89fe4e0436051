create view baton_board.job_overview as
select j.name as job, j.mode, s->>'state' as state, s->>'reason' as reason, (s->>'until')::timestamptz as until,
       j.batch_size, j.rate_per_minute, c.cron, (select min(p.due_at) from baton.slots p where p.job = j.name and p.status = 'planned') as next_slot,
       r.status as last_run, r.reason as last_reason, r.finished_at as last_run_at
from baton.jobs j
cross join lateral baton_api.explain_job(j, baton.clock()) as s
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
