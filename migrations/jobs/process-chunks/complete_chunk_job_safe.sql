-- Settles an attempt at chunks: all outcomes at once, with what they brought. p_outcomes: [{"id", "outcome": completed |
-- retry | wait | failed | refused, "error", "items", "removed", "chunks", "plan", "state", "prune", "wait"}], all but the first
-- two optional. A chunk of the attempt that is not among them is due again, as if never tried.
-- A retry waits for up to 4 s, then 8 s, doubling up to 5 minutes, at random (full jitter); after max_attempts it has failed.
-- A source that asked for patience gets it from everybody, and its chunk's attempt does not count, for a day at most.
-- Answers {"status": "settled", "completed", "retried", "failed", "left", "again", "again_in"}, where again_in are the
-- seconds until a waiting chunk is due when none is now, or {"status": "lost", "reason"}: then
-- nothing has changed. Settling again returns the first answer, with again as it is by then. Raises WK004 for a malformed argument.
-- Locks: attempt, chunks, sync job, limiter.
create function baton_api.complete_chunk_job_safe(p_attempt_id uuid, p_outcomes jsonb) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_attempt record;
  v_ids uuid[];
  v_ended uuid[];
  v_sync_job_id uuid;
  v_setting text;
  v_result jsonb;
begin
  perform baton_api.check_isolation();
  if jsonb_typeof(p_outcomes) <> 'array' or jsonb_path_exists(p_outcomes, '$[*] ? (!(@.outcome == "completed" || @.outcome == "retry"
    || @.outcome == "wait" || @.outcome == "failed" || @.outcome == "refused"))') then
    raise exception 'outcomes are an array of completed, retry, wait, failed or refused' using errcode = 'WK004';
  end if;
  select a.id, a.outcome, a.result, a.trigger, a.worker, a.item_ids::uuid[] as item_ids, a.n_items, a.job, j.rate_per_minute into v_attempt
  from baton.attempts a join baton.jobs j on j.name = a.job
  where a.id = p_attempt_id for update of a;
  if v_attempt.id is null then
    -- A crash of the database took the claim along.
    return jsonb_build_object('status', 'lost', 'reason', 'no_such_attempt');
  elsif v_attempt.job <> 'process-chunks' then
    raise exception 'attempt % belongs to %', p_attempt_id, v_attempt.job using errcode = 'WK004';
  elsif v_attempt.outcome = 'settled' then
    return v_attempt.result || baton_api.call_again(v_now);
  elsif v_attempt.outcome is not null then
    return v_attempt.result;
  end if;
  -- Who goes on by itself is not woken.
  if baton_api.goes_on(v_attempt.trigger) then
    v_setting := pg_catalog.set_config('baton.quiet', 'on', true);
  end if;

  -- One statement, because each costs as much as a row.
  with given as (
    select m.id, o->>'outcome' as outcome, left(o->>'error', 500) as error,
           least(greatest(coalesce((o->>'wait')::int, 30), 1), 3600) as seconds, coalesce(jsonb_array_length(o->'items'), 0) as items
    from unnest(v_attempt.item_ids) as m(id) left join jsonb_array_elements(p_outcomes) as o on (o->>'id')::uuid = m.id
  ), applied as (
    update baton.chunk_processing_queue q
    set (status, attempts, retry_at, completed_at, error_message, items) = (
      select e.status, q.attempts - case when e.counts then 0 else 1 end,
             case when e.status = 'pending' then v_now + interval '1 second' * case
               when g.outcome is null then 0
               when g.outcome = 'wait' then g.seconds
               else random() * least(300, 2 * 2 ^ least(q.attempts, 10)) end end,
             case when e.status <> 'pending' then v_now end, g.error, q.items + g.items
      from (select c.counts, case
              when g.outcome = 'completed' then 'completed'
              when g.outcome in ('failed', 'refused') or (c.counts and q.attempts >= q.max_attempts) then 'failed'
              else 'pending' end as status
            from (select g.outcome is not null and not (g.outcome = 'wait' and q.created_at > v_now - interval '1 day') as counts) c) e)
    from given g
    where q.id = g.id and q.attempt_id = p_attempt_id and q.status = 'processing'
    returning q.id, q.parent_sync_job_id, q.attempts, q.started_at, g.error, case
      when q.status <> 'pending' then q.status
      when g.outcome is null then 'left' when g.outcome = 'wait' then 'waited' else 'retried' end as outcome
  ), audited as (
    insert into baton.chunk_attempts (queue_id, attempt_id, number, worker_id, started_at, ended_at, outcome, error)
    select a.id, p_attempt_id, a.attempts + case when a.outcome in ('left', 'waited') then 1 else 0 end, v_attempt.worker, a.started_at, v_now, a.outcome, a.error
    from applied a
  ), counted as (
    select array_agg(a.id) as ids, jsonb_build_object('status', 'settled',
      'completed', count(*) filter (where a.outcome = 'completed'), 'retried', count(*) filter (where a.outcome in ('retried', 'waited')),
      'failed', count(*) filter (where a.outcome = 'failed'),
      'left', v_attempt.n_items - count(*) filter (where a.outcome in ('completed', 'retried', 'waited', 'failed'))) as result
    from applied a
  ), settled as (
    update baton.attempts a
    set finished_at = v_now, outcome = 'settled', item_ids = '{}', result = c.result
    from counted c where a.id = p_attempt_id
  )
  select c.result, c.ids, array(
    -- From the end, because the last ones are done last: usually one of them is still there.
    select d.id from (select distinct a.parent_sync_job_id as id from applied a) d
    where (select q.status from baton.chunk_processing_queue q where q.parent_sync_job_id = d.id and q.status = 'pending'
           order by q.rank desc limit 1) is null
    order by d.id)
  into v_result, v_ids, v_ended
  from counted c;

  if jsonb_path_exists(p_outcomes, '$[*] ? (exists (@.items) || exists (@.removed) || exists (@.chunks) || exists (@.plan)
    || exists (@.state) || exists (@.prune) || @.outcome == "wait" || @.outcome == "refused")') then
    perform baton_api.apply_chunk_results(p_outcomes, v_ids, v_now);
  end if;
  foreach v_sync_job_id in array v_ended loop
    perform baton_api.finish_sync_job(v_sync_job_id, v_now);
  end loop;
  if v_attempt.rate_per_minute is not null then
    perform baton_api.spend_tokens(v_attempt.job, v_attempt.n_items, v_now);
  end if;
  return v_result || baton_api.call_again(v_now);
end
$$;
comment on function baton_api.complete_chunk_job_safe is 'Settles an attempt at chunks.';
