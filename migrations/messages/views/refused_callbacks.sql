create view baton_board.refused_callbacks as
select c.route, c.refused, c.first_at, c.last_at
from baton.refused_callbacks c
where c.refused > 0 and c.last_at > baton.clock() - interval '1 day';
comment on view baton_board.refused_callbacks is 'Callbacks of the provider of text messages that were refused within a day, since the last one that was right.';
