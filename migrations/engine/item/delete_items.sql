-- Deletes items with all that is known of them. Internal. Locks: items.
create function baton_api.delete_items(p_ids uuid[]) returns void
language plpgsql
as $$
begin
  delete from baton.ready_items r where r.item_id = any (p_ids);
  delete from baton.failed_items f where f.item_id = any (p_ids);
  delete from baton.item_tries t where t.item_id = any (p_ids);
  delete from baton.items i where i.id = any (p_ids);
end
$$;
comment on function baton_api.delete_items is 'Deletes items with all that is known of them (internal).';
