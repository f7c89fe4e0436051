-- Completes a running cycle. Internal.
create function baton_api.finish_cycle(p_cycle_id uuid, p_now timestamptz) returns void
language sql
as $$
  update baton.cycles c set status = 'completed', completed_at = p_now
  where c.id = p_cycle_id and c.status = 'running'
$$;
comment on function baton_api.finish_cycle is 'Completes a running cycle (internal).';
