-- Every activity is a contact, however it was registered: directly, by proxy, in bulk, or by a coordinator as proxy.
-- The trigger asks for no kind, so that a new one cannot be forgotten. A date in the future counts as today, one before 1970
-- as 1970. Definer, because the writer of an activity need not be allowed to change the assignment.
-- The activity never fails by it: an error, a deadlock among them, is a warning. The one exception is a serialization
-- failure: a writer who chose a level above read committed retries it, and without it the contact would go unnoticed. It takes the lock of a change that keeps the
-- key, which the writers' own foreign keys allow each other, and only where the date changes. Locks: assignments, in order.
create or replace function baton.note_contact() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  update public.assignments a
  set last_contact_date = greatest(a.last_contact_date, d.at)
  from (
    select l.id, n.at
    from (
      select c.assignment_id, greatest(least(max(c.occurred_at), baton.clock()), timestamptz 'epoch') as at
      from changed c where c.occurred_at is not null group by c.assignment_id
    ) n
    join public.assignments l on l.id = n.assignment_id
    where l.last_contact_date is null or l.last_contact_date < n.at
    order by l.id
    for no key update of l
  ) d
  where a.id = d.id and a.last_contact_date is distinct from greatest(a.last_contact_date, d.at);
  return null;
exception when others then
  if sqlstate = '40001' then
    raise;
  end if;
  raise warning 'baton: noting the contact of an activity failed: %', sqlerrm;
  return null;
end
$$;
