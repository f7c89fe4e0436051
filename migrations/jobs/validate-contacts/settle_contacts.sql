-- Settles an attempt: applies all verdicts at once, moves the cycle on, and finishes it when nothing is left.
-- p_outcomes: [{"id", "email", "status", "reason", "evidence"}]; a contact of the batch that is not among them stays due,
-- as does one whose address changed meanwhile or whose row somebody holds locked. A row that cannot be written is set aside
-- with its error; the others are settled.
-- p_routes: [{"domain", "route", "ttl"}] for the cache, ttl in seconds.
-- p_throttle: {} or {"seconds", "reason"}: nobody takes items of this job for so long; five seconds when nothing was settled.
-- p_claim_next claims the next contacts in the same transaction.
-- Answers {"status": "settled", "settled", "left", "again", "next"}, where again says that another call finds work at once, and next is
-- the answer of a claim that got contacts, or null; or {"status": "lost", "reason"} when the work was given to another or the
-- cycle was stopped: then nothing has changed. Settling again returns the first answer, and claims nothing.
-- Raises WK002 when there is no such attempt, WK004 for a malformed argument. Locks: attempt, cycle, contacts, limiter, and those of a claim.
create function baton_api.settle_contacts(
  p_attempt_id uuid, p_outcomes jsonb, p_routes jsonb, p_throttle jsonb, p_claim_next boolean default false
) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_attempt baton.attempts;
  v_cycle baton.cycles;
  v_counts jsonb;
  v_settled int;
  v_goes_on boolean;
  v_again boolean;
  v_result jsonb;
  v_next jsonb;
begin
  perform baton_api.check_isolation();
  if jsonb_typeof(p_outcomes) <> 'array' or jsonb_typeof(p_routes) <> 'array' or jsonb_typeof(p_throttle) <> 'object' then
    raise exception 'outcomes and routes are arrays, throttle is an object' using errcode = 'WK004';
  end if;
  if exists (
    select from jsonb_to_recordset(p_outcomes) as o(status text)
    where o.status is null or o.status not in ('deliverable', 'undeliverable', 'risky', 'unknown')
  ) then
    raise exception 'an outcome has a status that is none of deliverable, undeliverable, risky, unknown' using errcode = 'WK004';
  end if;
  select a.* into v_attempt from baton.attempts a where a.id = p_attempt_id for update;
  if not found then
    raise exception 'there is no attempt %', p_attempt_id using errcode = 'WK002';
  elsif v_attempt.job <> 'validate-contacts' then
    raise exception 'attempt % belongs to %', p_attempt_id, v_attempt.job using errcode = 'WK004';
  end if;
  if v_attempt.outcome is not null then
    return v_attempt.result;
  end if;
  -- An operator's UPDATE waits for this settlement or comes before it.
  select c.* into v_cycle from baton.cycles c where c.id = v_attempt.cycle_id for update;
  if v_cycle.status <> 'running' then
    perform baton_api.lose_attempt(v_attempt, 'cycle_stopped', v_now);
    return jsonb_build_object('status', 'lost', 'reason', 'cycle_stopped');
  end if;

  begin
    v_counts := baton_api.apply_verdicts(v_attempt.item_ids, p_outcomes, v_cycle.id, v_now);
  exception when others then
    -- A passing failure of the database is the caller's to repeat; anything else is a row that cannot be written.
    if baton_api.is_transient(sqlstate) then
      raise;
    end if;
    v_counts := baton_api.apply_verdicts_one_by_one(v_attempt.item_ids, p_outcomes, v_cycle.id, v_now);
  end;
  select coalesce(sum((c.value)::int), 0) into v_settled from jsonb_each_text(v_counts) c;

  delete from baton.item_losses l where l.job = v_attempt.job and l.item_id = any (v_attempt.item_ids);

  insert into baton.dns_cache as d (domain, route, expires_at)
  select r.domain, r.route, v_now + least(greatest(r.ttl, 1), 86400) * interval '1 second'
  from jsonb_to_recordset(p_routes) as r(domain text, route jsonb, ttl int)
  where r.domain is not null and r.route is not null
  order by r.domain
  on conflict (domain) do update set route = excluded.route, expires_at = excluded.expires_at;

  -- Whatever kept a whole batch from its verdicts would keep the next one, too, as fast as it is claimed.
  if v_settled = 0 and not p_throttle ? 'seconds' then
    p_throttle := '{"seconds": 5, "reason": "nothing_settled"}';
  end if;
  if p_throttle ? 'seconds' then
    update baton.limiters l
    set blocked_until = greatest(case when not baton_api.is_past(l.blocked_until, v_now, interval '1 hour') then l.blocked_until end, v_now + least(greatest((p_throttle->>'seconds')::int, 1), 3600) * interval '1 second'),
        blocked_reason = coalesce(p_throttle->>'reason', 'provider_throttled')
    where l.job = v_attempt.job;
  end if;
  perform baton_api.spend_tokens(v_attempt.job, v_attempt.n_items, v_now);

  update baton.cycles c
  set done_items = c.done_items + v_settled, iteration = c.iteration + 1
  where c.id = v_cycle.id;
  v_goes_on := exists (
    select from baton_api.due_contacts(v_cycle.started_at, baton_api.stale_before(v_cycle.started_at), v_cycle.id, 1));
  if not v_goes_on then
    perform baton_api.finish_cycle(v_cycle.id, v_now);
  end if;
  v_again := v_goes_on and not (select baton_api.job_throttle(j, v_now) ? 'reason' from baton.jobs j where j.name = v_attempt.job);
  if v_again and not p_claim_next and not baton_api.goes_on(v_attempt.trigger) then
    perform baton.wake(v_attempt.job);
  end if;

  v_result := jsonb_build_object('status', 'settled', 'settled', v_settled, 'left', v_attempt.n_items - v_settled, 'again', v_again, 'next', null);
  update baton.attempts a
  set finished_at = v_now, outcome = 'settled', item_ids = '{}', result = v_result
  where a.id = p_attempt_id;
  perform baton_api.log_run(v_attempt.job, 'ran', null,
    v_counts || jsonb_build_object('claimed', v_attempt.n_items, 'settled', v_settled),
    v_attempt.trigger, v_attempt.worker, p_attempt_id, v_attempt.claimed_at, v_now);
  if p_claim_next and v_again then
    v_next := baton_api.claim_contacts('next', v_attempt.worker);
    if v_next->>'status' = 'claimed' then
      return v_result || jsonb_build_object('next', v_next);
    end if;
  end if;
  return v_result;
end
$$;
comment on function baton_api.settle_contacts is 'Applies the verdicts of an attempt and moves its cycle on.';
