-- Cancels items of a group that no attempt has, at most p_limit, and ends the group when none is left; how many. p_error says why.
-- Internal; the caller has locked the group. Locks: ready items, items.
create function baton_api.drain_group(p_job baton.jobs, p_group_id uuid, p_error text, p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_rows int;
begin
  with taken as (
    delete from baton.ready_items r where r.ctid = any (array(
      select w.ctid from baton.ready_items w where w.group_id = p_group_id order by w.rank limit p_limit for update skip locked))
    returning r.item_id
  )
  update baton.items i set status = 'cancelled', started_at = null, ended_at = p_now, error = p_error from taken t where i.id = t.item_id;
  get diagnostics v_rows = row_count;
  if v_rows < p_limit and baton_api.group_has_ended(p_job, p_group_id) then
    update baton.item_groups g set state = 'ended' where g.id = p_group_id;
  end if;
  return v_rows;
end
$$;
comment on function baton_api.drain_group is 'Cancels the items of a group that no attempt has (internal).';
