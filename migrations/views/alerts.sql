create view baton_board.alerts as
select a.id, a.job, a.cycle_id, a.reason, c.started_at, a.noticed_at, extract(epoch from coalesce(c.completed_at, baton.clock()) - c.started_at) as seconds,
       a.alert_after_seconds
from baton.alerts a join baton.cycles c on c.id = a.cycle_id;
comment on view baton_board.alerts is 'Cycles that ran for longer than their job''s alert threshold.';
