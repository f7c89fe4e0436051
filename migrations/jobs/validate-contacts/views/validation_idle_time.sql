create view baton_board.validation_idle_time as
select c.id, c.completed_at, lead(c.started_at) over w as next_start,
       round(extract(epoch from lead(c.started_at) over w - c.completed_at) / 3600, 4) as idle_hours
from baton.cycles c
where c.job = 'validate-contacts'
window w as (order by c.started_at);
comment on view baton_board.validation_idle_time is 'How long nothing ran between one validation cycle and the next.';
