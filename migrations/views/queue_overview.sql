-- Counts stop at 10,001. The rate is that of the last ten minutes, and the end is expected at that rate.
create view baton_board.queue_overview as
select q.job, q.ready, q.delayed, q.processing, q.failed, q.completed, round(q.completed / 10.0, 1) as per_minute,
       case when q.ready = 0 then baton.clock() when q.ready <= 10000 and q.completed > 0
         then baton.clock() + q.ready / q.completed * interval '10 minutes' end as eta
from (
  select j.name as job,
         (select count(*) from (select from baton.ready_items r where r.job = j.name and r.run_at is null limit 10001) l)
           + (select count(*) from (select from baton.ready_items r where r.job = j.name and r.run_at <= baton.clock() limit 10001) l) as ready,
         (select count(*) from (select from baton.ready_items r where r.job = j.name and r.run_at > baton.clock() limit 10001) l) as delayed,
         (select coalesce(sum(cardinality(a.item_ids)), 0) from baton.attempts a where a.job = j.name and a.finished_at is null) as processing,
         (select count(*) from (select from baton.failed_items f where f.job = j.name limit 10001) l) as failed,
         (select coalesce(sum((a.result->>'completed')::numeric), 0) from (
           select o.result from baton.attempts o
           where o.job = j.name and o.finished_at > baton.clock() - interval '10 minutes' order by o.finished_at desc limit 10001) a) as completed
  from baton.jobs j where j.kind in ('queue', 'rows') or exists (select from baton.item_groups g where g.job = j.name)
) q;
comment on view baton_board.queue_overview is 'How much each job with items has to do, how fast it goes, and when it is done.';
