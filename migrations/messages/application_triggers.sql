-- Applied last of all, because its locks are held to the end of the migration.

select baton.attach_trigger('public.assignments', 't60_look_at_held_messages',
  'after update of peer_mentor_phone, peer_mentor_email, timezone on %s for each row
   when (old.peer_mentor_phone is distinct from new.peer_mentor_phone or old.peer_mentor_email is distinct from new.peer_mentor_email
     or old.timezone is distinct from new.timezone)
   execute function baton.look_at_held_messages(''assignment'')');
do $$
begin
  -- An operator who dropped these tables does not get them back.
  if to_regclass('public.crew_members') is not null then
    perform baton.attach_trigger('public.crew_members', 't60_look_at_held_messages',
      'after update of phone, email, timezone on %s for each row
       when (old.phone is distinct from new.phone or old.email is distinct from new.email or old.timezone is distinct from new.timezone)
       execute function baton.look_at_held_messages(''member'')');
  end if;
  if to_regclass('public.auto_syncs') is not null then
    perform baton.attach_trigger('public.auto_syncs', 't60_look_at_held_messages',
      'after update of timezone on %s for each row when (old.timezone is distinct from new.timezone)
       execute function baton.look_at_held_messages(''auto_sync'')');
  end if;
end
$$;
