-- Leases due messages of a job to an attempt, longest due first, at most p_limit, none of a blocked channel. A message whose
-- senders died twice is taken alone, so that it alone pays if it kills a third. Internal. Locks: messages, of which it skips
-- those that are locked.
create function baton_api.lease_messages(p_job text, p_attempt_id uuid, p_limit int, p_now timestamptz) returns uuid[]
language plpgsql
as $$
declare
  v_ids uuid[];
  v_dangerous uuid[];
begin
  with due as materialized (
    select d.id, d.losses, d.due_at from baton.channels c
    cross join lateral (
      select m.id, m.losses, m.due_at from baton.messages m
      where m.job = p_job and m.channel = c.channel and m.due_at <= p_now
      order by m.due_at limit p_limit
      for update skip locked
    ) d
    where not exists (select from baton_api.blocked_channels(p_now) b where b.channel = c.channel)
    order by d.due_at limit p_limit
  )
  select array_agg(d.id), array_agg(d.id order by d.due_at) filter (where d.losses >= 2) into v_ids, v_dangerous from due d;
  v_ids := coalesce(v_dangerous[1:1], v_ids, '{}');
  update baton.messages m set attempt_id = p_attempt_id, due_at = null where m.id = any (v_ids);
  return v_ids;
end
$$;
comment on function baton_api.lease_messages is 'Leases due messages of a job to an attempt (internal).';
