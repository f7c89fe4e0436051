-- Adds the item of each slot that is due to the queue of its job; how many slots. Its data is {"due_at"}, the slot's moment. Of a
-- job that is paused, the item waits. Internal.
create function baton_api.start_slots(p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_slot record;
  v_rows int := 0;
begin
  for v_slot in
    update baton.slots s set status = 'started', settled_at = p_now
    from (
      select p.job, p.due_at from baton.slots p join baton.jobs j on j.name = p.job and j.on_slot = 'item'
      where p.status = 'planned' and p.due_at <= p_now
      order by p.job, p.due_at limit p_limit
      for update of p skip locked
    ) d
    where s.job = d.job and s.due_at = d.due_at
    returning s.job, s.due_at
  loop
    perform baton.enqueue(v_slot.job, jsonb_build_object('due_at', v_slot.due_at), 'slot of ' || (v_slot.due_at at time zone 'UTC')::text);
    v_rows := v_rows + 1;
  end loop;
  return v_rows;
end
$$;
comment on function baton_api.start_slots is 'Adds the items of slots that are due to the queues of their jobs (internal).';
