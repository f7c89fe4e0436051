create view baton_board.item_tries as
select i.job, t.item_id, t.started_at, t.ended_at, t.worker, t.outcome, t.error
from baton.item_tries t join baton.items i on i.id = t.item_id
union all
select i.job, i.id, i.started_at, i.ended_at, coalesce(i.worker, (select a.worker from baton.attempts a where a.id = i.attempt_id)), i.status, i.error from baton.items i where i.ended_at is not null and i.started_at is not null;
comment on view baton_board.item_tries is 'Every try at every item: by which worker, when, and what came of it.';
