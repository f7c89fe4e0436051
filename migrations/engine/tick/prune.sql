-- What a tick does after its work: the hourly queue sample, and deleting what is older than the settings say. At most p_limit rows
-- of each kind; safe to repeat, and harmless from many schedulers at once. Answers {"pruned", "more", "failed": {part: error}},
-- where more says that a part found as much as it may: another call finds more. A part that fails stops no other.
create function baton_api.prune(p_limit int) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_swept constant jsonb := baton_api.sweep_parts(
    array(select 'sample of ' || f.job from baton.job_functions f where f.hook = 'count_due' order by f.job)
    || array(select 'old rows of ' || f.job from baton.job_functions f where f.hook = 'prune' order by f.job)
    || '{old items,old runs,old ticks,old attempts,old slots}'::text[], p_limit);
begin
  return jsonb_build_object('failed', v_swept->'failed') || (
    select jsonb_build_object('pruned', coalesce(sum((r.value)::int), 0), 'more', coalesce(max((r.value)::int) >= p_limit, false))
    from jsonb_each_text(v_swept->'rows') r);
end
$$;
comment on function baton_api.prune is 'Samples the queue and deletes what is old; bounded.';
