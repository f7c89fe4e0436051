-- Reserves reminders about at most p_limit due assignments of a cycle, for an attempt; an assignment that raises an error is set
-- aside with it, and the others are reserved. Answers the ids of the messages and how many assignments were seen to.
-- Internal. Locks: assignments.
create function baton_api.reserve_reminders(p_cycle_id uuid, p_attempt_id uuid, p_limit int, p_now timestamptz, out ids uuid[], out seen int)
language plpgsql
as $$
declare
  v_due constant jsonb := (select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'since', d.since)), '[]') from baton_api.due_assignments(p_cycle_id, p_limit) d);
  v_one jsonb;
  v_reserved record;
begin
  select r.ids, r.seen into ids, seen from baton_api.reserve_reminders_of(v_due, p_attempt_id, p_now) r;
exception when others then
  if baton_api.is_transient(sqlstate) then
    raise;
  end if;
  ids := '{}';
  seen := 0;
  for v_one in select d from jsonb_array_elements(v_due) d loop
    begin
      select r.ids, r.seen into v_reserved from baton_api.reserve_reminders_of(jsonb_build_array(v_one), p_attempt_id, p_now) r;
      ids := ids || v_reserved.ids;
      seen := seen + v_reserved.seen;
    exception when others then
      perform baton_api.set_item_aside('follow-up-reminders', v_one->>'id', sqlstate, sqlerrm, p_now);
      seen := seen + 1;
    end;
  end loop;
end
$$;
comment on function baton_api.reserve_reminders is 'Reserves reminders about due assignments (internal).';
