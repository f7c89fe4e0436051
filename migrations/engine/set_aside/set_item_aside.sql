-- Sets an item aside whose work raised an error: it is tried again after an hour, then after two, doubling up to a week.
-- Internal. Locks: set_aside.
create function baton_api.set_item_aside(p_job text, p_item_id text, p_sqlstate text, p_message text, p_now timestamptz) returns void
language sql
as $$
  insert into baton.set_aside as a (job, item_id, sqlstate, message, since, retry_at)
  values (p_job, p_item_id, p_sqlstate, left(p_message, 500), p_now, p_now + interval '1 hour')
  on conflict (job, item_id) do update
  set sqlstate = excluded.sqlstate, message = excluded.message, tries = a.tries + 1,
      retry_at = p_now + least(interval '7 days', interval '1 hour' * 2 ^ least(a.tries, 8))
$$;
comment on function baton_api.set_item_aside is 'Sets an item aside whose work raised an error (internal).';
