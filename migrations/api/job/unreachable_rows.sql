-- Rows of the application's tables that are never due, because a moment by which they would be is missing or infinite:
-- [{"table", "rows", "why", "remedy"}], at most 10,001 rows counted of each kind. For operators. Reads the indexes of what is due.
create function baton_api.unreachable_rows() returns jsonb
language plpgsql stable
security definer set search_path = ''
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
      union all
      select 'public.assignments', 'active, and neither contacted nor created at a moment',
             'update public.assignments set created_at = now() where status = ''active'' and last_contact_date is null and created_at is null',
             (select count(*) from (
               select from public.assignments a where a.status = 'active' and a.last_reminder_at is null and coalesce(a.last_contact_date, a.created_at) is null limit 10001) r)
      union all
      select 'public.assignments', 'active, and contacted, created or reminded at infinity',
             'update public.assignments set last_contact_date = nullif(last_contact_date, ''infinity''), created_at = least(created_at, now()), last_reminder_at = nullif(last_reminder_at, ''infinity'')
              where status = ''active'' and ''infinity'' in (last_contact_date, created_at, last_reminder_at)',
             (select count(*) from (
               (select from public.assignments a where a.status = 'active'
                  and (a.last_reminder_at is null or a.last_reminder_at < coalesce(a.last_contact_date, a.created_at))
                  and coalesce(a.last_contact_date, a.created_at) = 'infinity' limit 10001)
               union all
               (select from public.assignments a where a.status = 'active'
                  and a.last_reminder_at >= coalesce(a.last_contact_date, a.created_at) and a.last_reminder_at = 'infinity' limit 10001)) r)
    )
    select coalesce(jsonb_agg(jsonb_build_object('table', f.table_name, 'rows', least(f.n, 10001), 'why', f.why,
      'remedy', regexp_replace(f.remedy, '\s+', ' ', 'g'))), '[]')
    from found f where f.n > 0);
end
$$;
comment on function baton_api.unreachable_rows is 'Rows of the application that are never due, because a moment is missing or infinite.';
