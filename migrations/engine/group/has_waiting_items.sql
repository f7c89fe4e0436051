-- Whether an item of a group waits that no attempt has. From the end, because the last ones are done last: as a rule one of them is
-- still there. Internal.
create function baton_api.has_waiting_items(p_group_id uuid) returns boolean
language plpgsql
as $$
begin
  return coalesce((select true from baton.ready_items r where r.group_id = p_group_id order by r.rank desc limit 1), false);
end
$$;
comment on function baton_api.has_waiting_items is 'Whether an item of a group waits that no attempt has (internal).';
