-- Whether the outcome of a chunk has something for its sync job or source. Internal.
create function baton_api.brings_something(p_outcome jsonb) returns boolean
language sql immutable
as $$ select p_outcome ?| array['items', 'removed', 'chunks', 'plan', 'state', 'prune'] or p_outcome->>'outcome' in ('wait', 'refused') $$;
comment on function baton_api.brings_something is 'Whether the outcome of a chunk has something for its sync job or source (internal).';
