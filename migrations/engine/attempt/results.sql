-- The result of a settlement after which so many items are done, and no other is left of the batch. Internal.
create function baton_api.done_result(p_items int) returns jsonb
language plpgsql immutable
as $$
begin
  return jsonb_build_object('status', 'settled', 'completed', p_items, 'retried', 0, 'failed', 0, 'left', 0);
end
$$;
comment on function baton_api.done_result is 'The result of a settlement after which all items of the batch are done (internal).';

-- What came of an attempt's items in all its turns, the last one included; null as long as everything was done. Internal.
create function baton_api.add_results(p_attempt baton.attempts, p_result jsonb) returns jsonb
language plpgsql immutable
as $$
declare
  v_items constant int := cardinality(p_attempt.item_ids);
  v_before jsonb := coalesce(p_attempt.result, baton_api.done_result(p_attempt.n_items - v_items));
  v_sum jsonb;
begin
  v_sum := jsonb_build_object('status', 'settled',
    'completed', (v_before->>'completed')::int + (p_result->>'completed')::int,
    'retried', (v_before->>'retried')::int + (p_result->>'retried')::int,
    'failed', (v_before->>'failed')::int + (p_result->>'failed')::int,
    'left', (v_before->>'left')::int + (p_result->>'left')::int);
  return nullif(v_sum, baton_api.done_result(p_attempt.n_items));
end
$$;
comment on function baton_api.add_results is 'What came of an attempt''s items in all its turns (internal).';
