-- A sync job takes its chunks along, however it is deleted.
create or replace function baton.forget_chunks() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  perform baton_api.delete_items(array(select i.id from baton.items i where i.group_id = old.id));
  delete from baton.item_groups g where g.id = old.id;
  return null;
end
$$;

create or replace trigger t50_forget_chunks
after delete on baton.sync_jobs
for each row
execute function baton.forget_chunks();
