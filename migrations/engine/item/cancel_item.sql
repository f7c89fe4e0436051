-- Cancels an item that no attempt has. For operators; applications have baton.cancel. Answers {"cancelled": true}, or
-- {"cancelled": false, "reason": under_way | completed | failed | cancelled}. Safe to repeat. Raises WK002 when there is no such
-- item. Locks: ready item.
create function baton_api.cancel_item(p_job text, p_item_id uuid, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_item baton.items;
begin
  delete from baton.ready_items r where r.item_id = p_item_id and r.job = p_job and r.group_id is null;
  if found then
    update baton.items i set status = 'cancelled', started_at = null, ended_at = baton.clock(), error = 'cancelled by ' || p_who where i.id = p_item_id;
    delete from baton.item_keys k using baton.items i where i.id = p_item_id and k.job = i.job and k.key = i.key and k.item_id = i.id;
    insert into baton.events (noun, noun_id, from_state, to_state, who) values ('item', p_item_id::text, 'waiting', 'cancelled', p_who);
    return '{"cancelled": true}';
  end if;
  select i.* into v_item from baton.items i where i.id = p_item_id and i.job = p_job;
  if not found then
    raise exception 'job % has no item %', p_job, p_item_id using errcode = 'WK002';
  end if;
  return jsonb_build_object('cancelled', false, 'reason', case v_item.status when 'waiting' then 'under_way' else v_item.status end);
end
$$;
comment on function baton_api.cancel_item is 'Cancels an item that is not under way.';
