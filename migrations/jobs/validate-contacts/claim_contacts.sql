-- Claims the next batch of contacts, in the running cycle or a new one.
-- Answers one of
--   {"status": "claimed", "attempt_id", "cycle_id", "contacts": [{"id", "email"}], "routes": {domain: route}}
--   {"status": "skipped", "reason": busy | paused | throttled | …, "until"}   the job is not free
--   {"status": "idle", "reason": nothing_due | restart_delay | …, "until"}    there is nothing to do
-- Every answer but the first is in the log of runs already. A cycle opens by a slot, by a person or a cron
-- (any p_trigger but tick and wake), or self-adaptively. Contacts are not locked: the attempt is what keeps
-- others away, and a row lock each would cost more WAL than the verdict.
-- Bounded by the job's batch size and limit. Locks: advisory, attempt, cycle, limiter.
create function baton_api.claim_contacts(p_trigger text, p_worker text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_job constant text := 'validate-contacts';
  v_now timestamptz := baton.clock();
  v_settings constant baton.jobs := baton_api.job_of(v_job);
  v_gate record;
  v_may jsonb;
  v_cycle baton.cycles;
  v_total bigint;
  v_contacts jsonb;
  v_item_ids text[];
  v_attempt_id uuid;
begin
  v_gate := baton_api.open_gate(v_settings, p_trigger, p_worker, '-infinity');
  if v_gate.declined is not null then
    return v_gate.declined;
  end if;

  select c.* into v_cycle from baton.cycles c where c.job = v_job and c.status = 'running' for update;
  if v_cycle.id is null then
    if p_trigger in ('tick', 'wake') then
      v_may := baton_api.may_start_cycle(v_job, v_now);
      if not (v_may->>'may')::boolean then
        return baton_api.decline_run(v_job, 'idle', v_may->>'reason', (v_may->>'until')::timestamptz, p_trigger, p_worker, v_now);
      end if;
    end if;
    -- Counting all of many would hold up the start; beyond the bound the index says about how many.
    select count(*) into v_total from baton_api.due_contacts(v_now, baton_api.stale_before(v_now), null, 100001);
    if v_total > 100000 then
      select greatest(v_total, max(c.reltuples::bigint)) into v_total from pg_catalog.pg_class c
      where c.oid = to_regclass('public.contacts_never_validated_idx');
    end if;
    perform baton_api.settle_slots(v_job, case when v_total = 0 then 'idle' else 'started' end, v_now);
    if v_total = 0 then
      return baton_api.decline_run(v_job, 'idle', 'nothing_due', null, p_trigger, p_worker, v_now);
    end if;
    insert into baton.cycles (job, started_at, total_items, trigger)
    values (v_job, v_now, v_total, p_trigger)
    returning * into v_cycle;
  else
    perform baton_api.give_up_contacts(v_cycle.id, v_now);
  end if;

  select jsonb_agg(jsonb_build_object('id', d.id, 'email', left(d.email, 4097))), array_agg(d.id)
  into v_contacts, v_item_ids
  from baton_api.due_contacts(v_cycle.started_at, baton_api.stale_before(v_cycle.started_at), v_cycle.id, v_gate.item_limit) d;
  if v_contacts is null then
    perform baton_api.finish_cycle(v_cycle.id, v_now);
    return baton_api.decline_run(v_job, 'idle', 'nothing_due', null, p_trigger, p_worker, v_now);
  end if;

  perform baton_api.take_tokens(v_job, cardinality(v_item_ids), v_now);
  insert into baton.attempts (job, cycle_id, trigger, worker, item_ids, n_items, claimed_at, leased_until)
  values (v_job, v_cycle.id, p_trigger, p_worker, v_item_ids, cardinality(v_item_ids), v_now, v_now + v_settings.lease_seconds * interval '1 second')
  returning id into v_attempt_id;

  return jsonb_build_object(
    'status', 'claimed', 'attempt_id', v_attempt_id, 'cycle_id', v_cycle.id, 'contacts', v_contacts,
    'routes', coalesce((
      select jsonb_object_agg(d.domain, d.route) from baton.dns_cache d
      where d.expires_at > v_now and d.domain in (
        select lower(split_part(btrim(c->>'email', E' \t\r\n'), '@', -1) collate "C")
        from jsonb_array_elements(v_contacts) as c)
    ), '{}'));
end
$$;
comment on function baton_api.claim_contacts is 'Claims the next batch of contacts to validate, or says why not.';
