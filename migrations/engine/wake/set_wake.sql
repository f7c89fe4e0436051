-- Sets how the database wakes jobs from now on: listen, pg_net or none. For operators. pg_net wants the address to post
-- to and a secret to sign with; null keeps what is stored. Raises WK004 when one is missing.
-- Answers {"wake", "url"}. A malformed value raises the name of the constraint that says so.
create function baton_api.set_wake(p_mode text, p_url text, p_secret text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_old baton.settings;
begin
  select s.* into v_old from baton.settings s for update;
  if p_mode = 'pg_net' and (coalesce(p_url, v_old.wake_url) is null or coalesce(p_secret, v_old.wake_secret) is null) then
    raise exception 'pg_net needs the address of the deployment and a secret' using errcode = 'WK004';
  elsif p_mode = 'pg_net' and to_regproc('net.http_post') is null then
    raise exception 'this database has no extension pg_net' using errcode = 'WK004';
  end if;
  update baton.settings s
  set wake = p_mode, wake_url = coalesce(rtrim(p_url, '/'), s.wake_url), wake_secret = coalesce(p_secret, s.wake_secret);
  insert into baton.events (noun, noun_id, from_state, to_state, who) values ('settings', 'wake', v_old.wake, p_mode, p_who);
  return (select jsonb_build_object('wake', s.wake, 'url', s.wake_url) from baton.settings s);
end
$$;
comment on function baton_api.set_wake is 'Sets how the database wakes jobs.';
