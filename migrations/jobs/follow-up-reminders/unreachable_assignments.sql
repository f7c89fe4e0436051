-- Assignments that are never due, because a moment by which they would be is missing or infinite, as
-- unreachable_rows tells them. Internal. Reads the indexes of what is due.
create function baton_api.unreachable_assignments() returns jsonb
language plpgsql stable
as $$
begin
  return (
    with found as (
      select 'public.assignments' as table_name, 'active, and neither contacted nor created at a moment' as why,
             'update public.assignments set created_at = now() where status = ''active'' and last_contact_date is null and created_at is null' as remedy,
             (select count(*) from (
               select from public.assignments a where a.status = 'active' and a.last_reminder_at is null and coalesce(a.last_contact_date, a.created_at) is null limit 10001) r) as n
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
comment on function baton_api.unreachable_assignments is 'Assignments that are never due (internal).';
