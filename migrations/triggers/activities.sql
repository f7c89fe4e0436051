-- Every activity is a contact, however it was registered: directly, by proxy, in bulk, or by a coordinator as proxy.
-- The trigger asks for no kind, so that a new one cannot be forgotten. One date in the future counts as today.
-- Definer, because who registers an activity need not be allowed to change the assignment. Locks: assignments, in order.
create or replace function baton.note_contact() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  update public.assignments a
  set last_contact_date = greatest(a.last_contact_date, d.at)
  from (
    select l.id, n.at
    from (select c.assignment_id, least(max(c.occurred_at), baton.clock()) as at from changed c group by c.assignment_id) n
    join public.assignments l on l.id = n.assignment_id
    order by l.id
    for update of l
  ) d
  where a.id = d.id and a.last_contact_date is distinct from greatest(a.last_contact_date, d.at);
  return null;
end
$$;

create or replace trigger t50_note_contact
after insert on public.activities
referencing new table as changed
for each statement
execute function baton.note_contact();

create or replace trigger t51_note_changed_contact
after update on public.activities
referencing new table as changed
for each statement
execute function baton.note_contact();
