-- What a tick does after its work: the hourly queue sample, and deleting what is older than the settings say. At most p_limit rows
-- of each kind; safe to repeat, and harmless from many schedulers at once. Answers {"pruned", "failed": {part: error}}: a part
-- that fails stops no other.
create function baton_api.prune(p_limit int) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_swept constant jsonb := baton_api.sweep_parts('{sample,old runs,old ticks,old attempts,old mail routes,old slots,old messages,personal data,old queued jobs,old sync jobs}', p_limit);
begin
  return jsonb_build_object('pruned', (select coalesce(sum((r.value)::int), 0) from jsonb_each_text(v_swept->'rows') r), 'failed', v_swept->'failed');
end
$$;
comment on function baton_api.prune is 'Samples the queue and deletes what is old; bounded.';
