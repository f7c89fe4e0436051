-- Settles an attempt at chunks: all outcomes at once, with what they brought. p_outcomes: [{"id", "outcome": completed |
-- retry | wait | failed | refused, "error", "items", "removed", "chunks", "plan", "state", "prune", "wait"}], all but the first
-- two optional. A chunk of the attempt that is not among them is due again, as if never tried.
-- A retry waits for up to 4 s, then 8 s, doubling up to 5 minutes, at random (full jitter); after max_attempts it has failed.
-- A source that asked for patience gets it from everybody, and its chunk's attempt does not count, for a day at most.
-- Answers {"status": "settled", "completed", "retried", "failed", "left", "again"}, or {"status": "lost", "reason"}: then
-- nothing has changed. Settling again returns the first answer. Raises WK004 for a malformed argument.
-- Locks: attempt, chunks, sync job, limiter.
create function baton_api.complete_chunk_job_safe(p_attempt_id uuid, p_outcomes jsonb) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamptz := baton.clock();
  v_attempt baton.attempts;
  v_done record;
  v_sync_job_id uuid;
  v_result jsonb;
begin
  if jsonb_typeof(p_outcomes) <> 'array' or exists (
    select from jsonb_array_elements(p_outcomes) o
    where coalesce(o->>'outcome', '') not in ('completed', 'retry', 'wait', 'failed', 'refused')
  ) then
    raise exception 'outcomes are an array of completed, retry, wait, failed or refused' using errcode = 'WK004';
  end if;
  select a.* into v_attempt from baton.attempts a where a.id = p_attempt_id for update;
  if not found then
    -- A crash of the database took the claim along.
    return jsonb_build_object('status', 'lost', 'reason', 'no_such_attempt');
  elsif v_attempt.outcome is not null then
    return v_attempt.result;
  end if;
  -- Who goes on by itself is not woken.
  if v_attempt.trigger in ('tick', 'next') or (v_attempt.trigger = 'wake' and (select s.wake = 'listen' from baton.settings s)) then
    perform pg_catalog.set_config('baton.quiet', 'on', true);
  end if;

  with given as (
    select (o->>'id')::uuid as id, o->>'outcome' as outcome, left(o->>'error', 500) as error,
           least(greatest(coalesce((o->>'wait')::int, 30), 1), 3600) as seconds, coalesce(jsonb_array_length(o->'items'), 0) as items
    from jsonb_array_elements(p_outcomes) o
  ), mine as (
    select m.id, g.outcome, g.error, g.seconds, g.items
    from unnest(v_attempt.item_ids::uuid[]) as m(id) left join given g on g.id = m.id
  ), applied as (
    update baton.chunk_processing_queue q
    set (status, attempts, retry_at, completed_at, error_message, items) = (
      select e.status, q.attempts - case when e.counts then 0 else 1 end,
             case when e.status = 'pending' then v_now + interval '1 second' * case
               when m.outcome is null then 0
               when m.outcome = 'wait' then m.seconds
               else random() * least(300, 2 * 2 ^ least(q.attempts, 10)) end end,
             case when e.status <> 'pending' then v_now end, m.error, q.items + coalesce(m.items, 0)
      from (select c.counts, case
              when m.outcome = 'completed' then 'completed'
              when m.outcome in ('failed', 'refused') or (c.counts and q.attempts >= q.max_attempts) then 'failed'
              else 'pending' end as status
            from (select m.outcome is not null and not (m.outcome = 'wait' and q.created_at > v_now - interval '1 day') as counts) c) e)
    from mine m
    where q.id = m.id and q.attempt_id = p_attempt_id and q.status = 'processing'
    returning q.id, q.parent_sync_job_id, q.attempts, q.started_at, m.error, case
      when q.status <> 'pending' then q.status
      when m.outcome is null then 'left' when m.outcome = 'wait' then 'waited' else 'retried' end as outcome
  ), audited as (
    insert into baton.chunk_attempts (queue_id, attempt_id, number, worker_id, started_at, ended_at, outcome, error)
    select a.id, p_attempt_id, a.attempts + case when a.outcome in ('left', 'waited') then 1 else 0 end, v_attempt.worker, a.started_at, v_now, a.outcome, a.error
    from applied a
  )
  select count(*) filter (where a.outcome = 'completed') as completed, count(*) filter (where a.outcome in ('retried', 'waited')) as retried,
         count(*) filter (where a.outcome = 'failed') as failed,
         array_agg(a.id) as ids, array_agg(distinct a.parent_sync_job_id) as sync_job_ids
  into v_done
  from applied a;

  if exists (select from jsonb_array_elements(p_outcomes) o where o - '{id,outcome,error}'::text[] <> '{}' or o->>'outcome' = 'refused') then
    perform baton_api.apply_chunk_results(p_outcomes, v_done.ids, v_now);
  end if;
  for v_sync_job_id in select u from unnest(v_done.sync_job_ids) as u order by u loop
    perform baton_api.finish_sync_job(v_sync_job_id, v_now);
  end loop;

  v_result := jsonb_build_object('status', 'settled', 'completed', v_done.completed, 'retried', v_done.retried,
    'failed', v_done.failed, 'left', v_attempt.n_items - v_done.completed - v_done.retried - v_done.failed,
    'again', baton_api.has_due_chunks(v_now, '{}'));
  update baton.attempts a
  set finished_at = v_now, outcome = 'settled', item_ids = '{}', result = v_result
  where a.id = p_attempt_id;
  if exists (select from baton.jobs j where j.name = v_attempt.job and j.rate_per_minute is not null) then
    perform baton_api.spend_tokens(v_attempt.job, v_attempt.n_items, v_now);
  end if;
  return v_result;
end
$$;
comment on function baton_api.complete_chunk_job_safe is 'Settles an attempt at chunks.';
grant execute on function baton_api.complete_chunk_job_safe to baton_worker;
