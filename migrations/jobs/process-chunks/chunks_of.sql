-- The part of a claim's answer that chunks have: {"status": "claimed", "attempt_id", "chunks": [{"id", "sync_job_id", "attempt",
-- "work"}], "jobs": {sync_job_id: {"plan", "source"}}}. A sync job whose first chunks these are is under way from now on. Internal.
-- Locks: sync job, when it can be had: another claim may begin it at the same moment.
create function baton_api.chunks_of(p_claimed jsonb, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_group_ids constant uuid[] := array(select jsonb_array_elements_text(p_claimed->'groups'));
  v_jobs jsonb;
  v_begins boolean;
  v_chunks jsonb;
begin
  select jsonb_object_agg(j.id, jsonb_build_object('plan', j.plan, 'source', jsonb_build_object(
           'name', s.name, 'kind', s.kind, 'url', s.url, 'username', s.username, 'secret', k.secret, 'settings', s.settings))),
         bool_or(j.status = 'pending'), (
           select jsonb_agg(jsonb_build_object('id', i.id, 'sync_job_id', i.group_id, 'attempt', i.attempts + 1, 'work', i.data) order by c.n)
           from jsonb_array_elements_text(p_claimed->'item_ids') with ordinality as c(id, n)
           cross join lateral (select o.* from baton.items o where o.id = c.id::uuid limit 1) i)
  into v_jobs, v_begins, v_chunks
  from baton.sync_jobs j join baton.sources s on s.name = j.source left join baton.source_secrets k on k.source = s.name
  where j.id = any (v_group_ids);
  if v_begins then
    update baton.sync_jobs j set status = 'processing', started_at = p_now
    where j.id in (
      select o.id from baton.sync_jobs o where o.id = any (v_group_ids) and o.status = 'pending' order by o.id for no key update skip locked);
  end if;
  return jsonb_build_object('status', 'claimed', 'attempt_id', p_claimed->'attempt_id', 'jobs', v_jobs, 'chunks', v_chunks);
end
$$;
comment on function baton_api.chunks_of is 'The answer to a claim of chunks (internal).';
