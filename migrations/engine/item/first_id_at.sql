-- The smallest id that baton.ordered_id() makes from a moment on. Internal.
create function baton_api.first_id_at(p_at timestamptz) returns uuid
language sql immutable
as $$ select rpad(encode(substring(int8send((extract(epoch from p_at) * 1000)::bigint) from 3), 'hex') || '7', 32, '0')::uuid $$;
comment on function baton_api.first_id_at is 'The smallest id that is made from a moment on (internal).';
