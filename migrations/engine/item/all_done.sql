-- Whether outcomes say of every item of a batch that it is done, and of nothing else: in one word, or of each. Internal; the former
-- word `completed` is understood, too.
create function baton_api.all_done(p_item_ids text[], p_outcomes jsonb) returns boolean
language plpgsql immutable
as $$
declare
  v_items constant int := cardinality(p_item_ids);
begin
  if p_outcomes in ('"done"', '"completed"') then
    return true;
  elsif jsonb_typeof(p_outcomes) is distinct from 'array' or jsonb_array_length(p_outcomes) <> v_items then
    return false;
  elsif v_items = 1 then
    return coalesce(p_outcomes->0->>'outcome' in ('done', 'completed') and p_outcomes->0->>'id' = p_item_ids[1], false);
  end if;
  return v_items = (
    select count(distinct m.id)
    from unnest(p_item_ids) as m(id)
    join jsonb_array_elements(p_outcomes) as o(given) on o.given->>'id' = m.id
    where o.given->>'outcome' in ('done', 'completed'));
end
$$;
comment on function baton_api.all_done is 'Whether outcomes say of every item of a batch that it is done (internal).';

-- The outcomes of a batch, one for each item, where one word said of all that they are done. Internal.
create function baton_api.each_outcome(p_item_ids text[], p_outcomes jsonb) returns jsonb
language plpgsql immutable
as $$
begin
  if p_outcomes in ('"done"', '"completed"') then
    return coalesce((select jsonb_agg(jsonb_build_object('id', m.id, 'outcome', p_outcomes)) from unnest(p_item_ids) as m(id)), '[]');
  end if;
  return p_outcomes;
end
$$;
comment on function baton_api.each_outcome is 'The outcomes of a batch, one for each item (internal).';
