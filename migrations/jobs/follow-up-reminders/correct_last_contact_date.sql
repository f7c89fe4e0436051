-- Corrects when an assignment was last followed up, and writes down who did it, from what, to what, and why.
-- p_last_contact_date is ISO 8601, or null for never. Answers {"assignment_id", "from", "to"}. Safe to repeat.
-- Raises WK002 when there is no such assignment, WK005 when the date is none or in the future, or nobody says who or why.
-- Locks: assignment.
create function baton_api.correct_last_contact_date(p_assignment_id text, p_last_contact_date text, p_who text, p_why text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_to timestamptz;
  v_assignment public.assignments;
begin
  perform baton_api.commit_durably();
  if coalesce(p_who, '') !~ '\S' or coalesce(p_why, '') !~ '\S' then
    raise exception 'who and why: say who corrects the date, and why' using errcode = 'WK005';
  end if;
  begin
    v_to := p_last_contact_date::timestamptz;
  exception when data_exception then
    raise exception 'last_contact_date: % is no date; give one like 2026-11-20T10:00:00Z, or null', p_last_contact_date using errcode = 'WK005';
  end;
  if v_to > v_now or v_to < timestamptz '1970-01-01 00:00:00Z' then
    raise exception 'last_contact_date: % is not between 1970 and now', p_last_contact_date using errcode = 'WK005';
  end if;
  begin
    select a.* into v_assignment from public.assignments a
    where a.id = (jsonb_populate_record(null::public.assignments, jsonb_build_object('id', p_assignment_id))).id for update;
  exception when data_exception then
    -- What is no key is no assignment's key.
    v_assignment := null;
  end;
  if v_assignment.id is null then
    raise exception 'there is no assignment %', p_assignment_id using errcode = 'WK002';
  end if;
  update public.assignments a set last_contact_date = v_to where a.id = v_assignment.id;
  insert into baton.events (noun, noun_id, from_state, to_state, who, why)
  values ('assignment', v_assignment.id::text, to_jsonb(v_assignment)->>'last_contact_date', to_jsonb(v_to)#>>'{}', p_who, p_why);
  return jsonb_build_object('assignment_id', v_assignment.id, 'from', v_assignment.last_contact_date, 'to', v_to);
end
$$;
comment on function baton_api.correct_last_contact_date is 'Corrects when an assignment was last followed up, on the record.';
