-- An attempt at items goes on from turn to turn: a settlement that claims the next batch writes its row in place, where each batch had
-- a row of its own. What it had so far is no longer told by its rows, but by its counts.

alter table baton.attempts
  add column turns int not null default 1,
  add column turn_at timestamptz,
  add column turn_items int not null default 0,
  add column rank bigint,
  add column turn_result jsonb,
  add column role text,
  -- Checks of a table are read anew for every statement that writes to it. Only the engine writes here.
  drop constraint attempt_outcome_is_known,
  drop constraint finished_attempt_has_an_outcome;
alter table baton.attempts set (fillfactor = 50);
comment on table baton.attempts is 'A lease on a batch, or on one batch after another. A settlement must name its token: its id, of which the last four digits count the turns.';
comment on column baton.attempts.turns is 'How many batches it has claimed, one after another.';
comment on column baton.attempts.turn_at is 'When it claimed the batch that it has, if not its first.';
comment on column baton.attempts.turn_result is 'What came of the batch that was settled last; null when all of it was done, which were turn_items.';
comment on column baton.attempts.role is 'Who claimed it, where only its own role may settle it.';
comment on column baton.attempts.rank is 'The highest rank that it took: from there its next turn looks.';
comment on column baton.attempts.n_items is 'How many items it has claimed in all its turns.';
comment on column baton.attempts.result is 'What came of its items in all its turns; null while it is open and all of them were done.';

alter table baton.items
  drop constraint item_status_is_known,
  drop constraint ended_item_has_ended_at;
-- An item is written once more, when it ends; where its page has room, no index is touched.
alter table baton.items set (fillfactor = 60);

-- Until when a job counts as woken, in milliseconds: writers may wake it more often than once a second.
do $$
declare
  v_lock_id bigint;
begin
  for v_lock_id in select j.lock_id from baton.jobs j loop
    perform setval(format('baton.woken_%s', v_lock_id), 0);
    execute format('comment on sequence baton.woken_%s is %L', v_lock_id, 'From when on the job with this lock may be woken by a writer, in milliseconds since 1970.');
  end loop;
end
$$;
