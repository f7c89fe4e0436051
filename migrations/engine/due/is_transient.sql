-- Whether an error is one that a later attempt may not meet: of the connection, serialisation or a deadlock, resources, an
-- operator's intervention, or a lock that could not be had. Every other error is the item's own. Internal.
create function baton_api.is_transient(p_sqlstate text) returns boolean
language sql immutable
as $$ select left(p_sqlstate, 2) in ('08', '40', '53', '57') or p_sqlstate = '55P03' $$;
comment on function baton_api.is_transient is 'Whether an error is one that a later attempt may not meet (internal).';
