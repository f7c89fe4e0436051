-- Wakes process-chunks because chunks were added. An error of waking never fails the writer. Internal.
create function baton_api.trigger_next_chunk_processing() returns void
language plpgsql
as $$
begin
  perform baton.wake_for_writer('process-chunks');
exception when others then
  raise warning 'baton: waking process-chunks failed: %', sqlerrm;
end
$$;
comment on function baton_api.trigger_next_chunk_processing is 'Wakes process-chunks because chunks were added (internal).';
