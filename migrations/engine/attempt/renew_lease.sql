-- Renews the lease of an attempt that the caller has locked and found open; until when. Internal.
create function baton_api.renew_lease(p_attempt_id uuid, p_now timestamptz) returns timestamptz
language plpgsql
as $$
declare
  v_until timestamptz;
begin
  update baton.attempts a set leased_until = p_now + j.lease_seconds * interval '1 second'
  from baton.jobs j where a.id = p_attempt_id and j.name = a.job
  returning a.leased_until into v_until;
  return v_until;
end
$$;
comment on function baton_api.renew_lease is 'Renews the lease of an open attempt (internal).';
