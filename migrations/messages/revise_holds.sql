-- Messages that are held for the night or by the daily cap are looked at again when a setting changes that decides about it,
-- because their next hour may be another one. Refuses a time zone that there is not.
create or replace function baton.revise_holds() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  if not baton_api.is_time_zone(new.default_zone) then
    raise exception 'default_zone is no time zone: %', new.default_zone
      using errcode = 'WK004', hint = 'Use a name of the IANA database, such as Europe/Zurich.';
  end if;
  new.hold_revision := old.hold_revision + 1;
  perform baton.wake('follow-up-reminders'), baton.wake('auto-sync-jobs');
  return new;
end
$$;

create or replace trigger t20_revise_holds
before update on baton.settings
for each row
when ((new.quiet_from, new.quiet_until, new.default_zone, new.daily_cap) is distinct from (old.quiet_from, old.quiet_until, old.default_zone, old.daily_cap))
execute function baton.revise_holds();
