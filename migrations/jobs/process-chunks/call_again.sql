-- Whether whoever settled should call again at once, and if not, in how many seconds a waiting chunk is due:
-- {"again": true}, or {"again": false, "again_in"}. Internal.
create function baton_api.call_again(p_now timestamptz) returns jsonb
language plpgsql
as $$
begin
  if baton_api.has_due_chunks(p_now, '{}') then
    return '{"again": true}';
  end if;
  return jsonb_build_object('again', false, 'again_in', extract(epoch from baton_api.next_chunk_due_at(p_now) - p_now));
end
$$;
comment on function baton_api.call_again is 'Whether another call for chunks is worth while, and when (internal).';
