-- Completes a running cycle, and notes an alert if it took too long and nobody noticed. Internal.
create function baton_api.finish_cycle(p_cycle_id uuid, p_now timestamptz) returns void
language plpgsql
as $$
begin
  perform baton_api.note_long_cycles(p_cycle_id, p_now);
  update baton.cycles c set status = 'completed', completed_at = p_now
  where c.id = p_cycle_id and c.status = 'running';
end
$$;
comment on function baton_api.finish_cycle is 'Completes a running cycle (internal).';
