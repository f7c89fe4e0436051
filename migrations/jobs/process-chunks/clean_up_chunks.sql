-- What a tick does for chunks before the work: cancels those of sync jobs that have ended, and ends sync jobs whose chunks have. Internal.
create function baton_api.clean_up_chunks(p_limit int) returns int
language plpgsql
as $$
begin
  perform baton_api.drain_sync_jobs(p_limit), baton_api.finish_ended_sync_jobs(p_limit);
  return 0;
end
$$;
comment on function baton_api.clean_up_chunks is 'What a tick does for chunks before the work (internal).';
