-- Moves up where claims begin to look; claims call it once in a hundred ranks. Only while nobody else claims or adds
-- chunks, so that nothing uncommitted lies below; otherwise another claim will do it. The marks of retries and
-- of attempts stay a minute behind, which is longer than any transaction that sets a retry or claims. Internal.
create function baton_api.raise_chunk_marks(p_rank bigint, p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_rank bigint;
  v_retry timestamptz;
  v_open timestamptz;
begin
  if not pg_catalog.pg_try_advisory_xact_lock(123456790, 0) then
    return;
  end if;
  select min(q.rank) into v_rank from baton.chunk_processing_queue q
  where q.status = 'pending' and q.retry_at is null and q.rank >= (select baton_api.mark('rank_mark', 123456790));
  select min(q.retry_at) into v_retry from baton.chunk_processing_queue q
  where q.status = 'pending' and q.retry_at >= (select baton_api.mark_at('retry_mark', 123456790));
  select min(a.claimed_at) into v_open from baton.attempts a
  where a.job = 'process-chunks' and a.finished_at is null
    and a.claimed_at >= (select baton_api.mark_at('attempt_mark', 123456790));
  perform pg_catalog.setval('baton.rank_mark_123456790', greatest(coalesce(v_rank, p_rank), 0)),
    pg_catalog.setval('baton.retry_mark_123456790', baton_api.microseconds(least(v_retry, p_now - interval '1 minute'))),
    pg_catalog.setval('baton.attempt_mark_123456790', baton_api.microseconds(least(v_open, p_now - interval '1 minute')));
end
$$;
comment on function baton_api.raise_chunk_marks is 'Moves up where claims of chunks begin to look (internal).';
