-- Half as long again as a verdict is good for: what the validation should have reached long ago.
create view baton_board.stale_contacts as
select c.id, c.email, c.email_validation_status, c.external_heartbeat_checked_at
from public.contacts c, baton.settings s
where c.email is not null
  and (c.email_validation_status is null or c.external_heartbeat_checked_at < baton.clock() - 1.5 * s.revalidate_after);
comment on view baton_board.stale_contacts is 'Contacts never validated, or not for one and a half times revalidate_after.';
