-- What a tick does for chunks before the work: gives back those that are stuck, closes those of sync jobs that have ended, ends sync jobs
-- whose chunks have, and lowers the marks. Internal.
create function baton_api.clean_up_chunks(p_limit int) returns int
language plpgsql
as $$
begin
  perform baton_api.cleanup_stuck_chunks(), baton_api.drain_sync_jobs(p_limit), baton_api.finish_ended_sync_jobs(p_limit),
    baton_api.reset_chunk_marks();
  return 0;
end
$$;
comment on function baton_api.clean_up_chunks is 'What a tick does for chunks before the work (internal).';
