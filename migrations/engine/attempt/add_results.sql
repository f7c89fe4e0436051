-- What came of the items of several turns. p_before is null at the first. Internal.
create function baton_api.add_results(p_before jsonb, p_result jsonb) returns jsonb
language plpgsql immutable
as $$
begin
  return case when p_before is null then p_result else jsonb_build_object('status', 'settled',
    'completed', (p_before->>'completed')::int + (p_result->>'completed')::int,
    'retried', (p_before->>'retried')::int + (p_result->>'retried')::int,
    'failed', (p_before->>'failed')::int + (p_result->>'failed')::int,
    'left', (p_before->>'left')::int + (p_result->>'left')::int) end;
end
$$;
comment on function baton_api.add_results is 'What came of the items of several turns (internal).';
