-- What a worker is told of the items that it claimed, as text: {"status": "claimed", "attempt_id", "items": [{"id", "attempt",
-- "max_attempts", "key", "data"}]}, in the order of p_item_ids. Internal.
create function baton_api.items_of(p_token uuid, p_item_ids uuid[], p_max_attempts int) returns text
language plpgsql
as $$
declare
  v_items text;
begin
  -- As text, because jsonb that is built of jsonb costs several times as much.
  select string_agg('{"id": "' || i.id || '", "attempt": ' || i.attempts + 1 || ', "max_attempts": ' || p_max_attempts || ', "key": '
           || coalesce(to_json(i.key)::text, 'null') || ', "data": ' || i.data || '}', ', ' order by c.n)
  into v_items
  from unnest(p_item_ids) with ordinality as c(id, n)
  cross join lateral (select o.* from baton.items o where o.id = c.id limit 1) i;
  return '{"status": "claimed", "attempt_id": "' || p_token || '", "items": [' || coalesce(v_items, '') || ']}';
end
$$;
comment on function baton_api.items_of is 'What a worker is told of the items that it claimed (internal).';
