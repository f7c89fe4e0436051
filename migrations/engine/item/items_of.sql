-- What a worker is told of the items that it claimed: {"status": "claimed", "attempt_id", "items": [{"id", "attempt", "max_attempts", "key",
-- "data"}]}, in the order of p_claimed. Internal.
create function baton_api.items_of(p_job baton.jobs, p_claimed jsonb) returns jsonb
language plpgsql
as $$
begin
  return jsonb_build_object('status', 'claimed', 'attempt_id', p_claimed->'attempt_id', 'items', (
    select jsonb_agg(jsonb_build_object('id', i.id, 'attempt', i.attempts + 1, 'max_attempts', p_job.max_attempts, 'key', i.key, 'data', i.data) order by c.n)
    from jsonb_array_elements_text(p_claimed->'item_ids') with ordinality as c(id, n)
    cross join lateral (select o.* from baton.items o where o.id = c.id::uuid limit 1) i));
end
$$;
comment on function baton_api.items_of is 'What a worker is told of the items that it claimed (internal).';
