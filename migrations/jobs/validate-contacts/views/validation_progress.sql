-- The running validation cycle: how far, how fast, when done.
create view baton_board.validation_progress as
select p.id, p.started_at, p.total_contacts, p.validated_count, p.iteration, p.elapsed_seconds,
       case when p.total_contacts > 0 then round(least(100, p.validated_count * 100.0 / p.total_contacts), 2) end as pct_complete,
       case when p.validated_count > 0 then round(p.validated_count * 60 / nullif(p.elapsed_seconds, 0), 1) end as per_minute,
       case when p.validated_count > 0 then
         -- As fast as so far, and never faster than the limit, which a first burst may have outrun.
         baton.clock() + greatest(p.total_contacts - p.validated_count, 0)
           * greatest(p.elapsed_seconds / p.validated_count, coalesce(60.0 / p.rate_per_minute, 0)) * interval '1 second'
       end as eta
from (
  select c.id, c.started_at, c.total_items as total_contacts, c.done_items as validated_count, c.iteration,
         extract(epoch from baton.clock() - c.started_at) as elapsed_seconds, j.rate_per_minute
  from baton.cycles c join baton.jobs j on j.name = c.job
  where c.job = 'validate-contacts' and c.status = 'running'
) p;
comment on view baton_board.validation_progress is 'Progress and expected end of the running validation cycle.';
