-- Whether a group of a job that may be taken now has an item that is ready. Internal.
create function baton_api.has_open_ready_items(p_job baton.jobs, p_now timestamptz) returns boolean
language plpgsql
as $$
declare
  v_closed constant uuid[] := baton_api.closed_groups(p_job, '{}', null, p_now);
begin
  if v_closed = '{}' then
    return baton_api.has_ready_items(p_job, p_now);
  end if;
  return exists (
    select from baton.item_groups g
    where g.job = p_job.name and g.state = 'open' and g.id <> all (v_closed) and exists (
        select from baton.ready_items r where r.group_id = g.id and (r.run_at is null or r.run_at <= p_now)));
end
$$;
comment on function baton_api.has_open_ready_items is 'Whether a group that may be taken now has an item that is ready (internal).';
