create view baton_board.cycle_log as
select c.id, c.job, c.status, c.started_at, c.completed_at, extract(epoch from coalesce(c.completed_at, baton.clock()) - c.started_at) as seconds,
       c.total_items, c.done_items, c.iteration, c.trigger, c.error_message
from baton.cycles c;
comment on view baton_board.cycle_log is 'Every cycle of every job: when, how long, how much.';
