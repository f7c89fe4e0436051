create view baton_board.validation_durations_by_day as
select date_trunc('day', c.started_at) as day, count(*) as cycles, sum(c.done_items) as validated,
       round(avg(extract(epoch from c.completed_at - c.started_at)) / 60, 2) as avg_minutes,
       round(max(extract(epoch from c.completed_at - c.started_at)) / 60, 2) as max_minutes
from baton.cycles c
where c.job = 'validate-contacts' and c.status = 'completed'
group by 1;
comment on view baton_board.validation_durations_by_day is 'Average and maximum duration of completed validation cycles, by day.';
