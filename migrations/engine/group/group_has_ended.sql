-- Whether no item of a group waits or is under way. Internal; the caller has locked the group, so that of two settlements that each
-- see the other's attempt open, the second one waits, and sees the first one's.
create function baton_api.group_has_ended(p_job baton.jobs, p_group_id uuid) returns boolean
language plpgsql
as $$
begin
  return not baton_api.has_waiting_items(p_group_id) and not exists (
    select from baton.attempts a
    where a.job = p_job.name and a.finished_at is null and a.claimed_at >= (select baton_api.mark_at('attempt_mark', p_job.lock_id))
      and p_group_id = any (a.group_ids));
end
$$;
comment on function baton_api.group_has_ended is 'Whether no item of a group waits or is under way (internal).';
