-- Inserts the next slot of schedules, as the caller computed them: [{"job", "due_at"}]. At most 100.
-- A slot ahead replaces the others of its job that are ahead, so that a wrong one does not keep the schedule from firing.
-- Safe to repeat, and harmless from many schedulers at once: a slot is unique per job and moment.
-- Raises WK004 for a slot that is not finite or more than 5 years ahead; then nothing is planned. Locks: slots.
create function baton_api.plan_slots(p_slots jsonb) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_wrong text;
  v_planned int;
begin
  if jsonb_typeof(p_slots) <> 'array' or jsonb_array_length(p_slots) > 100 then
    raise exception 'slots must be an array of at most 100' using errcode = 'WK004';
  end if;
  select s.job || ' at ' || coalesce(s.due_at::text, 'no moment') into v_wrong
  from jsonb_to_recordset(p_slots) as s(job text, due_at timestamptz)
  where s.due_at is null or not isfinite(s.due_at) or s.due_at > v_now + interval '5 years' limit 1;
  if v_wrong is not null then
    raise exception 'slot of %: a slot is finite and at most 5 years ahead', v_wrong using errcode = 'WK004';
  end if;
  delete from baton.slots o
  using (
    select s.job, array_agg(s.due_at) as due_at
    from jsonb_to_recordset(p_slots) as s(job text, due_at timestamptz) where s.due_at > v_now group by s.job
  ) s
  join baton.schedules c on c.job = s.job and c.enabled
  where o.job = s.job and o.status = 'planned' and o.due_at > v_now and o.due_at <> all (s.due_at);
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
