-- What a worker is told of an item, as text, because jsonb that is built of jsonb costs several times as much. Internal.
create function baton_api.item_of(p_item baton.items, p_max_attempts int) returns text
language sql stable
as $$
  select '{"id": "' || p_item.id || '", "attempt": ' || p_item.attempts + 1 || ', "max_attempts": ' || p_max_attempts || ', "key": '
    || coalesce(to_json(p_item.key)::text, 'null') || ', "data": ' || p_item.data || '}'
$$;
comment on function baton_api.item_of is 'What a worker is told of an item (internal).';

-- What a worker is told of the items that it claimed, as text: {"status": "claimed", "attempt_id", "items": [{"id", "attempt",
-- "max_attempts", "key", "data"}]}, in the order of p_item_ids. Internal.
create function baton_api.items_of(p_token uuid, p_item_ids text[], p_max_attempts int) returns text
language plpgsql
as $$
declare
  v_items text;
begin
  -- One alone is looked up more cheaply than by what keeps the order of several.
  if cardinality(p_item_ids) = 1 then
    select baton_api.item_of(i, p_max_attempts) into v_items from baton.items i where i.id = p_item_ids[1]::uuid;
  else
    select string_agg(baton_api.item_of(i, p_max_attempts), ', ' order by c.n) into v_items
    from unnest(p_item_ids::uuid[]) with ordinality as c(id, n)
    cross join lateral (select o.* from baton.items o where o.id = c.id limit 1) i;
  end if;
  return '{"status": "claimed", "attempt_id": "' || p_token || '", "items": [' || coalesce(v_items, '') || ']}';
end
$$;
comment on function baton_api.items_of is 'What a worker is told of the items that it claimed (internal).';
