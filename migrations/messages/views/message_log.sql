create view baton_board.message_log as
select m.id, m.job, m.purpose, m.subject_id, m.recipient_id, m.channel, m.recipient, m.address, m.status, m.reason, m.detail,
       case when m.status = 'reserved' and m.due_at > baton.clock() then m.due_at end as held_until,
       m.provider, m.provider_id, m.attempts, m.subject, m.body, m.created_at, m.submitting_at, m.submitted_at, m.ended_at
from baton.messages m;
comment on view baton_board.message_log is 'Every message: where it stands, and until when and why it is held back.';
