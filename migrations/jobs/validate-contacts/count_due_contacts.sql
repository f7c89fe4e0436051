-- How many contacts are due, counted no farther than to p_most. Internal.
create function baton_api.count_due_contacts(p_now timestamptz, p_most bigint) returns bigint
language sql stable
as $$ select count(*) from baton_api.due_contacts(p_now, baton_api.stale_before(p_now), null, p_most) $$;
comment on function baton_api.count_due_contacts is 'How many contacts are due (internal).';
