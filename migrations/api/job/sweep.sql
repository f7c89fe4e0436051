-- Housekeeping, called by every tick: ends dead attempts, skips slots that fell into a running cycle, takes the hourly
-- queue sample, prunes what is older than runs_kept_for. At most p_limit rows of each kind; safe to repeat,
-- and harmless from many schedulers at once.
create function baton_api.sweep(p_limit int) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_limit int := least(greatest(coalesce(p_limit, 100), 1), 1000);
  v_keep interval;
  v_job text;
  v_lost int := 0;
  v_slot record;
  v_skipped int := 0;
  v_pruned int := 0;
  v_rows int;
begin
  select s.runs_kept_for into v_keep from baton.settings s;
  for v_job in select j.name from baton.jobs j order by j.name loop
    v_lost := v_lost + baton_api.sweep_attempts(v_job, v_limit);
  end loop;

  perform baton_api.cleanup_stuck_chunks(), baton_api.drain_sync_jobs(v_limit), baton_api.finish_ended_sync_jobs(v_limit),
    baton_api.reset_chunk_marks();

  for v_slot in
    update baton.slots s set status = 'skipped', settled_at = v_now
    from (
      select p.job, p.due_at from baton.slots p
      join baton.cycles c on c.job = p.job and c.status = 'running' and c.started_at < p.due_at
      where p.status = 'planned' and p.due_at <= v_now
      order by p.job, p.due_at limit v_limit
      for update of p skip locked
    ) d
    where s.job = d.job and s.due_at = d.due_at
    returning s.job, s.due_at
  loop
    perform baton_api.log_run(v_slot.job, 'skipped', 'cycle_running', null, 'schedule', 'scheduler', null, v_slot.due_at, v_now);
    v_skipped := v_skipped + 1;
  end loop;

  perform baton_api.note_long_cycles(null, v_now);

  if not exists (select from baton.queue_samples q where q.job = 'validate-contacts' and q.sampled_at > v_now - interval '1 hour') then
    insert into baton.queue_samples (job, sampled_at, due_items)
    select 'validate-contacts', v_now, count(*) from baton_api.due_contacts(v_now, baton_api.stale_before(v_now), null, null)
    on conflict do nothing;
  end if;

  delete from baton.runs r where r.id in (
    select o.id from baton.runs o where o.finished_at < v_now - v_keep order by o.finished_at limit v_limit for update skip locked);
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned + v_rows;
  delete from baton.ticks t where t.id in (
    select o.id from baton.ticks o where o.finished_at < v_now - v_keep order by o.finished_at limit v_limit for update skip locked);
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned + v_rows;
  delete from baton.attempts a where a.id in (
    select o.id from baton.jobs j cross join lateral (
      select f.id from baton.attempts f where f.job = j.name and f.finished_at < v_now - v_keep
      order by f.finished_at limit v_limit for update skip locked) o
    limit v_limit);
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned + v_rows;
  delete from baton.dns_cache d where d.domain in (
    select o.domain from baton.dns_cache o where o.expires_at < v_now order by o.expires_at limit v_limit for update skip locked);
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned + v_rows;
  delete from baton.slots s where (s.job, s.due_at) in (
    select o.job, o.due_at from baton.slots o
    where o.status <> 'planned' and o.due_at < v_now - v_keep order by o.job, o.due_at limit v_limit for update skip locked);
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned + v_rows;
  delete from baton.messages m where m.id in (
    -- Not all providers tell how it ended, so what they have goes as well; what is in doubt stays for a person.
    select o.id from baton.messages o where o.created_at < v_now - v_keep and o.status in ('submitted', 'delivered', 'undelivered', 'failed')
    order by o.created_at limit v_limit for update skip locked);
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned + v_rows;
  -- Whoever took the queue out keeps it out.
  if to_regclass('public.job_queue') is not null then
    delete from public.job_queue q where q.id in (
      select o.id from public.job_queue o
      where o.status in ('processed', 'skipped') and o.processed_at < v_now - (select s.auto_sync_jobs_kept_for from baton.settings s)
      order by o.processed_at limit v_limit for update skip locked);
    get diagnostics v_rows = row_count;
    v_pruned := v_pruned + v_rows;
  end if;
  -- A sync job goes chunk by chunk, then as a whole.
  with old as (
    select c.id, q.id as queue_id from (
      select j.id from baton.sync_jobs j where j.completed_at < v_now - v_keep order by j.completed_at limit 1) j
    join baton.chunked_sync_jobs c on c.sync_job_id = j.id
    left join baton.chunk_processing_queue q on q.chunk_id = c.id
    limit v_limit
  ), attempts as (
    delete from baton.chunk_attempts a using old o where a.queue_id = o.queue_id
  )
  delete from baton.chunked_sync_jobs c using old o where c.id = o.id;
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned + v_rows;
  delete from baton.sync_jobs j where j.id in (
    select o.id from baton.sync_jobs o where o.completed_at < v_now - v_keep
      and not exists (select from baton.chunked_sync_jobs c where c.sync_job_id = o.id)
    order by o.completed_at limit v_limit for update skip locked);
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned + v_rows;
  return jsonb_build_object('lost', v_lost, 'skipped_slots', v_skipped, 'pruned', v_pruned);
end
$$;
comment on function baton_api.sweep is 'Ends what died, skips what overlapped, prunes what is old; bounded.';
