-- Writes that items are done that an attempt claimed at p_since. By which worker is told by the attempt. Items of groups have no key.
-- Answers how many there still were. Internal. Locks: items.
create function baton_api.store_done(p_kind text, p_job text, p_attempt_id uuid, p_item_ids text[], p_since timestamptz, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_done int;
  v_keys text[];
begin
  if p_kind = 'groups' then
    update baton.items i
    set status = 'completed', attempts = i.attempts + 1, error = null, started_at = p_since, ended_at = p_now, worker = null, attempt_id = p_attempt_id
    where i.id = any (p_item_ids::uuid[]);
    get diagnostics v_done = row_count;
  else
    with done as (
      update baton.items i
      set status = 'completed', attempts = i.attempts + 1, error = null, started_at = p_since, ended_at = p_now, worker = null, attempt_id = p_attempt_id
      where i.id = any (p_item_ids::uuid[])
      returning i.key
    )
    select count(*), array_agg(d.key) filter (where d.key is not null) into v_done, v_keys from done d;
    if v_keys is not null then
      delete from baton.item_keys k where k.job = p_job and k.key = any (v_keys);
    end if;
  end if;
  return v_done;
end
$$;
comment on function baton_api.store_done is 'Writes that items are done (internal).';
