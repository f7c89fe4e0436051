-- Whether the caller that settled should call again at once, and if not, in how many seconds a waiting item is due:
-- {"again": true}, or {"again": false, "again_in"}. Internal.
create function baton_api.items_again(p_job baton.jobs, p_now timestamptz) returns jsonb
language plpgsql
as $$
begin
  if baton_api.has_ready_items(p_job, p_now) then
    return '{"again": true, "again_in": null}';
  end if;
  return jsonb_build_object('again', false, 'again_in', extract(epoch from baton_api.next_item_due_at(p_job, p_now) - p_now));
end
$$;
comment on function baton_api.items_again is 'Whether another call for items is worth while, and when (internal).';
