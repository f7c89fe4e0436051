-- Gives up items that failed: they are no longer listed, and are deleted in time. One, or with null all of a job, longest failed first.
-- For operators. Answers {"dropped": n}. Raises WK002 when there is no such job, WK004 when its items belong to groups. Safe to
-- repeat. At most 10,000 at once. Locks: failed items, items.
create function baton_api.drop_items(p_job text, p_item_id uuid, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_rows int;
begin
  if (baton_api.job_of(p_job)).kind = 'groups' then
    raise exception 'job % drops the items of a group together', p_job using errcode = 'WK004', hint = 'It has a command of its own for that.';
  end if;
  with dropped as (
    delete from baton.failed_items f
    using (
      select c.failed_at, c.item_id from baton.failed_items c
      where c.job = p_job and (p_item_id is null or c.item_id = p_item_id)
      order by c.failed_at limit 10000 for update skip locked) c
    where f.job = p_job and f.failed_at = c.failed_at and f.item_id = c.item_id
    returning f.item_id
  )
  update baton.items i set status = 'cancelled' from dropped d where i.id = d.item_id;
  get diagnostics v_rows = row_count;
  if v_rows > 0 then
    insert into baton.events (noun, noun_id, from_state, to_state, who) values ('item', coalesce(p_item_id::text, p_job), 'failed', 'cancelled', p_who);
  end if;
  return jsonb_build_object('dropped', v_rows);
end
$$;
comment on function baton_api.drop_items is 'Gives up items that failed.';
