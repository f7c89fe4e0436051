-- Leases due messages of a job to an attempt, longest due first, at most p_limit, none of a blocked channel. One that is held by
-- settings that have changed since is due, too. A message whose senders died twice is taken alone, so that it alone pays if it
-- kills a third. Those to be sent get their recipient as the application has it now; one without any address has failed.
-- Internal. Locks: messages, of which it skips those that are locked.
create function baton_api.lease_messages(p_job text, p_attempt_id uuid, p_limit int, p_now timestamptz) returns uuid[]
language plpgsql
as $$
declare
  v_ids uuid[];
  v_dangerous uuid[];
  v_revision constant bigint := (select s.hold_revision from baton.settings s);
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
    union all
    select h.id, h.losses, h.due_at from baton.channels c
    cross join lateral (
      select m.id, m.losses, m.due_at from baton.messages m
      where m.job = p_job and m.channel = c.channel and m.due_at is not null and m.reason in ('quiet_hours', 'daily_cap')
        and m.hold_revision < v_revision and m.due_at > p_now
      order by m.hold_revision limit p_limit
      for update skip locked
    ) h
    where not exists (select from baton_api.blocked_channels(p_now) b where b.channel = c.channel)
    order by due_at limit p_limit
  )
  select array_agg(d.id), array_agg(d.id order by d.due_at) filter (where d.losses >= 2) into v_ids, v_dangerous from due d;
  v_ids := coalesce(v_dangerous[1:1], v_ids, '{}');
  perform baton_api.refresh_recipients(p_job, array(select m.id from baton.messages m where m.id = any (v_ids) and m.status = 'reserved'));
  update baton.messages m
  set (attempt_id, due_at, status, reason, ended_at) = (
    select case when not n.gone then p_attempt_id end, null::timestamptz, case when n.gone then 'failed' else m.status end,
           case when n.gone then 'no_address' else m.reason end, case when n.gone then p_now else m.ended_at end
    from (select m.status = 'reserved' and m.recipient = '' as gone) n)
  where m.id = any (v_ids);
  return array(select m.id from baton.messages m where m.id = any (v_ids) and m.attempt_id = p_attempt_id);
end
$$;
comment on function baton_api.lease_messages is 'Leases due messages of a job to an attempt (internal).';
