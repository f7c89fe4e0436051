-- Gives back the chunks of an attempt that died. Internal. Locks: chunks, sync job.
create function baton_api.lose_chunks(p_attempt baton.attempts, p_reason text, p_now timestamptz) returns void
language plpgsql
as $$
begin
  perform baton_api.give_back_chunks(array(
    select q.id from baton.chunk_processing_queue q
    where q.id = any (p_attempt.item_ids::uuid[]) and q.attempt_id = p_attempt.id), 'the worker died or fell silent', p_now);
end
$$;
comment on function baton_api.lose_chunks is 'Gives back the chunks of an attempt that died (internal).';
