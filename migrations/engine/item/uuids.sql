-- An array of ids out of JSON. Internal.
create function baton_api.uuids(p_ids jsonb) returns uuid[]
language sql immutable
as $$ select array(select e.id::uuid from jsonb_array_elements_text(nullif(p_ids, 'null')) with ordinality as e(id, n) order by e.n) $$;
comment on function baton_api.uuids is 'An array of ids out of JSON (internal).';
