create view baton_board.queue_trend as
select q.job, q.sampled_at, q.due_items, q.due_items - lag(q.due_items) over (partition by q.job order by q.sampled_at) as change
from baton.queue_samples q;
comment on view baton_board.queue_trend is 'How much was due, sampled once an hour.';
