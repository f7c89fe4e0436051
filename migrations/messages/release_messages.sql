-- Takes back what an attempt had of messages and never told about: those not submitted are due again, those that were
-- being submitted are unknown, and due to be asked about in a minute. With p_died the sender is dead: a message that it
-- held without submitting it counts a loss, and after three it has failed. Internal. Locks: messages.
create function baton_api.release_messages(p_attempt_id uuid, p_ids uuid[], p_died boolean, p_now timestamptz) returns void
language plpgsql
as $$
begin
  with mine as materialized (
    select l.id, case when l.status = 'submitting' then 'unknown' when l.status = 'reserved' and p_died and l.losses >= 2 then 'failed'
      else l.status end as status
    from baton.messages l
    where l.id = any (p_ids) and l.attempt_id = p_attempt_id and l.status in ('reserved', 'submitting', 'unknown')
    order by l.id
    for update
  )
  update baton.messages m
  set (status, attempt_id, losses, due_at, reason, ended_at) = (
    select w.status, null::uuid, m.losses + case when p_died and m.status <> 'submitting' then 1 else 0 end,
      case w.status when 'failed' then null when 'unknown' then p_now + case m.status when 'submitting' then interval '1 minute' else interval '0' end
        else p_now end,
      case w.status when 'reserved' then m.reason when 'failed' then 'gave_up' else coalesce(case m.status when 'unknown' then m.reason end, 'worker_died') end,
      case w.status when 'failed' then p_now end
    from mine w where w.id = m.id)
  where m.id = any (array(select w.id from mine w));
end
$$;
comment on function baton_api.release_messages is 'Takes back what an attempt had of messages and never told about (internal).';
