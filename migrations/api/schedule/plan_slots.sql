-- Inserts the next slot of schedules, as the caller computed them: [{"job", "due_at"}]. At most 100.
-- Safe to repeat, and harmless from many schedulers at once: a slot is unique per job and moment.
create function baton_api.plan_slots(p_slots jsonb) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_planned int;
begin
  if jsonb_typeof(p_slots) <> 'array' or jsonb_array_length(p_slots) > 100 then
    raise exception 'slots must be an array of at most 100' using errcode = 'WK004';
  end if;
  insert into baton.slots (job, due_at)
  select s.job, s.due_at
  from jsonb_to_recordset(p_slots) as s(job text, due_at timestamptz)
  join baton.schedules c on c.job = s.job and c.enabled
  order by s.job, s.due_at
  on conflict do nothing;
  get diagnostics v_planned = row_count;
  return jsonb_build_object('planned', v_planned);
end
$$;
comment on function baton_api.plan_slots is 'Inserts the next slots of schedules, once each.';
