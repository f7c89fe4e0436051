-- Pauses both jobs that send, where they are not paused, until an operator resumes them. Internal. Locks: jobs.
create function baton_api.pause_sending(p_reason text, p_now timestamptz) returns void
language sql
as $$
  update baton.jobs j
  set paused_at = p_now, paused_by = 'baton', pause_reason = p_reason
  where j.name in ('follow-up-reminders', 'auto-sync-jobs') and j.paused_at is null
$$;
comment on function baton_api.pause_sending is 'Pauses both jobs that send (internal).';
