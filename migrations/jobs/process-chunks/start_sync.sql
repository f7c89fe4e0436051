-- Starts a sync job: of the changes since the last complete one where the source can tell them, else of everything, as with
-- p_full. One that is under way already is found instead. For operators. Raises WK002 when there is no such source.
-- Answers {"sync_job_id", "started", "kind"}.
create function baton_api.start_sync(p_source text, p_full boolean, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_source baton.sources;
  v_sync_job baton.sync_jobs;
begin
  select s.* into v_source from baton.sources s where s.name = p_source for update;
  if not found then
    raise exception 'there is no source %', p_source using errcode = 'WK002';
  end if;
  select j.* into v_sync_job from baton.sync_jobs j where j.source = p_source and j.status in ('pending', 'processing');
  if found then
    return jsonb_build_object('sync_job_id', v_sync_job.id, 'started', false, 'kind', v_sync_job.kind);
  end if;
  insert into baton.sync_jobs (source, kind)
  values (p_source, case when p_full or v_source.state is null then 'full' else 'changes' end)
  returning * into v_sync_job;
  -- A source that asked for patience gets it from the next sync, too.
  insert into baton.item_groups (id, job, max_parallel, blocked_until, blocked_reason)
  select v_sync_job.id, 'process-chunks', v_source.max_parallel, g.blocked_until, g.blocked_reason
  from (select 1) one
  left join baton.item_groups g on g.id = (
    select j.id from baton.sync_jobs j where j.source = p_source and j.id <> v_sync_job.id order by j.created_at desc, j.id desc limit 1);
  perform baton_api.enqueue_chunks(v_sync_job.id, jsonb_build_array(case
    when v_source.kind = 'noop' then '{"do": "noop"}'::jsonb
    when v_source.kind = 'json' then '{"do": "page"}'::jsonb
    when v_sync_job.kind = 'full' then '{"do": "plan"}'::jsonb
    else jsonb_build_object('do', 'changes', 'since', v_source.state) end));
  insert into baton.events (noun, noun_id, to_state, who) values ('sync_job', v_sync_job.id::text, 'pending', p_who);
  return jsonb_build_object('sync_job_id', v_sync_job.id, 'started', true, 'kind', v_sync_job.kind);
end
$$;
comment on function baton_api.start_sync is 'Starts a sync of a source, or finds the one under way.';
