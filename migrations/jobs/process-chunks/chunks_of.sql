-- What a worker is told of a chunk, as text, because jsonb that is built of jsonb costs several times as much. Internal.
create function baton_api.chunk_of(p_item baton.items) returns text
language sql stable
as $$
  select '{"id": "' || p_item.id || '", "sync_job_id": "' || p_item.group_id || '", "attempt": ' || p_item.attempts + 1 || ', "work": ' || p_item.data || '}'
$$;
comment on function baton_api.chunk_of is 'What a worker is told of a chunk (internal).';

-- The answer to a claim of chunks, as text: {"status": "claimed", "attempt_id", "chunks": [{"id", "sync_job_id", "attempt", "work"}],
-- "jobs": {sync_job_id: {"plan", "source"}}}, in the order of p_item_ids. A sync job whose first chunks these are is under way from
-- now on. p_group_ids null: the caller knows the jobs. Internal. Locks: sync job, when it can be had: another claim may begin it at the same moment.
create function baton_api.chunks_of(p_token uuid, p_item_ids text[], p_group_ids uuid[], p_now timestamptz) returns text
language plpgsql
as $$
declare
  v_jobs text;
  v_begins boolean;
  v_chunks text;
begin
  if p_group_ids is not null then
    select string_agg('"' || j.id || '": {"plan": ' || j.plan || ', "source": ' || jsonb_build_object(
             'name', s.name, 'kind', s.kind, 'url', s.url, 'username', s.username, 'secret', k.secret, 'settings', s.settings) || '}', ', '),
           bool_or(j.status = 'pending')
    into v_jobs, v_begins
    from baton.sync_jobs j join baton.sources s on s.name = j.source left join baton.source_secrets k on k.source = s.name
    where j.id = any (p_group_ids);
  end if;
  if v_begins then
    update baton.sync_jobs j set status = 'processing', started_at = p_now
    where j.id in (
      select o.id from baton.sync_jobs o where o.id = any (p_group_ids) and o.status = 'pending' order by o.id for no key update skip locked);
  end if;
  -- One alone is looked up more cheaply than by what keeps the order of several.
  if cardinality(p_item_ids) = 1 then
    select baton_api.chunk_of(i) into v_chunks from baton.items i where i.id = p_item_ids[1]::uuid;
  else
    select string_agg(baton_api.chunk_of(i), ', ' order by c.n) into v_chunks
    from unnest(p_item_ids::uuid[]) with ordinality as c(id, n)
    cross join lateral (select o.* from baton.items o where o.id = c.id limit 1) i;
  end if;
  return '{"status": "claimed", "attempt_id": "' || p_token || '", "jobs": {' || coalesce(v_jobs, '') || '}, "chunks": [' || coalesce(v_chunks, '') || ']}';
end
$$;
comment on function baton_api.chunks_of is 'The answer to a claim of chunks (internal).';
