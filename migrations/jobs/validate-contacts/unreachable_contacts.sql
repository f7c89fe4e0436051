-- Contacts that are never due, because a moment by which they would be is missing or infinite, as
-- unreachable_rows tells them. Internal. Reads the indexes of what is due.
create function baton_api.unreachable_contacts() returns jsonb
language plpgsql stable
as $$
begin
  return (
    with found as (
      select 'public.contacts' as table_name, 'unknown, and without a moment to try again' as why,
             'update public.contacts set email_validation_retry_at = now() where email_validation_status = ''unknown'' and (email_validation_retry_at is null or email_validation_retry_at = ''infinity'')' as remedy,
             (select count(*) from (
               (select from public.contacts c where c.email is not null and c.email_validation_status = 'unknown' and c.email_validation_retry_at is null limit 10001)
               union all
               (select from public.contacts c where c.email is not null and c.email_validation_status = 'unknown' and c.email_validation_retry_at = 'infinity' limit 10001)) r) as n
      union all
      select 'public.contacts', 'with a verdict, and without the moment of it',
             'update public.contacts set email_validation_status = null where email_validation_status <> ''unknown'' and (external_heartbeat_checked_at is null or external_heartbeat_checked_at = ''infinity'')',
             (select count(*) from (
               (select from public.contacts c where c.email is not null and c.email_validation_status is not null and c.email_validation_status <> 'unknown'
                  and c.external_heartbeat_checked_at is null limit 10001)
               union all
               (select from public.contacts c where c.email is not null and c.email_validation_status is not null and c.email_validation_status <> 'unknown'
                  and c.external_heartbeat_checked_at = 'infinity' limit 10001)) r)
      union all
      select 'public.contacts', 'never validated, and created at infinity',
             'update public.contacts set created_at = now() where created_at = ''infinity''',
             (select count(*) from (
               select from public.contacts c where c.email is not null and c.email_validation_status is null and c.created_at = 'infinity' limit 10001) r)
    )
    select coalesce(jsonb_agg(jsonb_build_object('table', f.table_name, 'rows', least(f.n, 10001), 'why', f.why,
      'remedy', regexp_replace(f.remedy, '\s+', ' ', 'g'))), '[]')
    from found f where f.n > 0);
end
$$;
comment on function baton_api.unreachable_contacts is 'Contacts that are never due (internal).';
