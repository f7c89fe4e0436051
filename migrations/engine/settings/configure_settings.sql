-- Changes settings of the whole deployment; they hold from the next claim on. p_changes names columns of baton.settings,
-- except those of waking (set_wake). For operators. Answers all settings. Raises WK004 for an unknown setting or time zone;
-- a value out of range raises the name of the constraint that says so. What is scheduled already stays as it is.
create function baton_api.configure_settings(p_changes jsonb, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_inner constant text[] := '{only_row,wake,wake_url,wake_secret,server_history,hold_revision}';
  v_key text;
  v_columns text;
  v_old baton.settings;
  v_new baton.settings;
begin
  select s.* into v_old from baton.settings s for update;
  select k into v_key from jsonb_object_keys(p_changes) as k where not to_jsonb(v_old) ? k or k = any (v_inner) limit 1;
  if found then
    raise exception '% is not a setting', v_key using errcode = 'WK004';
  end if;
  select string_agg(format('%I = n.%1$I', k), ', ') into v_columns from jsonb_object_keys(p_changes) as k;
  if v_columns is not null then
    -- Which columns there are is known to the table alone.
    execute format('update baton.settings s set %s from (select ($1).*) n', v_columns) using jsonb_populate_record(v_old, p_changes);
  end if;
  select s.* into v_new from baton.settings s;
  insert into baton.events (noun, noun_id, from_state, to_state, who)
  select 'settings', k, to_jsonb(v_old)->>k, to_jsonb(v_new)->>k, p_who from jsonb_object_keys(p_changes) as k;
  return to_jsonb(v_new) - array['only_row', 'wake_secret', 'server_history', 'hold_revision'];
end
$$;
comment on function baton_api.configure_settings is 'Changes settings of the whole deployment.';
