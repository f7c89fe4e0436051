-- Applies outcomes of messages that went before, then decides which of the next messages may go now, and renews the lease.
-- p_letters: [{"id", "provider", "address", "zones": [IANA names], "region", "segments", "subject", "body"}]; region (ISO 3166-1)
-- and segments are those of a text message, else null. Those in "go" are `submitting` from here on;
-- a sender that dies now leaves them `unknown`. Of the others, one that is no longer wanted (expired, answered meanwhile,
-- opted out) has failed, and one that comes at night, beyond the daily cap, or while its provider gets no request is due again when
-- that is over, or it expires.
-- Night is that of the recipient's zone, else the best guess; where only the country is known, of any zone in it.
-- One to a country that is not allowed, or of too many segments, has failed, too. While the job is paused none may go, and at
-- the ceiling of an hour it is paused.
-- Answers {"status": "submitting", "go": [ids]} or {"status": "lost", "reason"}: then nothing has changed.
-- Raises WK002 when there is no such attempt, WK004 for a malformed argument.
-- Locks: advisory (addresses), attempt, messages, opt-outs, channels.
create function baton_api.submit_messages(p_attempt_id uuid, p_outcomes jsonb, p_letters jsonb) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_attempt baton.attempts;
  -- Messages are read and written by their ids and joined in memory, because a plan that was made when there were few may
  -- read all of them.
  v_ids uuid[];
  v_settings baton.settings;
  v_go jsonb;
