-- One part of the housekeeping; how many rows it touched, at most p_limit of each kind. Internal.
create function baton_api.sweep_part(p_part text, p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_keep constant interval := (select s.runs_kept_for from baton.settings s);
  v_slot record;
  v_rows int := 0;
begin
  case
  when p_part like 'attempts of %' then
    v_rows := baton_api.sweep_attempts(substr(p_part, length('attempts of ') + 1), p_limit);
  when p_part = 'chunks' then
    perform baton_api.cleanup_stuck_chunks(), baton_api.drain_sync_jobs(p_limit), baton_api.finish_ended_sync_jobs(p_limit),
      baton_api.reset_chunk_marks();
  when p_part = 'slots' then
    for v_slot in
      update baton.slots s set status = 'skipped', settled_at = p_now
      from (
        select p.job, p.due_at from baton.slots p
        join baton.cycles c on c.job = p.job and c.status = 'running' and c.started_at < p.due_at
        where p.status = 'planned' and p.due_at <= p_now
        order by p.job, p.due_at limit p_limit
        for update of p skip locked
      ) d
      where s.job = d.job and s.due_at = d.due_at
      returning s.job, s.due_at
    loop
      perform baton_api.log_run(v_slot.job, 'skipped', 'cycle_running', null, 'schedule', 'scheduler', null, v_slot.due_at, p_now);
      v_rows := v_rows + 1;
    end loop;
  when p_part = 'alerts' then
    perform baton_api.note_long_cycles(null, p_now);
  when p_part = 'wakes' then
    v_rows := baton.forget_late_marks();
  when p_part = 'sample' then
    if not exists (select from baton.queue_samples q where q.job = 'validate-contacts' and q.sampled_at > p_now - interval '1 hour') then
      -- More than that is shown as "more".
      insert into baton.queue_samples (job, sampled_at, due_items)
      select 'validate-contacts', p_now, count(*) from baton_api.due_contacts(p_now, baton_api.stale_before(p_now), null, 100001)
      on conflict do nothing;
    end if;
  when p_part = 'old runs' then
    delete from baton.runs r where r.id in (
      select o.id from baton.runs o where o.finished_at < p_now - v_keep order by o.finished_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  when p_part = 'old ticks' then
    delete from baton.ticks t where t.id in (
      select o.id from baton.ticks o where o.finished_at < p_now - v_keep order by o.finished_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  when p_part = 'old attempts' then
    delete from baton.attempts a where a.id in (
      select o.id from baton.jobs j cross join lateral (
        select f.id from baton.attempts f where f.job = j.name and f.finished_at < p_now - v_keep
        order by f.finished_at limit p_limit for update skip locked) o
      limit p_limit);
    get diagnostics v_rows = row_count;
  when p_part = 'old mail routes' then
    delete from baton.dns_cache d where d.domain in (
      select o.domain from baton.dns_cache o where o.expires_at < p_now order by o.expires_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  when p_part = 'old slots' then
    delete from baton.slots s where (s.job, s.due_at) in (
      select o.job, o.due_at from baton.slots o
      where o.status <> 'planned' and o.due_at < p_now - v_keep order by o.job, o.due_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  when p_part = 'old messages' then
    delete from baton.messages m where m.id in (
      -- Not all providers tell how it ended, so what they have goes as well; what is in doubt stays for a person.
      select o.id from baton.messages o
      where o.created_at < p_now - (select s.messages_kept_for from baton.settings s) and o.status in ('submitted', 'delivered', 'undelivered', 'failed')
      order by o.created_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  when p_part = 'personal data' then
    update baton.messages m set recipient = '', address = null, subject = null, body = null, fields = '{}', detail = null
    where m.id in (
      select o.id from baton.messages o
      where o.created_at < p_now - (select s.personal_data_kept_for from baton.settings s) and o.status in ('submitted', 'delivered', 'undelivered', 'failed')
        and o.recipient <> ''
      order by o.created_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  when p_part = 'old queued jobs' then
    -- Once taken out, the queue stays out.
    if to_regclass('public.job_queue') is not null then
      delete from public.job_queue q where q.id in (
        select o.id from public.job_queue o
        where o.status in ('processed', 'skipped') and o.processed_at < p_now - (select s.auto_sync_jobs_kept_for from baton.settings s)
        order by o.processed_at limit p_limit for update skip locked);
      get diagnostics v_rows = row_count;
    end if;
  when p_part = 'old sync jobs' then
    -- A sync job goes chunk by chunk, then as a whole.
    with old as (
      select c.id, q.id as queue_id from (
        select j.id from baton.sync_jobs j where j.completed_at < p_now - v_keep order by j.completed_at limit 1) j
      join baton.chunked_sync_jobs c on c.sync_job_id = j.id
      left join baton.chunk_processing_queue q on q.chunk_id = c.id
      limit p_limit
    ), attempts as (
      delete from baton.chunk_attempts a using old o where a.queue_id = o.queue_id
    )
    delete from baton.chunked_sync_jobs c using old o where c.id = o.id;
    get diagnostics v_rows = row_count;
    delete from baton.sync_jobs j where j.id in (
      select o.id from baton.sync_jobs o where o.completed_at < p_now - v_keep
        and not exists (select from baton.chunked_sync_jobs c where c.sync_job_id = o.id)
      order by o.completed_at limit p_limit for update skip locked);
  end case;
  return v_rows;
end
$$;
comment on function baton_api.sweep_part is 'One part of the housekeeping (internal).';
