-- HMAC by RFC 2104 over SHA-256 (RFC 6234); PostgreSQL has the hash built in, and the extension with the rest may be missing.
create or replace function baton.hmac_sha256(p_key bytea, p_message bytea) returns bytea
language plpgsql immutable strict
set search_path = ''
as $$
declare
  v_key bytea := case when length(p_key) > 64 then sha256(p_key) else p_key end;
  v_inner bytea := decode(repeat('36', 64), 'hex');
  v_outer bytea := decode(repeat('5c', 64), 'hex');
begin
  for i in 0 .. length(v_key) - 1 loop
    v_inner := set_byte(v_inner, i, get_byte(v_inner, i) # get_byte(v_key, i));
    v_outer := set_byte(v_outer, i, get_byte(v_outer, i) # get_byte(v_key, i));
  end loop;
  return sha256(v_outer || sha256(v_inner || p_message));
end
$$;

-- The headers of a request signed by Standard Webhooks. The body must be sent exactly as given here.
create or replace function baton.webhook_headers(p_secret text, p_id text, p_at timestamptz, p_body text) returns jsonb
language sql immutable
set search_path = ''
as $$
  select jsonb_build_object(
    'Content-Type', 'application/json', 'webhook-id', p_id, 'webhook-timestamp', t.seconds,
    'webhook-signature', 'v1,' || encode(baton.hmac_sha256(
      decode(substr(p_secret, length('whsec_') + 1), 'base64'),
      convert_to(p_id || '.' || t.seconds || '.' || p_body, 'UTF8')), 'base64'))
  from (select floor(extract(epoch from p_at))::bigint::text as seconds) t
$$;

-- Tells the deployment that a job has something to do. A hint: losing it costs time, never work.
-- Wait-free, at most one notification per transaction and job (PostgreSQL merges equal ones); a failure is a warning.
-- With several attempts at once allowed, the payload says how many calls are worth while: one more than there are.
create or replace function baton.wake(p_job text) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_settings baton.settings;
  v_job baton.jobs;
  v_calls bigint := 1;
  v_body constant jsonb := '{"trigger": "wake"}';
begin
  select s.* into v_settings from baton.settings s;
  if v_settings.wake = 'none' then
    return;
  end if;
  select j.* into v_job from baton.jobs j where j.name = p_job and j.paused_at is null;
  if not found then
    return;
  end if;
  if v_settings.wake = 'listen' then
    -- Who listens delivers to its own deployment; the other one hears of it by the next tick.
    if v_job.base_url is not null then
      return;
    end if;
    if v_job.max_parallel > 1 then
      select count(*) + 1 into v_calls from baton.attempts a
      where a.job = p_job and a.finished_at is null and a.claimed_at >= (select baton_api.mark_at('attempt_mark', v_job.lock_id));
    end if;
    perform pg_catalog.pg_notify('baton_wake',
      v_job.route || case when v_calls > 1 then ' ' || least(v_calls, v_job.max_parallel) else '' end);
  else
    begin
      perform net.http_post(
        url := coalesce(v_job.base_url, v_settings.wake_url) || v_job.route,
        body := v_body,
        params := '{}'::jsonb,
        headers := baton.webhook_headers(v_settings.wake_secret, 'wake_' || pg_catalog.gen_random_uuid(), pg_catalog.clock_timestamp(), v_body::text),
        timeout_milliseconds := 30000);
    exception when others then
      raise warning 'baton: waking % by pg_net failed: %', p_job, sqlerrm;
    end;
  end if;
end
$$;

-- Whether a writer may wake a job now, and notes that it does: 100 times a second, and 20 times at once after a spell of quiet (the
-- generic cell rate algorithm: the sequence is the time from which the next may, in milliseconds). No caller waits: a sequence
-- changes in place, and of two that do so at once both wake.
create or replace function baton.mark_woken(p_lock_id bigint) returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_every constant int := 10;
  v_at_once constant int := 20;
  v_sequence constant regclass := to_regclass('baton.woken_' || p_lock_id);
  v_now constant double precision := date_part('epoch', pg_catalog.clock_timestamp()) * 1000;
  v_from constant bigint := pg_catalog.pg_sequence_last_value(v_sequence);
begin
  if v_sequence is null then
    return true;
  elsif v_from >= v_now then
    return false;
  end if;
  perform pg_catalog.setval(v_sequence, greatest(v_from, v_now::bigint - v_every * v_at_once) + v_every);
  return true;
end
$$;

-- Forgets marks of a clock that was ahead, which would keep writers from waking until then; how many. Every tick does this.
create or replace function baton.forget_late_marks() returns int
language plpgsql
set search_path = ''
as $$
declare
  v_sequence regclass;
  v_rows int := 0;
begin
  for v_sequence in select to_regclass('baton.woken_' || j.lock_id) from baton.jobs j loop
    if pg_catalog.pg_sequence_last_value(v_sequence) > (date_part('epoch', pg_catalog.clock_timestamp()) + 1) * 1000 then
      perform pg_catalog.setval(v_sequence, 0);
      v_rows := v_rows + 1;
    end if;
  end loop;
  return v_rows;
end
$$;

-- Wakes a job for a writer of the application, whose transaction it must not slow. A notification makes transactions commit one
-- at a time, so their number is limited; the listener looks again for writers who sent none. Where transactions can be
-- prepared, which a notification forbids, listeners read the sequence instead.
create or replace function baton.wake_for_writer(p_job text) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_mode constant text := (select s.wake from baton.settings s);
begin
  -- pg_net posts without a notification, and nobody looks again after it.
  if v_mode <> 'pg_net' and not baton.mark_woken((select j.lock_id from baton.jobs j where j.name = p_job)) then
    return;
  elsif v_mode = 'listen' and pg_catalog.current_setting('max_prepared_transactions') <> '0' then
    return;
  end if;
  perform baton.wake(p_job);
end
$$;

-- The paths of jobs that were woken after a moment, in milliseconds since 1970, and the latest such moment: for listeners that
-- are not notified.
create or replace function baton.woken_since(p_since bigint, out routes text[], out latest bigint)
language sql stable
set search_path = ''
as $$
  select coalesce(array_agg(j.route) filter (where w.at > p_since), '{}'), coalesce(max(w.at), p_since)
  from baton.jobs j
  cross join lateral (select pg_catalog.pg_sequence_last_value(to_regclass('baton.woken_' || j.lock_id)) as at) w
$$;

-- Wakes a job for a statement that wrote; its argument is the job. Definer, because writers have no rights in baton. The
-- trigger's condition reads one sequence, so that nearly every statement ends there; only the rest calls this function and pays
-- for a subtransaction, by which an error of waking never fails the writer.
create or replace function baton.wake_job() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  perform baton.wake_for_writer(tg_argv[0]);
  return null;
exception when others then
  raise warning 'baton: waking % failed: %', tg_argv[0], sqlerrm;
  return null;
end
$$;
