-- Marks the job's planned slots that are due by now. Internal.
create function baton_api.settle_slots(p_job text, p_status text, p_now timestamptz) returns int
language sql
as $$
  with settled as (
    update baton.slots s set status = p_status, settled_at = p_now
    where s.job = p_job and s.status = 'planned' and s.due_at <= p_now
    returning 1
  )
  select count(*)::int from settled
$$;
comment on function baton_api.settle_slots is 'Marks the slots of a job that are due by now (internal).';
