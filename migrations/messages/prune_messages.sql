-- Deletes messages that ended long enough ago, of both jobs, and blanks what is personal of others. Internal.
create function baton_api.prune_messages(p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_settings baton.settings;
  v_deleted int;
  v_blanked int;
begin
  select s.* into v_settings from baton.settings s;
  delete from baton.messages m where m.id in (
    -- Not all providers tell how it ended, so what they have goes as well; what is in doubt stays for a person.
    select o.id from baton.messages o
    where o.created_at < p_now - v_settings.messages_kept_for and o.status in ('submitted', 'delivered', 'undelivered', 'failed')
    order by o.created_at limit p_limit for update skip locked);
  get diagnostics v_deleted = row_count;
  update baton.messages m set recipient = '', address = null, subject = null, body = null, fields = '{}', detail = null
  where m.id in (
    select o.id from baton.messages o
    where o.created_at < p_now - v_settings.personal_data_kept_for and o.status in ('submitted', 'delivered', 'undelivered', 'failed')
      and o.recipient <> ''
    order by o.created_at limit p_limit for update skip locked);
  get diagnostics v_blanked = row_count;
  return v_deleted + v_blanked;
end
$$;
comment on function baton_api.prune_messages is 'Deletes messages that ended long enough ago (internal).';
