-- After a promotion, a restore or a move to another server, the database may have forgotten its last seconds, and messages that
-- went out may look as if they had not. Both jobs that send are paused then, until an operator looked and resumes them.
-- Whether it paused them. Internal; called by every claim of messages. Locks: settings and jobs, only when the history changed.
create function baton_api.hold_after_failover(p_now timestamptz) returns boolean
language plpgsql
as $$
declare
  v_known constant text := (select s.server_history from baton.settings s);
  v_history text;
  v_server text;
begin
  begin
    -- The first 8 digits of the name of a WAL file are the timeline.
    v_history := left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8);
    v_server := (select c.system_identifier::text from pg_catalog.pg_control_system() c);
  exception when others then
    -- Some platforms tell only one of them, or none.
    null;
  end;
  v_history := nullif(concat_ws('/', v_server, v_history), '');
  if v_history is null or v_history is not distinct from v_known then
    return false;
  end if;
  update baton.settings s set server_history = v_history;
  insert into baton.events (noun, noun_id, from_state, to_state, who) values ('server', 'history', v_known, v_history, 'baton');
  if v_known is null or (select s.after_failover from baton.settings s) = 'continue' then
    return false;
  end if;
  perform baton_api.pause_sending(
    'the database failed over or was restored, and messages of its last seconds may have gone out: look at them, then resume', p_now);
  return true;
end
$$;
comment on function baton_api.hold_after_failover is 'Pauses the sending of messages when the server''s history changed (internal).';
