-- Applies what became of messages of an attempt: [{"id", "outcome", …}], as domain::message::Outcome has it. What a callback
-- told meanwhile stays. Who opted out is remembered. Wants the attempt locked. Internal. Locks: messages, opt-outs, channels.
--   submitted  the provider has it; "provider", "provider_id", "delivery": {"status", "reason", "detail"} or null
--   failed     it will not go out
--   retry      later: with "wait" the provider gets no request for so many seconds; else the message waits for up to a minute,
--              doubling to an hour (full jitter), and a provider that cannot be reached gets no request for half a minute
--   unsent     it was kept back: due again at once, and the try does not count
--   unknown    "askable": asked about after a minute, then ever more rarely for a day; else a person decides. With the reason
--              "throttled" the provider gets no request for a minute
--              One that the provider says to have under an id that another message has is asked about again.
--   absent     the provider does not have it: sent again once it said so twice, the second time an hour after the attempt,
--              because lists of providers lag
--   outbox     there is no provider: looked at again in an hour, until it expires
--   refused    the provider gets no request for a minute
create function baton_api.apply_message_outcomes(p_attempt baton.attempts, p_outcomes jsonb, p_now timestamptz) returns void
language plpgsql
as $$
declare
  -- Messages are read and written by their ids and joined in memory, because a plan that was made when there were few may
  -- read all of them.
  v_ids constant uuid[] := array(select (o->>'id')::uuid from jsonb_array_elements(p_outcomes) as o);
  v_blocked record;
begin
  if p_outcomes = '[]' then
    return;
  end if;
  with given as (
    select o.id, o.outcome, o.provider, o.provider_id, coalesce(o.delivery->>'reason', o.reason) as reason,
           left(coalesce(o.delivery->>'detail', o.detail), 500) as detail, o.wait, coalesce(o.askable, false) as askable,
           coalesce(o.delivery->>'status', 'submitted') as delivery,
           o.provider_id is not null and row_number() over (partition by o.provider_id order by o.id) > 1 as told_before
    from jsonb_to_recordset(p_outcomes) as o(id uuid, outcome text, provider text, provider_id text, delivery jsonb,
      reason text, detail text, wait int, askable boolean)
  ), mine as materialized (
    select m.* from baton.messages m where m.id = any (v_ids) and m.attempt_id = p_attempt.id order by m.id for update
  ), held as materialized (
    select m.id, m.status as old_status, t.taken, g.*, case
        when t.taken then 'unknown'
        when g.outcome = 'submitted' then g.delivery
        when g.outcome = 'failed' then 'failed'
        when g.outcome = 'unknown' then 'unknown'
        when g.outcome = 'absent' and m.submitting_at <= p_now - interval '1 hour' and m.reason = 'not_at_provider' then
          case when m.expires_at <= p_now then 'failed' else 'reserved' end
        when m.status = 'unknown' then 'unknown'
        when g.outcome = 'outbox' and m.expires_at <= p_now then 'failed'
        else 'reserved' end as new_status
    from given g(id_given, outcome, provider, provider_id, reason, detail, wait, askable, delivery, told_before)
    join mine m on m.id = g.id_given
    cross join lateral (
      -- Two messages of the same words to one number: what the provider lists once cannot be both.
      select m.status = 'unknown' and g.outcome = 'submitted' and (g.told_before or exists (
        select from baton.messages o where o.address = m.address and o.submitting_at > m.submitting_at - interval '1 hour'
          and o.id <> m.id and o.provider_id = g.provider_id)) as taken) t
    where m.status in ('reserved', 'submitting', 'unknown')
  ), applied as (
    update baton.messages m
    set (status, attempt_id, provider, provider_id, reason, detail, attempts, looks, submitted_at, ended_at, due_at) = (
      select h.new_status, null::uuid, coalesce(h.provider, m.provider), coalesce(case when not h.taken then h.provider_id end, m.provider_id),
        case when h.taken then m.reason when h.new_status in ('submitted', 'delivered') then null when h.outcome = 'absent' then 'not_at_provider'
          when h.outcome = 'outbox' then case h.new_status when 'failed' then 'expired' else 'no_provider' end else h.reason end,
        h.detail,
        m.attempts - case when (h.outcome = 'unsent' or h.outcome = 'retry' and h.wait is not null) and h.old_status = 'submitting' then 1 else 0 end,
        case when h.old_status = 'unknown' and h.new_status = 'unknown' then m.looks + 1 else 0 end,
        case when h.new_status in ('submitted', 'delivered', 'undelivered') then coalesce(m.submitted_at, p_now) else m.submitted_at end,
        case when h.new_status in ('delivered', 'undelivered', 'failed') then p_now end,
        case
          when h.new_status not in ('reserved', 'unknown') then null
          when h.taken then p_now + interval '1 minute'
          when h.outcome = 'retry' then p_now + interval '1 second' * coalesce(h.wait, random() * least(3600, 60 * 2 ^ least(greatest(m.attempts - 1, 0), 10)))
          when h.outcome = 'outbox' then p_now + interval '1 hour'
          when h.outcome = 'refused' then p_now
          when h.new_status = 'reserved' then p_now
          when h.outcome = 'absent' then greatest(p_now + interval '1 minute', m.submitting_at + interval '1 hour')
          when h.askable and m.submitting_at > p_now - interval '1 day' then p_now + interval '1 minute' * least(60, 2 ^ least(m.looks, 10)) end
      from held h where h.id = m.id)
    where m.id = any (array(select h.id from held h))
    returning m.channel, m.address, m.status, m.reason
  )
  insert into baton.opt_outs (channel, address, opted_out_at)
  select distinct a.channel, a.address, p_now from applied a
  where a.reason = 'opted_out' and a.status in ('failed', 'undelivered') and a.address is not null
  on conflict do nothing;

  for v_blocked in
    select m.channel, m.provider, max(case o.outcome when 'retry' then coalesce(o.wait, 30) else 60 end) as seconds,
           (array_agg(case when o.outcome = 'refused' then 'provider_refused' when o.reason = 'provider_unreachable' then o.reason else 'provider_throttled' end
             order by o.outcome))[1] as reason
    from jsonb_to_recordset(p_outcomes) as o(id uuid, outcome text, reason text, wait int)
    join (select l.id, l.channel, l.provider from baton.messages l where l.id = any (v_ids) offset 0) m on m.id = o.id
    where o.outcome = 'refused' or o.outcome = 'retry' and (o.wait is not null or o.reason = 'provider_unreachable')
      or o.outcome = 'unknown' and o.reason = 'throttled'
    group by m.channel, m.provider order by m.channel, m.provider
  loop
    perform baton_api.block_channels(v_blocked.channel, v_blocked.provider, v_blocked.seconds, v_blocked.reason, p_now);
  end loop;
end
$$;
comment on function baton_api.apply_message_outcomes is 'Applies what became of messages of an attempt (internal).';
