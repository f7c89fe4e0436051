-- The result of a settlement after which so many items are done, and no other is left of the batch. Internal.
create function baton_api.done_result(p_items int) returns jsonb
language plpgsql immutable
as $$
begin
  return jsonb_build_object('status', 'settled', 'completed', p_items, 'retried', 0, 'failed', 0, 'left', 0);
end
$$;
comment on function baton_api.done_result is 'The result of a settlement after which all items of the batch are done (internal).';

-- What came of an attempt's items in all its turns, the last one included, of which p_result is null when all were done. It is null itself
-- as long as everything was done. Internal.
create function baton_api.add_results(p_attempt baton.attempts, p_result jsonb) returns jsonb
language plpgsql immutable
as $$
declare
  v_items constant int := cardinality(p_attempt.item_ids);
  v_before jsonb := p_attempt.result;
  v_result jsonb := p_result;
begin
  if v_before is null and v_result is null then
    return null;
  end if;
  v_before := coalesce(v_before, baton_api.done_result(p_attempt.n_items - v_items));
  v_result := coalesce(v_result, baton_api.done_result(v_items));
  return jsonb_build_object('status', 'settled',
    'completed', (v_before->>'completed')::int + (v_result->>'completed')::int,
    'retried', (v_before->>'retried')::int + (v_result->>'retried')::int,
    'failed', (v_before->>'failed')::int + (v_result->>'failed')::int,
    'left', (v_before->>'left')::int + (v_result->>'left')::int);
end
$$;
comment on function baton_api.add_results is 'What came of an attempt''s items in all its turns (internal).';
