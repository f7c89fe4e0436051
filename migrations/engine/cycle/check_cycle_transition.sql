-- The one place that says how a cycle may change: running to completed or failed, and never back.
create or replace function baton.check_cycle_transition() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  if old.status <> 'running' then
    raise exception 'cycle % is % and stays so', old.id, old.status
      using errcode = 'WK003', hint = 'Start a new cycle instead.';
  end if;
  new.completed_at := coalesce(new.completed_at, baton.clock());
  insert into baton.events (noun, noun_id, from_state, to_state, who)
  values ('cycle', new.id::text, old.status, new.status, session_user);
  return new;
end
$$;

create or replace trigger t20_cycle_transition
before update of status on baton.cycles
for each row
when (old.status is distinct from new.status)
execute function baton.check_cycle_transition();
