-- Changes settings of a job; they hold from the next claim on. p_changes names columns of baton.jobs:
-- mode, batch_size, lease_seconds, max_attempts, max_parallel (up to the job's parallel_limit), rate_per_minute (null for none), rate_burst, restart_delay_seconds,
-- alert_after_seconds, items_kept_for, async_turns, base_url (null for this deployment). For operators. Raises WK002 when there is no such job, WK004 for an unknown setting;
-- a value out of range raises the name of the constraint that says so.
create function baton_api.configure_job(p_job text, p_changes jsonb, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_key text;
  v_old baton.jobs;
  v_new baton.jobs;
begin
  select k into v_key from jsonb_object_keys(p_changes) as k
  where k not in ('mode', 'batch_size', 'lease_seconds', 'max_attempts', 'max_parallel', 'rate_per_minute', 'rate_burst',
    'restart_delay_seconds', 'alert_after_seconds', 'items_kept_for', 'async_turns', 'base_url') limit 1;
  if found then
    raise exception '% is not a setting of a job', v_key using errcode = 'WK004';
  end if;
  select j.* into v_old from baton.jobs j where j.name = p_job for update;
  if not found then
    raise exception 'there is no job %', p_job using errcode = 'WK002';
  end if;
  v_new := jsonb_populate_record(v_old, p_changes);
  update baton.jobs j
  set mode = v_new.mode, batch_size = v_new.batch_size, lease_seconds = v_new.lease_seconds, max_attempts = v_new.max_attempts,
      max_parallel = v_new.max_parallel,
      rate_per_minute = v_new.rate_per_minute, rate_burst = v_new.rate_burst,
      restart_delay_seconds = v_new.restart_delay_seconds, alert_after_seconds = v_new.alert_after_seconds,
      items_kept_for = v_new.items_kept_for, async_turns = v_new.async_turns, base_url = v_new.base_url
  where j.name = p_job;
  insert into baton.events (noun, noun_id, from_state, to_state, who)
  select 'job', p_job, k || '=' || coalesce(to_jsonb(v_old)->>k, 'none'), k || '=' || coalesce(to_jsonb(v_new)->>k, 'none'), p_who
  from jsonb_object_keys(p_changes) as k;
  return to_jsonb(v_new);
end
$$;
comment on function baton_api.configure_job is 'Changes settings of a job from its next claim on.';
