-- Those of the groups that the next turn of an attempt, if there is one, has no item of: only they may have ended. Internal.
create function baton_api.groups_left(p_group_ids uuid[], p_next jsonb) returns uuid[]
language plpgsql immutable
as $$
begin
  if p_next->'groups' = to_jsonb(p_group_ids) then
    return '{}';
  end if;
  return array(select g.id from unnest(p_group_ids) as g(id) where p_next is null or not p_next->'groups' ? g.id::text);
end
$$;
comment on function baton_api.groups_left is 'Those of the groups that the next turn of an attempt has no item of (internal).';
