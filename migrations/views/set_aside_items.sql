create view baton_board.set_aside_items as
select a.job, a.item_id, a.sqlstate, a.message, a.tries, a.since, a.retry_at from baton.set_aside a;
comment on view baton_board.set_aside_items is 'Items whose work raised an error: which, since when, and when they are tried again.';
