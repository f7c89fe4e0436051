-- Settles an attempt: applies all verdicts at once, moves the cycle on, and finishes it when nothing is left.
-- p_outcomes: [{"id", "email", "status", "reason", "evidence"}]; a contact of the batch that is not among them stays due,
-- as does one whose address changed meanwhile or whose row somebody holds locked.
-- p_routes: [{"domain", "route", "ttl"}] for the cache, ttl in seconds.
-- p_throttle: {} or {"seconds", "reason"}: nobody takes items of this job for so long; five seconds when nothing was settled.
-- Answers {"status": "settled", "settled", "left", "more"}, or {"status": "lost", "reason"} when the work was given
-- to another or the cycle was stopped: then nothing has changed. Settling again returns the first answer.
-- Raises WK002 when there is no such attempt, WK004 for a malformed argument. Locks: attempt, cycle, contacts, limiter.
create function baton_api.settle_contacts(p_attempt_id uuid, p_outcomes jsonb, p_routes jsonb, p_throttle jsonb) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_attempt baton.attempts;
  v_cycle baton.cycles;
  v_counts jsonb;
  v_settled int;
  v_more boolean;
  v_result jsonb;
begin
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

  with given as (
    select k.id, o.email, o.status, o.reason, o.evidence
    from jsonb_to_recordset(p_outcomes) as o(id text, email text, status text, reason text, evidence jsonb)
    join unnest(v_attempt.item_ids) as mine(id) on mine.id = o.id
    cross join lateral jsonb_populate_record(null::public.contacts, jsonb_build_object('id', o.id)) as k
  ), held as (
    -- All that the update needs: joining two lists without statistics again would compare each with each.
    select c.id, c.email_validation_tries as tries, g.status, g.reason, g.evidence
    from public.contacts c join given g on g.id = c.id and g.email = c.email
    order by c.id
    for update of c skip locked
  ), applied as (
    update public.contacts c
    set email_validation_status = h.status,
        email_validation_reason = h.reason,
        email_validation_evidence = h.evidence,
        external_heartbeat_checked_at = v_now,
        email_validation_cycle_id = v_cycle.id,
        email_validation_tries = case when h.status = 'unknown' then c.email_validation_tries + 1 else 0 end,
        email_validation_retry_at = r.retry_at,
        email_validation_valid_until = coalesce(r.retry_at, v_now + (select s.revalidate_after from baton.settings s))
    from held h
    -- Exponential with full jitter, from 15 minutes to a day, never less than a minute.
    cross join lateral (select case when h.status = 'unknown' then v_now
      + interval '1 minute' + random() * least(86400, 900 * 2 ^ least(h.tries, 10)) * interval '1 second'
      end) as r(retry_at)
    where c.id = h.id
    returning c.email_validation_status as status
  )
  select coalesce(jsonb_object_agg(s.status, s.n), '{}'), coalesce(sum(s.n), 0)
  into v_counts, v_settled
  from (select a.status, count(*)::int as n from applied a group by a.status) s;

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
    set blocked_until = greatest(l.blocked_until, v_now + least(greatest((p_throttle->>'seconds')::int, 1), 3600) * interval '1 second'),
        blocked_reason = coalesce(p_throttle->>'reason', 'provider_throttled')
    where l.job = v_attempt.job;
  end if;
  perform baton_api.spend_tokens(v_attempt.job, v_attempt.n_items, v_now);

  update baton.cycles c
  set done_items = c.done_items + v_settled, iteration = c.iteration + 1
  where c.id = v_cycle.id;
  v_more := exists (
    select from baton_api.due_contacts(v_cycle.started_at, baton_api.stale_before(v_cycle.started_at), v_cycle.id, 1));
  if v_more then
    perform baton_api.wake_if_open(v_attempt.job, v_now);
  else
    perform baton_api.finish_cycle(v_cycle.id, v_now);
  end if;

  v_result := jsonb_build_object('status', 'settled', 'settled', v_settled, 'left', v_attempt.n_items - v_settled, 'more', v_more);
  update baton.attempts a
  set finished_at = v_now, outcome = 'settled', item_ids = '{}', result = v_result
  where a.id = p_attempt_id;
  perform baton_api.log_run(v_attempt.job, 'ran', null,
    v_counts || jsonb_build_object('claimed', v_attempt.n_items, 'settled', v_settled),
    v_attempt.trigger, v_attempt.worker, p_attempt_id, v_attempt.claimed_at, v_now);
  return v_result;
end
$$;
comment on function baton_api.settle_contacts is 'Applies the verdicts of an attempt and moves its cycle on.';
