-- Ends sync jobs all of whose chunks have come to their end, at most p_limit. Two settlements at once can each leave that to
-- the other: one saw a chunk waiting that was claimed before it committed, the other saw the chunk of the first still
-- under way. The first one's caller comes back, finds nothing to claim, and looks here; every tick does, too. Internal.
-- Locks: sync job.
create function baton_api.finish_ended_sync_jobs(p_limit int) returns void
language plpgsql
as $$
declare
  v_now timestamptz := baton.clock();
  v_sync_job_id uuid;
begin
  for v_sync_job_id in
    select j.id from baton.sync_jobs j
    where j.status in ('pending', 'processing') and not exists (
      select from baton.chunk_processing_queue q where q.parent_sync_job_id = j.id and q.status = 'pending')
    order by j.id limit p_limit
  loop
    perform baton_api.finish_sync_job(v_sync_job_id, v_now);
  end loop;
end
$$;
comment on function baton_api.finish_ended_sync_jobs is 'Ends sync jobs whose chunks have all come to their end (internal).';
