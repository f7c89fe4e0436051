-- Writes that all items of an attempt are done. By which worker is told by the attempt. Internal. Locks: items.
create function baton_api.store_done(p_job baton.jobs, p_attempt baton.attempts, p_now timestamptz) returns void
language plpgsql
as $$
begin
  with done as (
    update baton.items i
    set status = 'completed', attempts = i.attempts + 1, error = null, started_at = coalesce(p_attempt.turn_at, p_attempt.claimed_at), ended_at = p_now,
        worker = null, attempt_id = p_attempt.id
    where i.id = any (p_attempt.item_ids::uuid[])
    returning i.key
  )
  delete from baton.item_keys k using done d where d.key is not null and k.job = p_job.name and k.key = d.key;
end
$$;
comment on function baton_api.store_done is 'Writes that all items of an attempt are done (internal).';
