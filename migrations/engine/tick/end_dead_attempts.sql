-- What a tick does before it looks for work: ends attempts whose lease ran out, gives their items back, skips slots that fell into
-- a running cycle, and starts those that are one item. At most p_limit rows of each kind; safe to repeat, and harmless from many schedulers at once.
-- Answers {"lost", "skipped_slots", "failed": {part: error}}: a part that fails stops no other.
create function baton_api.end_dead_attempts(p_limit int) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_attempts constant text[] := array(select 'attempts of ' || j.name from baton.jobs j order by j.name);
  v_swept constant jsonb := baton_api.sweep_parts(v_attempts
    || array(select 'clean-up of ' || f.job from baton.job_functions f where f.hook = 'clean_up' order by f.job)
    || array(select 'marks of ' || j.name from baton.jobs j where j.kind <> 'custom' order by j.name)
    || '{slots,scheduled items,alerts,wakes}'::text[], p_limit);
begin
  return jsonb_build_object(
    'lost', (select coalesce(sum((r.value)::int), 0) from jsonb_each_text(v_swept->'rows') r where r.key = any (v_attempts)),
    'skipped_slots', coalesce((v_swept->'rows'->>'slots')::int, 0), 'failed', v_swept->'failed');
end
$$;
comment on function baton_api.end_dead_attempts is 'Ends dead attempts and gives their items back; bounded.';
