-- Notes a tick that has just ended: {"status": done | out_of_time | unreachable, "calls", "duration_ms", "worker",
-- "unreachable": [{"job", "url", "message"}]}. A tick lasts 10 minutes at most. Raises WK004 when a part is malformed.
create function baton_api.record_tick(p_tick jsonb) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_status constant text := p_tick->>'status';
  v_duration constant numeric := case when jsonb_typeof(p_tick->'duration_ms') = 'number' then (p_tick->>'duration_ms')::numeric end;
  v_calls constant numeric := case when jsonb_typeof(p_tick->'calls') = 'number' then (p_tick->>'calls')::numeric end;
  v_unreachable constant jsonb := coalesce(p_tick->'unreachable', '[]');
begin
  if v_status is null or v_status not in ('done', 'out_of_time', 'unreachable') then
    raise exception 'status is done, out_of_time or unreachable, not %', coalesce(v_status, 'missing') using errcode = 'WK004';
  elsif v_duration is null or v_duration not between 0 and 600000 then
    raise exception 'duration_ms is a number from 0 to 600000' using errcode = 'WK004';
  elsif v_calls is null or v_calls not between 0 and 1000000 then
    raise exception 'calls is a number from 0 to 1000000' using errcode = 'WK004';
  elsif jsonb_typeof(v_unreachable) <> 'array' or jsonb_array_length(v_unreachable) > 100 then
    raise exception 'unreachable is an array of at most 100' using errcode = 'WK004';
  end if;
  -- A crash that loses the record loses no work.
  perform set_config('synchronous_commit', 'off', true);
  insert into baton.ticks (started_at, finished_at, status, calls, worker, unreachable)
  values (v_now - v_duration::double precision * interval '1 millisecond', v_now, v_status, v_calls::int,
    left(coalesce(p_tick->>'worker', 'unknown'), 100), v_unreachable);
  return jsonb_build_object('recorded', true);
end
$$;
comment on function baton_api.record_tick is 'Notes a tick: how long it took, and which jobs it could not reach.';
