-- Whether a stored deadline is over: it has passed, or it is farther away than any that is made, because the clock was wrong when
-- it was. Internal.
create function baton_api.is_past(p_until timestamptz, p_now timestamptz, p_most interval) returns boolean
language sql stable
as $$ select p_until < p_now or p_until > p_now + p_most $$;
comment on function baton_api.is_past is 'Whether a stored deadline is over (internal).';
