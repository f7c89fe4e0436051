-- Verdicts given before this moment are due again for a cycle begun at p_as_of. Internal.
create function baton_api.stale_before(p_as_of timestamptz) returns timestamptz
language sql stable
as $$ select p_as_of - s.revalidate_after from baton.settings s $$;
comment on function baton_api.stale_before is 'Verdicts given before this moment are due again (internal).';
