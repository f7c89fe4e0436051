-- The token of an attempt's turn: the attempt's id, whose last four digits count the turns before. Internal.
create function baton_api.turn_token(p_attempt_id uuid, p_turn int) returns uuid
language sql immutable
as $$
  select (left(p_attempt_id::text, 32) || lpad(to_hex(p_turn - 1), 4, '0'))::uuid
$$;
comment on function baton_api.turn_token is 'The token of an attempt''s turn (internal).';

-- What the id of the attempt may be that a token names: of a first turn, and of an attempt that was open before there were turns, it is
-- the token. Internal.
create function baton_api.attempt_of(p_token uuid) returns uuid[]
language sql immutable
as $$
  select array[p_token, baton_api.turn_token(p_token, 1)]
$$;
comment on function baton_api.attempt_of is 'What the id of the attempt may be that a token names (internal).';
