-- Housekeeping, which a tick does after its work: what end_dead_attempts does, then the hourly queue sample, and the pruning of
-- what is older than the settings say. At most p_limit rows of each kind; safe to repeat, and harmless from many
-- schedulers at once. Answers {"lost", "skipped_slots", "pruned", "failed": {part: error}}: a part that fails stops no other.
create function baton_api.sweep(p_limit int) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_ended constant jsonb := baton_api.end_dead_attempts(p_limit);
  v_swept constant jsonb := baton_api.sweep_parts('{sample,old runs,old ticks,old attempts,old mail routes,old slots,old messages,personal data,old queued jobs,old sync jobs}', p_limit);
begin
  return v_ended || jsonb_build_object(
    'pruned', (select coalesce(sum((r.value)::int), 0) from jsonb_each_text(v_swept->'rows') r),
    'failed', (v_ended->'failed') || (v_swept->'failed'));
end
$$;
comment on function baton_api.sweep is 'Ends what died, skips what overlapped, prunes what is old; bounded.';
