-- Changes settings of the whole deployment; they hold from the next claim on. p_changes names columns of baton.settings,
-- except those of waking (set_wake). For operators. Answers all settings. Raises WK004 for an unknown setting or time zone;
-- a value out of range raises the name of the constraint that says so. What is scheduled already stays as it is;
-- messages that are held for the night or by the daily cap are looked at again, because their next hour may be another one.
create function baton_api.configure_settings(p_changes jsonb, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_key text;
  v_old baton.settings;
  v_new baton.settings;
  v_revised boolean;
begin
  select k into v_key from jsonb_object_keys(p_changes) as k
  where k not in ('auto_sync_reminder_after', 'auto_sync_pause_after', 'auto_sync_jobs_kept_for', 'follow_up_after', 'follow_up_every',
    'quiet_from', 'quiet_until', 'daily_cap', 'default_region', 'default_zone', 'follow_up_subject', 'follow_up_text',
    'auto_sync_subject', 'auto_sync_text', 'revalidate_after', 'runs_kept_for', 'messages_kept_for', 'personal_data_kept_for',
    'after_failover', 'allowed_regions', 'most_segments', 'hourly_ceiling') limit 1;
  if found then
    raise exception '% is not a setting', v_key using errcode = 'WK004';
  end if;
  select s.* into v_old from baton.settings s for update;
  v_new := jsonb_populate_record(v_old, p_changes);
  if not baton_api.is_time_zone(v_new.default_zone) then
    raise exception 'default_zone is no time zone: %', v_new.default_zone
      using errcode = 'WK004', hint = 'Use a name of the IANA database, such as Europe/Zurich.';
  end if;
  v_revised := (v_new.quiet_from, v_new.quiet_until, v_new.default_zone, v_new.daily_cap)
    is distinct from (v_old.quiet_from, v_old.quiet_until, v_old.default_zone, v_old.daily_cap);
  update baton.settings s
  set auto_sync_reminder_after = v_new.auto_sync_reminder_after, auto_sync_pause_after = v_new.auto_sync_pause_after,
      auto_sync_jobs_kept_for = v_new.auto_sync_jobs_kept_for, follow_up_after = v_new.follow_up_after,
      follow_up_every = v_new.follow_up_every, quiet_from = v_new.quiet_from, quiet_until = v_new.quiet_until,
      daily_cap = v_new.daily_cap, default_region = v_new.default_region, default_zone = v_new.default_zone,
      follow_up_subject = v_new.follow_up_subject, follow_up_text = v_new.follow_up_text,
      auto_sync_subject = v_new.auto_sync_subject, auto_sync_text = v_new.auto_sync_text,
      revalidate_after = v_new.revalidate_after, runs_kept_for = v_new.runs_kept_for,
      messages_kept_for = v_new.messages_kept_for, personal_data_kept_for = v_new.personal_data_kept_for, after_failover = v_new.after_failover,
      allowed_regions = v_new.allowed_regions, most_segments = v_new.most_segments, hourly_ceiling = v_new.hourly_ceiling,
      hold_revision = s.hold_revision + case when v_revised then 1 else 0 end;
  insert into baton.events (noun, noun_id, from_state, to_state, who)
  select 'settings', k, to_jsonb(v_old)->>k, to_jsonb(v_new)->>k, p_who from jsonb_object_keys(p_changes) as k;
  if v_revised then
    perform baton.wake('follow-up-reminders'), baton.wake('auto-sync-jobs');
  end if;
  return to_jsonb(v_new) - array['only_row', 'wake_secret', 'server_history', 'hold_revision'];
end
$$;
comment on function baton_api.configure_settings is 'Changes settings of the whole deployment.';
