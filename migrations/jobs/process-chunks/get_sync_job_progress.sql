-- How far a sync job is, as chunk_processing_status shows it; JSON's null when there is none of this id.
create function baton_api.get_sync_job_progress(p_sync_job text) returns jsonb
language sql stable
security definer set search_path = ''
as $$
  select coalesce((select to_jsonb(s) from baton_board.chunk_processing_status s where s.parent_sync_job_id = p_sync_job), 'null')
$$;
comment on function baton_api.get_sync_job_progress is 'How far a sync job is, in numbers, percent and expected end.';
