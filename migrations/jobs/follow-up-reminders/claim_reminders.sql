-- Claims the next reminders: messages that wait to be sent or asked about, then new ones about assignments that nobody
-- followed up, in the running cycle or a new one. Answers one of
--   {"status": "claimed", "attempt_id", "now", "default_region", "messages": […]}   see open_message_attempt
--   {"status": "skipped", "reason": busy | paused | throttled | provider_refused | …, "until"}
--   {"status": "idle", "reason": nothing_due | waits_for_schedule | …, "until"}
-- Every answer but the first is in the log of runs already. A cycle opens by a slot, by a person or a cron.
-- Bounded by the job's batch size and limit. Locks: advisory, attempt, cycle, assignments, messages, limiter.
create function baton_api.claim_reminders(p_trigger text, p_worker text) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_name constant text := 'follow-up-reminders';
  v_now constant timestamptz := baton.clock();
  v_attempt_id constant uuid := baton.ordered_id();
  v_job baton.jobs;
  v_gate record;
  v_cycle_id uuid;
  v_may jsonb := '{"may": true}';
  v_total bigint;
  v_work jsonb;
  v_ids uuid[];
  v_new_ids uuid[];
  v_seen int := 0;
begin
  perform baton_api.hold_after_failover(v_now);
  v_job := baton_api.job_of(v_name);
  v_gate := baton_api.open_gate(v_job, p_trigger, p_worker, '-infinity');
  if v_gate.declined is not null then
    return v_gate.declined;
  end if;
  select c.id into v_cycle_id from baton.cycles c where c.job = v_name and c.status = 'running' for update;
  if v_cycle_id is null then
    if p_trigger not in ('manual', 'cron') then
      v_may := baton_api.may_start_cycle(v_name, v_now);
    end if;
    if (v_may->>'may')::boolean then
      select count(*) into v_total from baton_api.due_assignments(null, 100001);
      perform baton_api.settle_slots(v_name, case when v_total = 0 then 'idle' else 'started' end, v_now);
      if v_total > 0 then
        insert into baton.cycles (job, started_at, total_items, trigger) values (v_name, v_now, v_total, p_trigger) returning id into v_cycle_id;
      end if;
    end if;
  end if;

  v_ids := baton_api.lease_messages(v_name, v_attempt_id, v_gate.item_limit, v_now);
  -- One that is taken alone gets no company here, either.
  if v_cycle_id is not null and cardinality(v_ids) < v_gate.item_limit
    and not exists (select from baton.messages m where m.id = any (v_ids) and m.losses >= 2)
  then
    select r.ids, r.seen into v_new_ids, v_seen
    from baton_api.reserve_reminders(v_cycle_id, v_attempt_id, v_gate.item_limit - cardinality(v_ids), v_now) r;
    v_ids := v_ids || v_new_ids;
    update baton.cycles c set done_items = c.done_items + v_seen, iteration = c.iteration + 1 where c.id = v_cycle_id;
    if v_seen = 0 then
      perform baton_api.finish_cycle(v_cycle_id, v_now);
    end if;
  end if;
  if v_ids = '{}' and v_seen = 0 then
    v_work := baton_api.message_work(v_name, v_now);
    if v_work ? 'reason' then
      return baton_api.decline_run(v_name, 'skipped', v_work->>'reason', (v_work->>'until')::timestamptz, p_trigger, p_worker, v_now);
    end if;
    return baton_api.decline_run(v_name, 'idle', case when (v_may->>'may')::boolean then 'nothing_due' else v_may->>'reason' end,
      least((v_may->>'until')::timestamptz, (v_work->>'until')::timestamptz), p_trigger, p_worker, v_now);
  end if;
  return baton_api.open_message_attempt(v_job, v_attempt_id, v_ids, p_trigger, p_worker, v_now);
end
$$;
comment on function baton_api.claim_reminders is 'Claims the next reminders about assignments that nobody followed up, or says why not.';