begin
  perform baton_api.check_isolation();
  perform baton_api.commit_durably();
  if jsonb_typeof(p_outcomes) <> 'array' or jsonb_typeof(p_letters) <> 'array' then
    raise exception 'outcomes and letters are arrays' using errcode = 'WK004';
  end if;
  v_ids := array(select (l->>'id')::uuid from jsonb_array_elements(p_letters) as l);
  -- Two jobs must not use up the last message of somebody's day at the same moment.
  perform pg_catalog.pg_advisory_xact_lock(123456792, h.key) from (
    select pg_catalog.hashtext(l->>'address') as key from jsonb_array_elements(p_letters) as l
    union select 0 from baton.settings s where s.hourly_ceiling is not null
    order by 1) h;
  select a.* into v_attempt from baton.attempts a where a.id = p_attempt_id for update;
  if not found then
    raise exception 'there is no attempt %', p_attempt_id using errcode = 'WK002';
  elsif v_attempt.job not in ('follow-up-reminders', 'auto-sync-jobs') then
    raise exception 'attempt % belongs to %', p_attempt_id, v_attempt.job using errcode = 'WK004';
  elsif v_attempt.outcome is not null then
    return jsonb_build_object('status', 'lost', 'reason', coalesce(v_attempt.result->>'reason', 'settled'));
  end if;
  perform baton_api.renew_lease(p_attempt_id, v_now);
  perform baton_api.apply_message_outcomes(v_attempt, p_outcomes, v_now);
  select s.* into v_settings from baton.settings s;
  -- A pause stops the next wave. Messages that are not submitted are due again when the attempt is settled.
  if exists (select from baton.jobs j where j.name = v_attempt.job and j.paused_at is not null) then
    return '{"status": "submitting", "go": []}';
  elsif v_settings.hourly_ceiling is not null and baton_api.hold_at_ceiling(v_settings.hourly_ceiling, (
    select count(*) from baton.messages m where m.id = any (v_ids) and m.channel = 'sms'), v_now)
  then
    return '{"status": "submitting", "go": []}';
  end if;

  with mine as materialized (
    select m.* from baton.messages m where m.id = any (v_ids) and m.attempt_id = p_attempt_id and m.status = 'reserved'
  ), letters as materialized (
    select m.id, m.channel, m.purpose, m.subject_id, m.recipient_id, m.created_at, m.expires_at, l.provider, l.address, l.region, l.segments, l.subject, l.body,
           coalesce((select array[z.zone] from unnest(m.time_zones) with ordinality as z(zone, place) where baton_api.is_time_zone(z.zone) order by z.place limit 1),
             nullif(array(select jsonb_array_elements_text(coalesce(l.zones, '[]'))), '{}'), array[v_settings.default_zone]) as zones
    from jsonb_to_recordset(p_letters) as l(id uuid, provider text, address text, zones jsonb, region text, segments int, subject text, body text)
    join mine m on m.id = l.id
  ), nights as materialized (
    select d.zones, baton_api.quiet_until(d.zones, v_now, v_settings.quiet_from::time, v_settings.quiet_until::time) as until
    from (select distinct l.zones from letters l) d
  ), judged as materialized (
    select l.id, l.provider, l.address, l.subject, l.body, l.expires_at, n.until as night_until, b.blocked_until, b.reason as blocked_reason, case
        when l.expires_at <= v_now then 'expired'
        when o.address is not null then 'opted_out'
        when l.region <> all (string_to_array(v_settings.allowed_regions, ',')) then 'region_not_allowed'
        when l.segments > v_settings.most_segments then 'too_long'
        when not baton_api.is_needed(l.purpose, l.subject_id, l.recipient_id, l.created_at) then 'not_needed' end as ended
    from letters l
    join nights n on n.zones = l.zones
    left join baton.opt_outs o on o.channel = l.channel and o.address = l.address
    -- A provider that replaces another one has not asked to wait.
    left join baton_api.blocked_channels(v_now) b on b.channel = l.channel and coalesce(b.provider, l.provider) = l.provider
  ), verdicts as materialized (
    select j.*, case when c.sent + j.nth > v_settings.daily_cap then coalesce(c.free_at, v_now + interval '1 day') end as cap_until
    -- What does not go out now uses nothing up.
    from (select k.*, row_number() over (partition by k.address order by k.ended is not null or k.night_until is not null or k.blocked_until is not null, k.id) as nth from judged k) j
    cross join lateral (
      select count(*) as sent, min(d.submitting_at) filter (where d.place = v_settings.daily_cap - j.nth + 1) + interval '1 day' as free_at
      from (
        select s.submitting_at, row_number() over (order by s.submitting_at desc) as place from baton.messages s
        where s.address = j.address and s.submitting_at > v_now - interval '1 day' and s.status not in ('reserved', 'failed')
        order by s.submitting_at desc limit v_settings.daily_cap
      ) d
    ) c
  ), decided as (
    update baton.messages m
    set (provider, address, subject, body, status, reason, detail, attempt_id, due_at, attempts, submitting_at, ended_at, hold_revision) = (
      select v.provider, v.address, v.subject, v.body, d.status, d.reason, null::text,
             case d.status when 'submitting' then p_attempt_id end,
             case d.status when 'reserved' then least(d.until, v.expires_at) end,
             m.attempts + case d.status when 'submitting' then 1 else 0 end,
             case d.status when 'submitting' then v_now else m.submitting_at end,
             case d.status when 'failed' then v_now end, v_settings.hold_revision
      from verdicts v
      cross join lateral (
        select case when v.ended is not null then 'failed' when h.until is not null then 'reserved' else 'submitting' end as status,
               coalesce(v.ended, case h.until when v.cap_until then 'daily_cap' when v.night_until then 'quiet_hours' when v.blocked_until then v.blocked_reason end) as reason,
               h.until
        from (select greatest(v.night_until, v.cap_until, v.blocked_until) as until) h
      ) d
      where v.id = m.id)
    where m.id = any (array(select v.id from verdicts v))
    returning m.id, m.status
  )
  select coalesce(jsonb_agg(d.id) filter (where d.status = 'submitting'), '[]') into v_go from decided d;
  perform baton_api.note_providers(p_letters);
  return jsonb_build_object('status', 'submitting', 'go', v_go);
end
$$;
comment on function baton_api.submit_messages is 'Says which messages may go out now, and notes that they are going out.';
