-- Keeps claims from beginning to look beyond chunks that are being added: the shared lock, held until the end of the
-- transaction, keeps the mark where it is, and a rank below the mark lowers it. Only a claim that moves the mark
-- takes the lock exclusively, for the fraction of a millisecond to its end, and waits for nothing while it holds it.
create or replace function baton.keep_chunk_rank_mark() returns trigger
language plpgsql
security definer set search_path = ''
as $$
declare
  v_lowest bigint;
begin
  perform pg_catalog.pg_advisory_xact_lock_shared(123456790, 0);
  select min(a.rank) into v_lowest from added a;
  if v_lowest < (select baton_api.mark('rank_mark', 123456790)) then
    perform pg_catalog.setval('baton.rank_mark_123456790', v_lowest);
  end if;
  return null;
end
$$;

create or replace trigger t10_keep_rank_mark
after insert on baton.chunk_processing_queue
referencing new table as added
for each statement
execute function baton.keep_chunk_rank_mark();

-- The next chunk is woken when chunks were added or one came to its end. Whoever goes on by itself after settling
-- says so for the transaction, by baton.quiet.
create or replace function baton.trigger_next_chunk_processing() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    perform baton.wake_for_writer('process-chunks');
  elsif baton_api.has_due_chunks(baton.clock(), '{}') then
    perform baton.wake('process-chunks');
  end if;
  return null;
exception when others then
  raise warning 'baton: waking process-chunks failed: %', sqlerrm;
  return null;
end
$$;

create or replace trigger t90_wake
after insert or update of status on baton.chunk_processing_queue
for each statement
when (coalesce(pg_catalog.current_setting('baton.quiet', true), '') <> 'on')
execute function baton.trigger_next_chunk_processing();
