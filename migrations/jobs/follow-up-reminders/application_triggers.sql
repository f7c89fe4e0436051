-- Applied last of all, because its locks are held to the end of the migration.

select baton.attach_trigger('public.activities', 't50_note_contact',
  'after insert on %s referencing new table as changed for each statement execute function baton.note_contact()');
select baton.attach_trigger('public.activities', 't51_note_changed_contact',
  'after update on %s referencing new table as changed for each statement execute function baton.note_contact()');
