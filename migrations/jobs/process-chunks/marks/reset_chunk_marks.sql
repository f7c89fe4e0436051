-- Puts the marks where the tables say, whatever happened: a backstop that every tick applies. Internal.
create function baton_api.reset_chunk_marks() returns void
language plpgsql
as $$
declare
  v_now timestamptz := baton.clock();
  v_rank bigint;
  v_open timestamptz;
  v_retry timestamptz;
begin
  select min(q.rank) into v_rank from baton.chunk_processing_queue q where q.status = 'pending' and q.retry_at is null;
  select min(q.retry_at) into v_retry from baton.chunk_processing_queue q where q.status = 'pending' and q.retry_at is not null;
  select min(a.claimed_at) into v_open from baton.attempts a where a.job = 'process-chunks' and a.finished_at is null;
  if v_rank < (select baton_api.mark('rank_mark', 123456790)) then
    perform pg_catalog.setval('baton.rank_mark_123456790', v_rank);
  end if;
  if v_retry < (select baton_api.mark_at('retry_mark', 123456790)) then
    perform pg_catalog.setval('baton.retry_mark_123456790', baton_api.microseconds(v_retry));
  end if;
  if v_open < (select baton_api.mark_at('attempt_mark', 123456790)) then
    perform pg_catalog.setval('baton.attempt_mark_123456790', baton_api.microseconds(v_open));
  end if;
end
$$;
comment on function baton_api.reset_chunk_marks is 'Lowers the marks of chunks where they are too high (internal).';
