-- When the next chunk is due that waits for its retry or for its source; null when none waits. Internal.
create function baton_api.next_chunk_due_at(p_now timestamptz) returns timestamptz
language sql stable
as $$
  select min(q.retry_at) from baton.chunk_processing_queue q
  where q.status = 'pending' and q.retry_at > p_now
    and q.retry_at >= (select baton_api.mark_at('retry_mark', 123456790))
$$;
comment on function baton_api.next_chunk_due_at is 'When the next waiting chunk is due (internal).';
