-- Moves up where claims of a job's items begin to look, to p_rank at least as far as nothing ready lies below. Only while no other
-- caller claims or adds items, so that nothing uncommitted lies below; otherwise another claim will do it. The marks of retries
-- and of attempts stay a minute behind, which is longer than any transaction that sets a retry or claims. Internal.
create function baton_api.raise_marks(p_job baton.jobs, p_rank bigint, p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_rank bigint;
  v_retry timestamptz;
  v_open timestamptz;
begin
  if not pg_catalog.pg_try_advisory_xact_lock(p_job.lock_id::int, 0) then
    return;
  end if;
  select min(r.rank) into v_rank from baton.ready_items r
  where r.job = p_job.name and r.priority = 0 and r.run_at is null and r.rank >= (select baton_api.mark('rank_mark', p_job.lock_id));
  select min(r.run_at) into v_retry from baton.ready_items r
  where r.job = p_job.name and r.run_at >= (select baton_api.mark_at('retry_mark', p_job.lock_id));
  select min(a.claimed_at) into v_open from baton.attempts a
  where a.job = p_job.name and a.finished_at is null and a.claimed_at >= (select baton_api.mark_at('attempt_mark', p_job.lock_id));
  perform baton_api.set_mark('rank_mark', p_job.lock_id, coalesce(v_rank, p_rank)),
    baton_api.set_mark('retry_mark', p_job.lock_id, baton_api.microseconds(least(v_retry, p_now - interval '1 minute'))),
    baton_api.set_mark('attempt_mark', p_job.lock_id, baton_api.microseconds(least(v_open, p_now - interval '1 minute')));
end
$$;
comment on function baton_api.raise_marks is 'Moves up where claims of a job''s items begin to look (internal).';
