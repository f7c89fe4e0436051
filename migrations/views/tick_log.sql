create view baton_board.tick_log as
select t.id, t.started_at, t.finished_at, extract(epoch from t.finished_at - t.started_at)::double precision as seconds,
       t.status, t.calls, t.worker, t.unreachable
from baton.ticks t;
comment on view baton_board.tick_log is 'Every tick: when, how long, how many calls, and which jobs it could not reach.';
