-- A moment as microseconds since 1970, for the marks, which are sequences. Internal.
create function baton_api.microseconds(p_at timestamptz) returns bigint
language sql stable
as $$ select (extract(epoch from p_at) * 1000000)::bigint $$;
comment on function baton_api.microseconds is 'A moment as microseconds since 1970 (internal).';
