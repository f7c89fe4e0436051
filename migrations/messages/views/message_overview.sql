create view baton_board.message_overview as
select m.job, m.channel, m.status, m.reason, count(*) as messages, min(m.created_at) as oldest
from baton.messages m
group by m.job, m.channel, m.status, m.reason;
comment on view baton_board.message_overview is 'How many messages stand where, and why.';
